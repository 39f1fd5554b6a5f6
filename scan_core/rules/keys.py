"""The keys of a rules file, and what each may hold."""

from typing import NamedTuple

from scan_core.model.rules import Drafts, OnAudit, OnError, OnNothing
from scan_core.model.target import Mode, ScanType
from scan_core.rules.image_entries import Images, Platforms
from scan_core.rules.kinds import UNSEEN, Choice, Choices, Flag, Kind, Limit, Names, Threshold

_LONGEST_PATTERN = 200
_LONGEST_TAG = 100
_MOST_PATTERNS = 100
_MOST_TAGS = 50
_MOST_BRANCHES = 50

_LISTED_FLAWS = {
    ",": "holds a comma: QScanner would read two entries",
    r"^-": "begins with a dash: QScanner would read a flag",
    f"[{UNSEEN}]": "holds a character that cannot be seen",
    r"^\s|\s$": "begins or ends with a space",
}
_PATTERNS = Names(
    pattern=(r"(?![-/\s])(?![A-Za-z]:)(?!(?:.*/)?\.\.(?:/|$))(?!.*\s$)" + rf"[^,\\{UNSEEN}]{{1,{_LONGEST_PATTERN}}}"),
    flaws={
        r"^/|^[A-Za-z]:": "is not relative to the repository",
        r"\\": "holds a backslash; separate folders with /",
        r"(?:^|/)\.\.(?:/|$)": "leads out of the repository with ..",
        **_LISTED_FLAWS,
    },
    longest=_LONGEST_PATTERN,
    most=_MOST_PATTERNS,
)
_TAGS = Names(
    pattern=rf"(?![-\s])(?!.*\s$)[^,{UNSEEN}]{{1,{_LONGEST_TAG}}}",
    flaws=_LISTED_FLAWS,
    longest=_LONGEST_TAG,
    most=_MOST_TAGS,
)

_BRANCHES = Names(
    pattern=rf"(?![\s\S]*\s)(?!refs/|/)(?!.*(?://|/$))[^~^:\\\[{UNSEEN}]{{1,{_LONGEST_PATTERN}}}",
    flaws={
        r"^refs/": "is a full name; write the branch's short one, such as release/*",
        r"^/|//|/$": "begins or ends with a slash, or has two together",
        r"[\s~^:\\\[]": "holds a character that no branch name has; only * and ? stand for others",
        f"[{UNSEEN}]": "holds a character that cannot be seen",
    },
    longest=_LONGEST_PATTERN,
    most=_MOST_BRANCHES,
)


class Key(NamedTuple):
    """One key of a rules file.

    Attributes:
        kind: What it may hold.
        description: What it is for, as an editor shows it.
    """

    kind: Kind
    description: str


FAIL_ON_SEVERITY = "fail_on_severity"
COUNT_LIMITS = ("max_critical", "max_high", "max_medium", "max_low")

KEYS: dict[str, Key] = {
    "enabled": Key(Flag(), "Whether anything is judged at all that this file holds for."),
    "scan_types": Key(Choices(ScanType), "What to look for; pkg is os and sca together."),
    "exclude_dirs": Key(_PATTERNS, "Folders of a source that are not scanned, relative to the repository."),
    "exclude_files": Key(_PATTERNS, "Files of a source that are not scanned, relative to the repository."),
    "mode": Key(
        Choice(Mode),
        "Who decides: get-report applies the limits of this file, evaluate-policy the policies of the Qualys account "
        "(then of the limits only max_secrets applies).",
    ),
    "policy_tags": Key(
        _TAGS, "Tags of the Qualys policies to evaluate; where none matches, the account's default does."
    ),
    FAIL_ON_SEVERITY: Key(
        Threshold(), "Fail on any finding of this severity or a worse one; 0 never fails. Not together with max_*."
    ),
    **{
        key: Key(Limit(), f"How many {key.removeprefix('max_')} findings are allowed; -1 is any number.")
        for key in COUNT_LIMITS
    },
    "max_secrets": Key(Limit(), "How many secrets are allowed in a source or an image; -1 is any number."),
    "on_audit": Key(Choice(OnAudit), "What a gate does when no Qualys policy matched, so that nothing was evaluated."),
    "on_error": Key(Choice(OnError), "What a gate does without a result: block, or allow visibly."),
    "on_nothing": Key(Choice(OnNothing), "What a check does whose build names no image: block, or allow visibly."),
    "drafts": Key(Choice(Drafts), "Whether a draft pull request is scanned at once or waits for its publication."),
    "branches": Key(
        _BRANCHES,
        "Branches whose pushes are judged beside the default branch, such as release/*; read on the default branch.",
    ),
    "images": Key(
        Images(), "Images that the builds of this repository make; a build may also name them by tags of its own."
    ),
    "platforms": Key(Platforms(), "Which platforms of an image are judged, where its entry does not say."),
}
