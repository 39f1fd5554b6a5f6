"""From a path to a handler, and the list of resources that clients discover with ``OPTIONS _apis``."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from local.devops.calls import Handler
from local.devops.errors import WEB_API, ServiceError, controller_not_found
from local.devops.render import Json
from local.devops.versions import NEWEST, OLDEST, RELEASED, ResourceVersion

JSON: Final = ("application/json", "application/json-patch+json")
"""What a call takes for which the specification names nothing else: both, as the service's own refusals list them."""
JSON_PATCH: Final = ("application/json-patch+json",)
BYTES: Final = ("application/octet-stream",)


@dataclass(frozen=True)
class Resource:
    """A resource as clients discover it.

    Attributes:
        id: its location id, the same in every organisation.
        area: for example ``git``.
        name: for example ``pullRequests``.
        template: its path below the organisation; placeholders that a client leaves unfilled vanish.
        version: what versions it has.
    """

    id: str
    area: str
    name: str
    template: str
    version: ResourceVersion = field(default_factory=ResourceVersion)

    def json(self) -> Json:
        """Return the entry in the discovery answer."""
        return {
            "id": self.id,
            "area": self.area,
            "resourceName": self.name,
            "routeTemplate": self.template,
            "resourceVersion": self.version.newest_preview,
            "minVersion": f"{OLDEST[0]}.{OLDEST[1]}",
            "maxVersion": f"{NEWEST[0]}.{NEWEST[1]}",
            "releasedVersion": f"{RELEASED[0]}.{RELEASED[1]}" if self.version.released else "0.0",
        }


@dataclass(frozen=True)
class Route:
    """One method on one path of a resource. ``path`` is as ``Resource.template``, with all placeholders filled.

    ``takes`` are the content types of its body ("consumes" of the specification).
    """

    method: str
    path: str
    resource: Resource
    handler: Handler
    takes: tuple[str, ...] = JSON

    def check_content_type(self, content_type: str) -> None:
        """Refuse a body of another kind than this route takes.

        Args:
            content_type: the header of a call that has a body; empty where there is none.

        Raises:
            ServiceError: 400.
        """
        given = content_type.partition(";")[0].strip()
        if given.lower() not in self.takes:
            message = (
                f'The request indicated a Content-Type of "{given}" for method type "{self.method}" which is not '
                f"supported. Valid content types for this method are: {', '.join(self.takes)}."
            )
            raise ServiceError(400, "VssRequestContentTypeNotSupportedException", message, WEB_API)


class Router:
    """Finds the route of a call. Fixed parts of a path are compared without case, as the service does."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Prepare the routes.

        Args:
            routes: all there are. A path that begins with ``{project}/`` is served without the project too.
        """
        self.routes = tuple(routes)
        self._patterns: list[tuple[tuple[str, ...], Route]] = []
        for route in self.routes:
            segments = tuple(route.path.split("/"))
            self._patterns.append((segments, route))
            if segments[0] == "{project}" and "{repositoryId}" in segments:
                self._patterns.append((segments[1:], route))

    def find(self, method: str, segments: tuple[str, ...]) -> tuple[Route, dict[str, str]]:
        """Return the route of a call and the values of its placeholders.

        Args:
            method: in capitals.
            segments: the decoded path below the organisation.

        Raises:
            ServiceError: 404 when nothing lies there, 405 when it does not take that method.
        """
        found = [
            (route, values) for pattern, route in self._patterns if (values := _match(pattern, segments)) is not None
        ]
        for route, values in found:
            if route.method == method:
                return route, values
        if found:
            message = f"The requested resource does not support http method '{method}'."
            raise ServiceError(405, "UnsupportedHttpMethodException", message, WEB_API)
        raise controller_not_found("/" + "/".join(segments))

    def discovery(self) -> list[Json]:
        """Return every resource once, as ``OPTIONS _apis`` lists them."""
        known = {route.resource.id: route.resource for route in self.routes}
        return [resource.json() for resource in known.values()]


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    values = {}
    for wanted, given in zip(pattern, segments, strict=True):
        if wanted.startswith("{"):
            if not given:
                return None
            values[wanted.strip("{}")] = given
        elif wanted.casefold() != given.casefold():
            return None
    return values
