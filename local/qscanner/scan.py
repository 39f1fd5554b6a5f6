"""One run: from a checked command line to files and an exit code."""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from local.qscanner.advisories import load_advisories, match_advisories
from local.qscanner.collect import collect_packages, collect_secrets
from local.qscanner.command_line import Mode, Options, Subcommand
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.faults import Faults, read_faults
from local.qscanner.git_state import GitState, read_git_state
from local.qscanner.journal import Journal
from local.qscanner.outputs.files import COMPRESSED_COPIES_VARIABLE, OutputFolder
from local.qscanner.outputs.inventory import inventory
from local.qscanner.policies import POLICIES_VARIABLE, evaluate_policies, read_policies
from local.qscanner.scan_result import ScanResult
from local.qscanner.tree import Tree
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
    if options.subcommand is Subcommand.IMAGE:
        raise ScanError(ExitCode.IMAGE_UNREADABLE, "this stand-in scans folders (repo, rootfs); it cannot read images")
    root = Path(options.target)
    if not root.is_dir():
        raise ScanError(ExitCode.FILESYSTEM_UNREADABLE, f"{options.target} is not a folder that can be read")
    tree = Tree(root, options.exclude_dirs, options.exclude_files)
    git = read_git_state(root) if options.subcommand is Subcommand.REPO else GitState()
    _append_to_run_log(options, environment.get(RUN_LOG_VARIABLE, ""), git)
    faults = read_faults(environment, tree)
    folder = OutputFolder(
        options.output_dir,
        _prefix(options, git),
        journal,
        compressed_copies=environment.get(COMPRESSED_COPIES_VARIABLE) == "1",
    )
    folder.create()
    faults.before_scan(folder, tree, journal)
    with _cache_lock(options, environment, journal), _time_limit(options.scan_timeout_seconds):
        code = _scan_and_write(options, environment, journal, tree, git, folder, faults)
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


def _prefix(options: Options, git: GitState) -> str:
    """Give what file names begin with: opaque, the same for the same commit, as QScanner's is for a repository."""
    identity = f"{git.origin}\n{git.commit}" if git.commit else os.path.realpath(options.target)
    return sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()


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


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def give_up(*_: object) -> None:
        raise ScanError(ExitCode.GENERIC_ERROR, f"the scan took longer than its limit of {seconds:g} s")

    previous = signal.signal(signal.SIGALRM, give_up)
    previous_timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        # Whoever runs a scan inside their own process may have a timer of theirs.
        signal.setitimer(signal.ITIMER_REAL, *previous_timer)


def _scan_and_write(
    options: Options,
    environment: dict[str, str],
    journal: Journal,
    tree: Tree,
    git: GitState,
    folder: OutputFolder,
    faults: Faults,
) -> ExitCode:
    result = _scan(options, journal, tree, git, folder)
    faults.during_scan()
    _write_inventory(options, result, folder)
    if options.mode in {Mode.INVENTORY_ONLY, Mode.SCAN_ONLY}:
        return ExitCode.SUCCESS
    if faults.exit_code == ExitCode.REPORT_NOT_OBTAINED:
        return ExitCode.REPORT_NOT_OBTAINED
    if options.subcommand is Subcommand.REPO and not git.report_can_be_obtained:
        reason = "the report was not obtained: it needs a local branch with a commit, and a remote named origin"
        raise ScanError(ExitCode.REPORT_NOT_OBTAINED, reason)
    _write_reports(options, result, folder)
    journal.info(f"{len(result.vulnerabilities)} vulnerabilities in {len(result.packages)} packages")
    return (
        _evaluate(options, environment, result, journal) if options.mode is Mode.EVALUATE_POLICY else ExitCode.SUCCESS
    )


def _scan(options: Options, journal: Journal, tree: Tree, git: GitState, folder: OutputFolder) -> ScanResult:
    started = time.time()
    paths = list(tree.files())
    packages = collect_packages(tree, paths, journal) if "sca" in options.scan_types else []
    secrets = collect_secrets(tree, paths, journal) if "secret" in options.scan_types else []
    return ScanResult(
        target=options.target,
        kind=options.subcommand.value,
        prefix=folder.path("").name.rstrip("-"),
        git=git,
        operating_system=_operating_system(options, tree),
        started=started,
        packages=packages,
        vulnerabilities=match_advisories(packages, load_advisories()),
        secrets=secrets,
        looked_for_secrets="secret" in options.scan_types,
    )


def _operating_system(options: Options, tree: Tree) -> str:
    """Give the name that os-release(5) asks to be shown; needed only where nothing but the system is scanned."""
    if "os" not in options.scan_types:
        return ""
    try:
        text = (
            tree.read("etc/os-release", max_bytes=65536).decode("utf-8", "replace")
            if options.subcommand is Subcommand.ROOTFS
            else ""
        )
    except (OSError, ValueError):
        text = ""
    for line in text.splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.removeprefix("PRETTY_NAME=").strip("\"'")
    if "sca" not in options.scan_types:
        raise ScanError(ExitCode.OPERATING_SYSTEM_NOT_FOUND, "no operating system was found")
    return ""


def _write_inventory(options: Options, result: ScanResult, folder: OutputFolder) -> None:
    """Write the inventory formats asked for; each is loaded only if it is."""
    if "json" in options.formats:
        folder.write("ScanResult.json", inventory(result))
    if "spdx" in options.formats:
        from local.qscanner.outputs.spdx import spdx  # noqa: PLC0415 - start-up time

        folder.write("ScanResult.spdx.json", spdx(result))
    if "cyclonedx" in options.formats:
        from local.qscanner.outputs.cyclonedx import cyclonedx  # noqa: PLC0415 - start-up time

        folder.write("ScanResult.cdx.json", cyclonedx(result))
    if "table" in options.formats:
        from local.qscanner.outputs.table import package_table  # noqa: PLC0415 - start-up time

        _print(package_table(result))


def _write_reports(options: Options, result: ScanResult, folder: OutputFolder) -> None:
    """Write the report formats asked for; each is loaded only if it is."""
    if "sarif" in options.report_formats:
        from local.qscanner.outputs.sarif import sarif  # noqa: PLC0415 - start-up time

        folder.write("Report.sarif.json", sarif(result))
    if "json" in options.report_formats:
        from local.qscanner.outputs.report_json import report_json  # noqa: PLC0415 - start-up time

        folder.write("Report.json", report_json(result))
    if "table" in options.report_formats:
        from local.qscanner.outputs.table import vulnerability_table  # noqa: PLC0415 - start-up time

        _print(vulnerability_table(result))


def _evaluate(options: Options, environment: dict[str, str], result: ScanResult, journal: Journal) -> ExitCode:
    policies = read_policies(environment.get(POLICIES_VARIABLE, ""))
    outcome = evaluate_policies(policies, options.policy_tags, result.vulnerabilities, result.packages)
    for reason in outcome.reasons:
        journal.debug(reason)
    journal.info(f"policy evaluation result: {outcome.decision}")
    return outcome.decision.exit_code


def _print(text: str) -> None:
    """Write to standard output in UTF-8, whatever the locale says."""
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
