"""A request as a handler sees it, and what it answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.devops.errors import ServiceError, invalid_argument
from local.devops.records import Project, Repository, Token
from local.devops.shapes import Shape, check, fitting
from local.devops.state import Organisation

CONTINUATION_HEADER = "x-ms-continuationtoken"


@dataclass(frozen=True)
class Answer:
    """What goes back. ``body`` is JSON unless it is bytes; nothing means an empty body."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str | None = None


@dataclass(frozen=True)
class Call:
    """One authenticated request to the REST API.

    Attributes:
        organisation: where it arrived.
        token: the caller's.
        method: in capitals.
        path: decoded, without the query.
        route: decoded values of the route's placeholders.
        query: first value of each query parameter, by lower-case name.
        headers: by lower-case name.
        content: the body.
    """

    organisation: Organisation
    token: Token
    method: str
    path: str
    route: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes

    def json(self, shape: dict[str, Shape]) -> dict[str, Any]:
        """Return the body as a JSON object, without fields that are null.

        Args:
            shape: the types of the fields that are read.

        Raises:
            ServiceError: 400 when it does not fit.
        """
        return fitting(self._parsed(), shape)

    def json_list(self, shape: Shape) -> list[Any]:
        """Return the body as a JSON list.

        Args:
            shape: what each entry must be.

        Raises:
            ServiceError: 400 when it does not fit.
        """
        entries: list[Any] = self._parsed()
        check(entries, [shape])
        return entries

    def _parsed(self) -> Any:  # noqa: ANN401 - parsed JSON
        try:
            return json.loads(self.content)
        except ValueError:
            raise invalid_argument("body", "The request body is not valid JSON.") from None

    def text(self, name: str) -> str | None:
        """Return a query parameter, or nothing when it is absent or empty.

        Args:
            name: without regard to case.
        """
        return self.query.get(name.lower()) or None

    def number(self, name: str, default: int, most: int | None = None) -> int:
        """Return a query parameter as a number.

        Args:
            name: without regard to case.
            default: when it is absent.
            most: larger values are lowered to this.

        Raises:
            ServiceError: 400 when it is not a number of zero or more.
        """
        written = self.text(name)
        if written is None:
            return default
        if not (written.isascii() and written.isdigit()):
            raise invalid_argument(name, f"The value '{written}' is not valid for {name}.")
        return int(written) if most is None else min(int(written), most)

    def flag(self, name: str) -> bool:
        """Tell whether a query parameter says true.

        Args:
            name: without regard to case.
        """
        return (self.text(name) or "").lower() == "true"

    def route_number(self, name: str) -> int:
        """Return a placeholder of the route as a number.

        Args:
            name: the placeholder.

        Raises:
            ServiceError: 400 when it is not a number.
        """
        written = self.route[name]
        if not (written.isascii() and written.isdigit()):
            raise invalid_argument(name, f"The value '{written}' is not valid for {name}.")
        return int(written)

    @property
    def project(self) -> Project:
        """The project that the route names."""
        return self.organisation.project(self.route["project"])

    @property
    def optional_project(self) -> Project | None:
        """The project that the route names, or nothing when it names none."""
        return self.project if "project" in self.route else None

    @property
    def repository(self) -> Repository:
        """The repository that the route names; not found for who may not read code, as in the real service."""
        named = self.route["repositoryId"]
        if "code_read" not in self.token.rights:
            raise ServiceError(
                404,
                "GitRepositoryNotFoundException",
                f"TF401019: The Git repository with name or identifier {named} does not exist or you do not have "
                "permissions for the operation you are attempting.",
            )
        return self.organisation.repository(named, self.optional_project)


type Handler = Callable[[Call], Answer]


def collection(values: list[Any], headers: Mapping[str, str] | None = None) -> Answer:
    """Wrap a list as the service does.

    Args:
        values: the items.
        headers: further headers.
    """
    return Answer({"count": len(values), "value": values}, headers=headers or {})


def page_of(call: Call, values: list[Any], default_size: int) -> Answer:
    """Answer one page of a list, with a continuation token in the header when there is more.

    Args:
        call: carries ``$top``, ``$skip`` and ``continuationToken``; a token is the number of items already given.
        values: all items.
        default_size: page size without ``$top``.
    """
    size = call.number("$top", default_size) or default_size
    start = call.number("continuationToken", call.number("$skip", 0))
    shown = values[start : start + size]
    more = {CONTINUATION_HEADER: str(start + size)} if start + size < len(values) else {}
    return collection(shown, more)
