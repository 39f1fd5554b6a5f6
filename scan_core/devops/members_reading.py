"""From the SDK's models of members, groups and their rights to our values."""

from typing import Any, Final

from pydantic import ValidationError

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.members import Descriptor, Entry, Group, Member
from scan_core.devops.naming import shown
from scan_core.devops.reading import malformed

_SAID_CHARACTERS: Final = 200


def done(answer: Any, doing: str) -> dict[str, Any]:  # noqa: ANN401 (parsed JSON)
    """Take an answer that says whether it was done; a refusal comes with status 200 where members are changed.

    Args:
        answer: The answer, parsed.
        doing: What is being done, in words for an error.

    Returns:
        The answer, which says that it was.

    Raises:
        DevOpsError: REJECTED, with what the answer says; MALFORMED: it is no object.
    """
    if not isinstance(answer, dict):
        raise malformed(doing, "Azure DevOps gave no object")
    if answer.get("isSuccess") is True:
        return answer
    results = answer.get("operationResults") or [answer.get("operationResult")]
    errors = [error for one in results if isinstance(one, dict) for error in one.get("errors") or []]
    said = "; ".join(str(error.get("value")) for error in errors if isinstance(error, dict))
    raise DevOpsError(
        DevOpsErrorKind.REJECTED, f"{doing}: Azure DevOps did not do it: {_one_line(said) or 'it does not say why'}"
    )


def _one_line(text: str) -> str:
    """Make what Azure DevOps says fit for one line."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_SAID_CHARACTERS].strip()


def member_from(member_id: Any, descriptor: Any, licence: str, doing: str) -> Member:  # noqa: ANN401 (parsed JSON)
    """Make a member of what was read of it.

    Args:
        member_id: Its id in the organisation.
        descriptor: How Graph names it.
        licence: Such as ``express``.
        doing: What is being done, in words for an error.

    Returns:
        The member.

    Raises:
        DevOpsError: MALFORMED: id or descriptor is none.
    """
    try:
        return Member(id=str(member_id or "").lower(), descriptor=Descriptor(str(descriptor or "")), licence=licence)
    except ValidationError:
        raise malformed(doing, "Azure DevOps gave no usable id of the member") from None


def group_from(model: Any, doing: str) -> Group:  # noqa: ANN401 (SDK model)
    """Read a group.

    Args:
        model: The SDK's GraphGroup.
        doing: What is being done, in words for an error.

    Returns:
        The group.

    Raises:
        DevOpsError: MALFORMED: it has no descriptor.
    """
    try:
        return Group(
            descriptor=Descriptor(text_at(model, "descriptor")),
            name=text_at(model, "display_name"),
            description=text_at(model, "description"),
        )
    except ValidationError:
        raise malformed(
            doing, f"Azure DevOps gave no descriptor for {shown(text_at(model, 'display_name'))!r}"
        ) from None


def entry_from(model: Any, doing: str) -> Entry:  # noqa: ANN401 (SDK model)
    """Read what an access control list says of somebody.

    Args:
        model: The SDK's AccessControlEntry.
        doing: What is being done, in words for an error.

    Returns:
        The entry.

    Raises:
        DevOpsError: MALFORMED: a number is none.
    """
    allow, deny = (getattr(model, name, None) or 0 for name in ("allow", "deny"))
    if not isinstance(allow, int) or not isinstance(deny, int):
        raise malformed(doing, "Azure DevOps gave no numbers for allow and deny")
    return Entry(allow=allow, deny=deny)


def text_at(model: Any, name: str) -> str:  # noqa: ANN401 (SDK model)
    """Read a text.

    Args:
        model: A model of the SDK.
        name: The field's name in it.

    Returns:
        The text; empty where there is none.
    """
    value = getattr(model, name, None)
    return value if isinstance(value, str) else ""
