"""Rules in words: where they were read, and what they ask for."""

from collections.abc import Iterator

from scan_core.model.rules import ImageRule, OnAudit, OnError, OnNothing, Rules, RulesRead
from scan_core.model.subject import StatusName
from scan_core.model.target import Mode, ScanType

_SCAN_TYPES = {
    ScanType.PKG: "packages",
    ScanType.OS: "operating-system packages",
    ScanType.SCA: "libraries",
    ScanType.SECRET: "secrets",
}


def read_from(read: RulesRead) -> str:
    """Say where rules were read.

    Args:
        read: The rules and their place.

    Returns:
        A sentence naming branch and commit, and whether a file or the defaults hold.
    """
    if not read.branch:
        return "The organisation’s defaults: there is no branch of Azure DevOps to read .scangate.yml on."
    branch = read.branch.removeprefix("refs/heads/")
    place = f"branch {branch}" + (f" at commit {read.commit[:7]}" if read.commit else "")
    if read.file_sha256:
        return f".scangate.yml on {place}."
    return f"The organisation’s defaults: there is no .scangate.yml on {place}."


def rules_in_words(rules: Rules, kinds: frozenset[StatusName]) -> tuple[tuple[str, str], ...]:
    """Say what rules ask for.

    Args:
        rules: The rules.
        kinds: What is judged by them, source or images or both.

    Returns:
        Pairs of a subject and what holds for it.
    """
    return tuple(_lines(rules, kinds))


def _lines(rules: Rules, kinds: frozenset[StatusName]) -> Iterator[tuple[str, str]]:
    yield "Looks for", ", ".join(_SCAN_TYPES[kind] for kind in rules.scan_types)
    yield "Blocks on", _limits(rules)
    yield "Qualys policies", _policies(rules)
    if StatusName.SOURCE in kinds:
        yield "Left out", ", ".join((*rules.exclude_dirs, *rules.exclude_files)) or "nothing"
    if StatusName.IMAGE in kinds:
        yield "Images", "; ".join(map(_image, rules.images)) or "those that builds name by their tags"
        yield "Platforms", ", ".join(platform.text for platform in rules.platforms)
        yield "Check of no image", _outcome(allows=rules.on_nothing is OnNothing.ALLOW)
    yield "Without a result", _outcome(allows=rules.on_error is OnError.ALLOW)


def _image(entry: ImageRule) -> str:
    pipeline = f" of pipeline {entry.pipeline}" if entry.pipeline else ""
    platforms = f" for {', '.join(platform.text for platform in entry.platforms)}" if entry.platforms else ""
    return f"{entry.image}{pipeline}{platforms}"


def _outcome(*, allows: bool) -> str:
    return "lets through, visibly" if allows else "blocks"


def _limits(rules: Rules) -> str:
    limits = rules.thresholds
    maxima = [
        f"more than {number} {name}" if number else f"any {name}"
        for name, number in (
            ("critical", limits.max_critical),
            ("high", limits.max_high),
            ("medium", limits.max_medium),
            ("low", limits.max_low),
        )
        if number is not None
    ]
    if limits.fail_on_severity is not None:
        maxima.insert(0, f"any finding of severity {limits.fail_on_severity.name.lower()} or worse")
    if rules.max_secrets is not None and ScanType.SECRET in rules.scan_types:
        maxima.append(f"more than {rules.max_secrets} secrets" if rules.max_secrets else "any secret")
    return ", ".join(maxima) or "no number of findings"


def _policies(rules: Rules) -> str:
    if rules.mode is not Mode.EVALUATE_POLICY:
        return "not asked"
    tags = f"those tagged {', '.join(rules.policy_tags)}" if rules.policy_tags else "the account’s default policy"
    unmatched = "blocks" if rules.on_audit is OnAudit.FAIL else "passes"
    return f"{tags}; where none matches (AUDIT) the gate {unmatched}"
