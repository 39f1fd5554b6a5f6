"""What QScanner's exit codes mean. The table follows the public pipeline wrappers, which agree on it."""

import signal as signals
from enum import StrEnum
from typing import NamedTuple

from scan_core.model.attempt import AttemptError, AttemptErrorKind
from scan_core.model.target import Mode
from scan_core.model.verdict import PolicyDecision


class ExitMeaning(StrEnum):
    """What an exit code is worth to a gate."""

    CONCLUSIVE = "conclusive"
    INCOMPLETE = "incomplete"
    """QScanner could not finish because something it depends on did not answer. Never "clean"; worth another try."""
    ERROR = "error"
    UNSUPPORTED = "unsupported"


class Exit(NamedTuple):
    """One exit code, explained.

    Attributes:
        code: The exit code.
        meaning: What it is worth.
        sentence: What happened and, where there is something to do, what to do.
    """

    code: int
    meaning: ExitMeaning
    sentence: str


SUCCESS = 0
POLICY_DENY = 42
POLICY_AUDIT = 43

_RETRY = "It is worth another try."
_SENTENCES: dict[ExitMeaning, dict[int, str]] = {
    ExitMeaning.CONCLUSIVE: {
        SUCCESS: "QScanner finished.",
        POLICY_DENY: "QScanner finished, and a Qualys policy denies the target.",
        POLICY_AUDIT: "QScanner finished, and no Qualys policy matched, so nothing was evaluated.",
    },
    ExitMeaning.INCOMPLETE: {
        33: f"QScanner could not upload its changes to Qualys. {_RETRY}",
        37: f"QScanner could not upload the SBOM to Qualys. {_RETRY}",
        39: f"QScanner could not upload the secrets it found to Qualys. {_RETRY}",
        40: f"QScanner did not obtain the vulnerability report from Qualys, so nothing is known. {_RETRY}",
        41: f"QScanner did not obtain the policy result from Qualys, so nothing was decided. {_RETRY}",
    },
    ExitMeaning.UNSUPPORTED: {
        15: "QScanner found no operating system in the target, so it cannot scan it.",
        17: "QScanner does not support the target's operating system.",
    },
    ExitMeaning.ERROR: {
        1: "QScanner failed without saying why. A wrong Qualys token or pod has no code of its own.",
        2: "QScanner refused a parameter. This is a fault of the gate's set-up, not of the code.",
        3: "QScanner could not start its log.",
        5: "QScanner could not read the file system.",
        6: "QScanner could not read the image.",
        7: "QScanner could not read the archive.",
        8: "QScanner's storage driver failed.",
        9: "QScanner could not read the container.",
        10: "QScanner could not read the target.",
        11: "QScanner could not read the target's metadata.",
        12: "QScanner's scan of operating system packages failed.",
        13: "QScanner's scan of software packages failed.",
        14: "QScanner's search for secrets failed.",
        16: "QScanner's search for malware failed.",
        18: "QScanner's look into the target's files failed.",
        19: "QScanner's compliance scan failed.",
        20: "QScanner's scan of manifests failed.",
        21: "QScanner's scan of the registry failed.",
        **dict.fromkeys((30, 31, 32, 34, 35, 36, 38), "QScanner could not write its results."),
    },
}
_EXITS = {
    code: Exit(code, meaning, sentence)
    for meaning, sentences in _SENTENCES.items()
    for code, sentence in sentences.items()
}

_ERROR_KINDS = {
    ExitMeaning.INCOMPLETE: AttemptErrorKind.INCOMPLETE,
    ExitMeaning.UNSUPPORTED: AttemptErrorKind.UNSUPPORTED,
    ExitMeaning.ERROR: AttemptErrorKind.SCANNER_FAILED,
}
_DECISIONS = {
    POLICY_DENY: PolicyDecision.DENY,
    POLICY_AUDIT: PolicyDecision.AUDIT,
}


def meaning_of(code: int) -> Exit:
    """Look an exit code up.

    Args:
        code: The code QScanner ended with.

    Returns:
        Its meaning; a code that nobody assigned is an error.
    """
    unassigned = f"QScanner ended with code {code}, which has no known meaning."
    return _EXITS.get(code) or Exit(code, ExitMeaning.ERROR, unassigned)


def policy_of(code: int, mode: Mode) -> PolicyDecision:
    """Read the decision of Qualys' policies out of a conclusive exit code.

    Args:
        code: A conclusive exit code.
        mode: The mode of the scan. Without an evaluation, 0 says nothing about policies; an explicit DENY or AUDIT is
            believed in either mode.

    Returns:
        The decision; NONE where no policy was asked.

    Raises:
        ValueError: The code is not conclusive, so there is no decision to read.
    """
    if meaning_of(code).meaning is not ExitMeaning.CONCLUSIVE:
        raise ValueError(f"exit code {code} is not conclusive; there is no policy decision in it")
    if code in _DECISIONS:
        return _DECISIONS[code]
    return PolicyDecision.ALLOW if mode is Mode.EVALUATE_POLICY else PolicyDecision.NONE


def error_of(code: int | None, signal: int | None = None) -> AttemptError | None:
    """Say what an end of QScanner means for the attempt.

    Args:
        code: The exit code; None where there is none. Negative, as Python reports a death by signal, is one.
        signal: The number of the signal that ended QScanner, if one did.

    Returns:
        None for a conclusive end, else the error to record.
    """
    if code is not None and code < 0:
        signal = -code
    if signal is not None or code is None:
        return AttemptError(kind=AttemptErrorKind.SCANNER_KILLED, sentence=_killed(signal))
    found = meaning_of(code)
    if found.meaning is ExitMeaning.CONCLUSIVE:
        return None
    return AttemptError(kind=_ERROR_KINDS[found.meaning], sentence=f"{found.sentence} (exit code {code})")


def _killed(signal: int | None) -> str:
    if signal is None:
        return "QScanner ended without an exit code."
    try:
        name = signals.Signals(signal).name
    except ValueError:
        name = f"signal {signal}"
    hint = " It may have run out of memory." if signal == signals.SIGKILL else ""
    return f"QScanner was ended from outside ({name}).{hint}"
