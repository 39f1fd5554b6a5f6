"""How an execution of a Container Apps job ended, in words."""

from typing import Any, Final

ALIVE: Final = frozenset({"Running", "Processing"})
ENDED: Final = frozenset({"Stopped", "Failed", "Succeeded"})
"""The states of an execution; Degraded and Unknown say neither ("Jobs - Job Execution", Container Apps REST API)."""
_LONGEST: Final = 200


def state(execution: Any) -> str:  # noqa: ANN401 - a model of the SDK
    """Tell an execution's state.

    Args:
        execution: An execution as the SDK gives it.

    Returns:
        The word that Azure sent, also one that the SDK does not know; empty where it sent none.
    """
    status = execution.status
    # The SDK has an enum for the words it knows, whose text is not the word.
    return str(getattr(status, "value", status) or "")


def reason(execution: Any) -> str | None:  # noqa: ANN401 - likewise; any part of it may be missing
    """Say how an execution ended.

    Args:
        execution: An execution as the SDK gives it: state, reason, message, and containers with their exit codes.

    Returns:
        One line, such as ``Failed: scan ended with 137 (OOMKilled)``; None where it has not ended. Init containers are
        among the containers where Azure lists them.
    """
    status = state(execution)
    if status not in ENDED:
        return None
    said = [_plain(execution.reason), _plain(execution.message), *_containers(execution)]
    details = "; ".join(words for words in said if words)
    return f"{status}: {details}" if details else status


def _containers(execution: Any) -> list[str]:  # noqa: ANN401 - as above
    detail = execution.detailed_status
    replicas = (detail.replicas if detail is not None else None) or []
    containers = [container for replica in replicas for container in replica.containers or []]
    return [_ending(container) for container in containers if container.code is not None]


def _ending(container: Any) -> str:  # noqa: ANN401 - as above
    why = _plain(container.additional_information) or _plain(container.status)
    return f"{_plain(container.name) or 'a container'} ended with {container.code}{f' ({why})' if why else ''}"


def _plain(text: str | None) -> str:
    """Make a line of what the platform wrote for people."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text or "").split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
