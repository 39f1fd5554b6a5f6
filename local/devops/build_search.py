"""Which builds a listing shows ("Builds, List" of the 7.1 REST API reference)."""

from typing import Final

from local.devops.calls import Call
from local.devops.clock import seconds_of
from local.devops.errors import invalid_argument
from local.devops.pipeline_records import Build

_ORDERS: Final = {
    "finishtimeascending": ("finished", False),
    "finishtimedescending": ("finished", True),
    "queuetimeascending": ("queued", False),
    "queuetimedescending": ("queued", True),
    "starttimeascending": ("started", False),
    "starttimedescending": ("started", True),
}


def builds_wanted(call: Call) -> list[Build]:
    """Return the builds of a project that a call asks for, in the order that it asks for.

    Times are compared with the date that the order goes by: a build without that date is left out when it is compared.

    Args:
        call: branchName, definitions, buildIds, statusFilter, resultFilter, reasonFilter, tagFilters, repositoryId
            with repositoryType, minTime, maxTime and queryOrder.

    Raises:
        ServiceError: 400 for an order, a type or a date that is not known.
    """
    field, newest_first = _order(call)
    found = [one for one in call.organisation.builds.all() if one.project_id == call.project.id and _fits(call, one)]
    first, last = _moment(call, "minTime"), _moment(call, "maxTime")
    if first is not None or last is not None:
        found = [one for one in found if _between(getattr(one, field), first, last)]
    return sorted(found, key=lambda one: (getattr(one, field) or "", one.id), reverse=newest_first)


def _order(call: Call) -> tuple[str, bool]:
    written = call.text("queryOrder")
    if written is None:
        return "queued", True
    if written.lower() not in _ORDERS:
        raise invalid_argument("queryOrder", f"The order {written!r} is not known.")
    return _ORDERS[written.lower()]


def _fits(call: Call, one: Build) -> bool:
    repository = call.text("repositoryId")
    if repository and not call.text("repositoryType"):
        raise invalid_argument("repositoryType", "The type of the repository is required with its id.")
    exact = {
        "branchName": one.source_branch,
        "statusFilter": one.status,
        "resultFilter": one.result,
        "reasonFilter": one.reason,
        "repositoryId": one.repository_id,
    }
    among = {"definitions": str(one.definition_id), "buildIds": str(one.id)}
    tags = {tag for tag in (call.text("tagFilters") or "").split(",") if tag}
    return (
        all(value in _choices(call, name) for name, value in exact.items() if _asked(call, name))
        and all(value in _choices(call, name) for name, value in among.items() if call.text(name))
        and tags <= set(one.tags)
    )


def _asked(call: Call, name: str) -> bool:
    return (call.text(name) or "all").lower() != "all"


def _choices(call: Call, name: str) -> list[str]:
    return [word.strip() for word in (call.text(name) or "").split(",")]


def _moment(call: Call, name: str) -> float | None:
    written = call.text(name)
    if written is None:
        return None
    try:
        return seconds_of(written)
    except ValueError:
        raise invalid_argument(name, f"The value {written!r} is not a date.") from None


def _between(stamp: str | None, first: float | None, last: float | None) -> bool:
    if stamp is None:
        return False
    moment = seconds_of(stamp)
    return (first is None or moment >= first) and (last is None or moment <= last)
