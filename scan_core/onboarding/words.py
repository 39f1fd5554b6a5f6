"""A failure as a sentence that ends with the next step. Pure."""

from typing import Final

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind

_AGAIN: Final = "Run the same command again: it continues where it stopped."

_NEXT: Final = {
    DevOpsErrorKind.SIGNED_OUT: "Check the credential, and that its identity is a member of the organisation.",
    DevOpsErrorKind.FORBIDDEN: (
        "Grant the right ('scangate doctor' names those that are missing; docs/operations.md has the commands) and run"
        " the same command again."
    ),
    DevOpsErrorKind.NOT_FOUND: (
        "Somebody deleted it meanwhile, or the identity may not see it. Look at the plan with --dry-run."
    ),
    DevOpsErrorKind.CONFLICT: _AGAIN,
    DevOpsErrorKind.REJECTED: "Look at what Azure DevOps says; if it is right, this is a defect: please report it.",
    DevOpsErrorKind.THROTTLED: f"Wait some minutes. {_AGAIN}",
    DevOpsErrorKind.UNAVAILABLE: _AGAIN,
    DevOpsErrorKind.TIMED_OUT: _AGAIN,
    DevOpsErrorKind.UNREACHABLE: (f"Check the network and the organisation's URL in SCANGATE_ORGANISATIONS. {_AGAIN}"),
    DevOpsErrorKind.MALFORMED: f"Something between here and Azure DevOps may have changed the answer. {_AGAIN}",
}


def in_words(error: DevOpsError) -> str:
    """Say what failed and what to do.

    Args:
        error: The failure.

    Returns:
        Two sentences: what was wanted and what came, then the next step.
    """
    said = error.sentence[:1].upper() + error.sentence[1:]
    return f"{said.rstrip('.')}. {_NEXT[error.kind]}"
