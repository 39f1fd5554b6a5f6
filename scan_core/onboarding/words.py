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


_BY_ITSELF: Final = "It is tried again by itself."

_STEP_BEFORE: Final = {
    DevOpsErrorKind.SIGNED_OUT: "Check that the app's identity is a member of the organisation.",
    DevOpsErrorKind.FORBIDDEN: (
        "Grant the app's identity 'Edit subscriptions' and 'Delete subscriptions' in the project (docs/operations.md"
        " has the commands)."
    ),
    DevOpsErrorKind.NOT_FOUND: "If the project was deleted, nothing has to be done; else the identity may not see it.",
    DevOpsErrorKind.REJECTED: "Look at what Azure DevOps says; if it is right, this is a defect: please report it.",
}


def step_for_an_operator(error: DevOpsError) -> str:
    """Say what an operator can do about a failure of something that goes on trying.

    Args:
        error: The failure.

    Returns:
        The next step.
    """
    return " ".join(filter(None, (_STEP_BEFORE.get(error.kind), _BY_ITSELF)))


_ADMINISTRATOR: Final = {
    DevOpsErrorKind.SIGNED_OUT: "Run 'az login' as an administrator of the organisation, in its own tenant.",
    DevOpsErrorKind.FORBIDDEN: (
        "Members, licences and rights are given by Project Collection Administrators alone: have one of them run the"
        " same command."
    ),
    DevOpsErrorKind.UNREACHABLE: f"Check the network and --organisation-url. {_AGAIN}",
    DevOpsErrorKind.REJECTED: (
        "Look at what Azure DevOps says: the object id has to be that of the managed identity's service principal, in"
        " the tenant that the organisation is connected to."
    ),
}


def in_words(error: DevOpsError) -> str:
    """Say what failed and what to do.

    Args:
        error: The failure.

    Returns:
        Two sentences: what was wanted and what came, then the next step.
    """
    return f"{_said(error)} {_NEXT[error.kind]}"


def to_an_administrator(error: DevOpsError) -> str:
    """Say what failed and what to do, where somebody acts for the organisation and not as the service.

    Args:
        error: The failure.

    Returns:
        Two sentences, as by `in_words`.
    """
    return f"{_said(error)} {_ADMINISTRATOR.get(error.kind, _NEXT[error.kind])}"


def _said(error: DevOpsError) -> str:
    return f"{error.sentence[:1].upper()}{error.sentence[1:].rstrip('.')}."
