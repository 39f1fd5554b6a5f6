"""A request taken apart: where it points, and what kind of thing that is."""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qsl, unquote

from starlette.requests import Request


class Kind(Enum):
    """What a path points at."""

    INDEX = "index"
    PAGE = "page"
    BUILD_PAGE = "build page"
    SIGN_IN = "sign-in"
    GIT = "git"
    DISCOVERY = "discovery"
    SIMULATION = "simulation"
    REST = "rest"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Visit:
    """One request.

    Attributes:
        kind: what it points at.
        method: in capitals.
        segments: decoded path below the organisation.
        path: whole decoded path.
        raw_query: as it stood in the URL.
        query: first value of each parameter, by lower-case name.
        headers: by lower-case name.
        on_loopback: whether it comes from this machine.
    """

    kind: Kind
    method: str
    segments: tuple[str, ...]
    path: str
    raw_query: str
    query: dict[str, str]
    headers: dict[str, str]
    on_loopback: bool

    @property
    def wants_html(self) -> bool:
        """Whether a person seems to be asking, who can be sent to a sign-in page."""
        suppressed = self.headers.get("x-tfs-fedauthredirect", "").lower() == "suppress"
        return "text/html" in self.headers.get("accept", "") and not suppressed

    def git_place(self) -> tuple[str | None, str, str]:
        """Return project (or nothing), repository and the rest of a path that leads into a repository."""
        place = self.segments.index("_git")
        project = self.segments[0] if place else None
        return project, self.segments[place + 1], "/".join(self.segments[place + 2 :])


def visit(request: Request, organisation: str) -> Visit:
    """Take a request apart.

    Args:
        request: as the server got it.
        organisation: the organisation's name, compared without case.
    """
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    words = [unquote(word) for word in raw.decode("latin-1").partition("?")[0].split("/")[1:]]
    raw_query = request.scope["query_string"].decode("latin-1")
    query: dict[str, str] = {}
    for name, value in parse_qsl(raw_query, keep_blank_values=True):
        query.setdefault(name.lower(), value)
    segments = tuple(words[1:-1] if len(words) > 1 and words[-1] == "" else words[1:])
    return Visit(
        kind=_kind(request.method, words[0], segments, organisation),
        method=request.method,
        segments=segments,
        path="/" + "/".join(words),
        raw_query=raw_query,
        query=query,
        headers=dict(request.headers.items()),
        on_loopback=request.client is not None and request.client.host.startswith(("127.", "::1")),
    )


def _kind(method: str, first: str, segments: tuple[str, ...], organisation: str) -> Kind:
    if first == "" and not segments:
        return Kind.INDEX
    if first.casefold() != organisation.casefold():
        return Kind.ELSEWHERE
    match segments:
        case ():
            return Kind.INDEX
        case ("_signin",):
            return Kind.SIGN_IN
        case ("_sim", *_):
            return Kind.SIMULATION
        case ("_apis",) if method == "OPTIONS":
            return Kind.DISCOVERY
        case (_, "_git", _, "pullrequest", _) if method == "GET":
            return Kind.PAGE
        case (_, "_build", "results") if method == "GET":
            return Kind.BUILD_PAGE
        case ("_git", _, _, *_) | (_, "_git", _, _, *_):
            return Kind.GIT
        case _:
            return Kind.REST
