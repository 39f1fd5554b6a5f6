"""One run: from a checked command line to files and an exit code."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.qscanner.advisories import load_advisories, match_advisories
from local.qscanner.collect import collect_packages, collect_secrets
from local.qscanner.collect_system import collect_system_packages, is_database
from local.qscanner.command_line import Mode, Options, Subcommand
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.faults import Faults, read_faults
from local.qscanner.git_state import GitState
from local.qscanner.journal import Journal
from local.qscanner.operating_system import OperatingSystem, find_operating_system
from local.qscanner.outputs.files import COMPRESSED_COPIES_VARIABLE, OutputFolder
from local.qscanner.outputs.writing import write_inventory, write_reports
from local.qscanner.policies import POLICIES_VARIABLE, evaluate_policies, read_policies
from local.qscanner.scan_result import ScanResult
from local.qscanner.subject import Subject, open_subject
from local.qscanner.time_limit import time_limit
from local.qscanner.tree import FileTree
from local.qscanner.version import full_name

TOKEN_VARIABLE = "QUALYS_ACCESS_TOKEN"  # noqa: S105 - the variable's name, not a token
RUN_LOG_VARIABLE = "QSCANNER_STANDIN_RUNLOG"
# A token that begins so stands for one that Qualys does not accept.
REJECTED_TOKEN_PREFIX = "rejected"  # noqa: S105 - as above


def run_scan(options: Options, environment: dict[str, str], journal: Journal) -> int:
    """Scan a target as the command line says.

    Args:
        options: The command line.
        environment: The process's environment.
        journal: Where progress is written.

    Returns:
        The exit code of a run that came to its end.

    Raises:
        ScanError: The run ended early, with the code to exit with.
    """
    journal.info(full_name())
    _check_token(options, environment)
    run_log = environment.get(RUN_LOG_VARIABLE, "")
    if options.subcommand is Subcommand.IMAGE:
        # An image that cannot be pulled was tried all the same.
        _append_to_run_log(options, run_log, GitState())
    with open_subject(options, environment, journal) as subject:
        if options.subcommand is not Subcommand.IMAGE:
            _append_to_run_log(options, run_log, subject.git)
        return _run(options, environment, journal, subject)


def _run(options: Options, environment: dict[str, str], journal: Journal, subject: Subject) -> int:
    faults = read_faults(environment, subject.tree)
    folder = OutputFolder(
        options.output_dir,
        subject.prefix,
        journal,
        compressed_copies=environment.get(COMPRESSED_COPIES_VARIABLE) == "1",
    )
    folder.create()
    faults.before_scan(folder, subject.tree, journal)
    with _cache_lock(options, environment, journal), time_limit(options.scan_timeout_seconds):
        result = _scan(options, journal, subject)
        faults.during_scan()
        write_inventory(options.formats, result, folder)
        code = _report(options, environment, journal, result, folder, faults)
    faults.after_scan(folder)
    return code if faults.exit_code is None else faults.exit_code


def _check_token(options: Options, environment: dict[str, str]) -> None:
    if options.mode is Mode.INVENTORY_ONLY:
        return
    token = environment.get(TOKEN_VARIABLE) or options.access_token
    if not token:
        raise ScanError(ExitCode.GENERIC_ERROR, f"no access token: set {TOKEN_VARIABLE}")
    if token.startswith(REJECTED_TOKEN_PREFIX) or token != token.strip():
        raise ScanError(ExitCode.GENERIC_ERROR, f"pod {options.pod} did not accept the access token")


def _append_to_run_log(options: Options, path: str, git: GitState) -> None:
    """Note this run in one write, so that runs at the same moment do not mix."""
    if not path:
        return
    entry = {
        "pid": os.getpid(),
        "started": time.time(),
        "target": options.target,
        "commit": git.commit,
        "mode": options.mode,
    }
    log_file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(log_file, json.dumps(entry).encode() + b"\n")
    finally:
        os.close(log_file)


@contextmanager
def _cache_lock(options: Options, environment: dict[str, str], journal: Journal) -> Iterator[None]:
    """Hold the cache: runs that share one wait for each other, as QScanner's documentation warns."""
    home = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or "/", ".cache")
    cache = Path(options.cache) if options.cache else Path(home, "qscanner")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        file = (cache / "lock").open("w", encoding="utf-8")
    except OSError as error:
        journal.warn(f"no cache at {cache}: {error.strerror}")
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _scan(options: Options, journal: Journal, subject: Subject) -> ScanResult:
    started = time.time()
    tree = subject.tree
    paths = list(tree.files())
    packages = collect_packages(tree, paths, journal) if "sca" in options.scan_types else []
    system = _operating_system(options, tree, paths)
    if system is not None:
        packages = sorted({*packages, *collect_system_packages(tree, paths, system, journal)})
    secrets = collect_secrets(tree, paths, journal) if "secret" in options.scan_types else []
    return ScanResult(
        target=options.target,
        kind=options.subcommand.value,
        prefix=subject.prefix,
        git=subject.git,
        operating_system=system.pretty_name if system else "",
        started=started,
        packages=packages,
        vulnerabilities=match_advisories(packages, load_advisories()),
        secrets=secrets,
        looked_for_secrets="secret" in options.scan_types,
        image=subject.image,
    )


def _operating_system(options: Options, tree: FileTree, paths: list[str]) -> OperatingSystem | None:
    """Find the operating system; it has to be there where nothing else is scanned, or where packages of it are."""
    if "os" not in options.scan_types:
        return None
    is_checkout = options.subcommand is Subcommand.REPO
    found = None if is_checkout else find_operating_system(tree)
    is_needed = "sca" not in options.scan_types or (not is_checkout and any(map(is_database, paths)))
    if found is None and is_needed:
        raise ScanError(ExitCode.OPERATING_SYSTEM_NOT_FOUND, "no operating system was found")
    return found


def _report(
    options: Options,
    environment: dict[str, str],
    journal: Journal,
    result: ScanResult,
    folder: OutputFolder,
    faults: Faults,
) -> ExitCode:
    if options.mode in {Mode.INVENTORY_ONLY, Mode.SCAN_ONLY}:
        return ExitCode.SUCCESS
    if faults.exit_code == ExitCode.REPORT_NOT_OBTAINED:
        return ExitCode.REPORT_NOT_OBTAINED
    if options.subcommand is Subcommand.REPO and not result.git.report_can_be_obtained:
        reason = "the report was not obtained: it needs a local branch with a commit, and a remote named origin"
        raise ScanError(ExitCode.REPORT_NOT_OBTAINED, reason)
    write_reports(options.report_formats, result, folder)
    journal.info(f"{len(result.vulnerabilities)} vulnerabilities in {len(result.packages)} packages")
    return (
        _evaluate(options, environment, result, journal) if options.mode is Mode.EVALUATE_POLICY else ExitCode.SUCCESS
    )


def _evaluate(options: Options, environment: dict[str, str], result: ScanResult, journal: Journal) -> ExitCode:
    policies = read_policies(environment.get(POLICIES_VARIABLE, ""))
    outcome = evaluate_policies(policies, options.policy_tags, result.vulnerabilities, result.packages)
    for reason in outcome.reasons:
        journal.debug(reason)
    journal.info(f"policy evaluation result: {outcome.decision}")
    return outcome.decision.exit_code
