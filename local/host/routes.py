"""Route templates of HTTP triggers: `items/{id:int}/{rest?}`, matched and ranked as ASP.NET Core does for Azure.

Source: the pages "Azure Functions HTTP trigger" and "Routing in ASP.NET Core".
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from local.host.constraints import BadConstraint, parse_constraint


class BadRoute(ValueError):
    """A route template cannot be understood."""


_PARAMETER_NAME = re.compile(r"[^/{}*?:=]+")
_ENCODED_SLASH = re.compile("%2f", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    constraints: tuple[Callable[[str], bool], ...]
    default: str | None
    optional: bool
    catch_all: bool

    def accepts(self, value: str) -> bool:
        return all(constraint(value) for constraint in self.constraints)


@dataclass(frozen=True, slots=True)
class _Segment:
    """What stands between two slashes of a template: texts and parameters in turn."""

    parts: tuple[str | _Parameter, ...]

    @property
    def only_parameter(self) -> _Parameter | None:
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], _Parameter) else None

    @property
    def rank(self) -> int:
        """How late it is tried: a text first, then mixed, constrained, plain and catch-all parameters."""
        parameter = self.only_parameter
        if parameter is None:
            return 0 if all(isinstance(part, str) for part in self.parts) else 1
        return 2 + (not parameter.constraints) + 2 * parameter.catch_all

    def match(self, text: str) -> dict[str, str] | None:
        pattern = "".join(re.escape(part) if isinstance(part, str) else "(.+?)" for part in self.parts)
        found = re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL)
        if found is None:
            return None
        parameters = [part for part in self.parts if isinstance(part, _Parameter)]
        values = dict(zip((parameter.name for parameter in parameters), found.groups(), strict=True))
        return values if all(parameter.accepts(values[parameter.name]) for parameter in parameters) else None


@dataclass(frozen=True, slots=True)
class RouteTemplate:
    """A parsed template. Templates sort in the order in which they are tried."""

    segments: tuple[_Segment, ...]

    @property
    def rank(self) -> tuple[int, ...]:
        """The order in which templates are tried: smaller first, segment by segment."""
        return tuple(segment.rank for segment in self.segments)

    def match(self, path: Sequence[str]) -> dict[str, str] | None:
        """Match the segments of a path.

        Args:
            path: decoded segments, without empty ones at the end.

        Returns:
            The values of the route's parameters by name, or None when the path is another's.
        """
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            parameter = segment.only_parameter
            if parameter is not None and parameter.catch_all:
                rest = "/".join(path[index:])
                if rest and not parameter.accepts(rest):
                    return None
                return values | ({parameter.name: rest} if rest else _default(parameter))
            if index >= len(path):
                if parameter is None or not (parameter.optional or parameter.default is not None):
                    return None
                values |= _default(parameter)
                continue
            found = segment.match(path[index])
            if found is None:
                return None
            values |= found
        return values if len(path) <= len(self.segments) else None


def split_path(raw_path: str) -> list[str]:
    """Split the path of a URL into decoded segments; an encoded slash stays encoded, as in ASP.NET Core.

    Args:
        raw_path: the path as it was sent, still percent-encoded.
    """
    segments = raw_path.strip("/").split("/")
    return [unquote(_ENCODED_SLASH.sub("%252F", segment)) for segment in segments] if segments != [""] else []


def parse_route(template: str) -> RouteTemplate:
    """Read a route template.

    Args:
        template: the route with its prefix, for example `api/items/{id:int?}`.

    Raises:
        BadRoute: braces do not pair, a parameter has no name, a constraint is unknown, or a catch-all is not last.
    """
    trimmed = template.strip("/")
    texts = _split_outside_braces(trimmed, "/") if trimmed else []
    segments = tuple(_Segment(tuple(_parts(text, template))) for text in texts)
    for segment in segments[:-1]:
        if segment.only_parameter is not None and segment.only_parameter.catch_all:
            raise BadRoute(f"the route {template!r} has more after its catch-all parameter")
    return RouteTemplate(segments)


def _default(parameter: _Parameter) -> dict[str, str]:
    return {} if parameter.default is None else {parameter.name: parameter.default}


def _split_outside_braces(text: str, separator: str, opening: str = "{", closing: str = "}") -> list[str]:
    pieces, depth = [""], 0
    for character in text:
        depth += (character == opening) - (character == closing)
        if character == separator and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += character
    return pieces


def _parts(text: str, template: str) -> list[str | _Parameter]:
    parts: list[str | _Parameter] = []
    position = 0
    while position < len(text):
        if text[position] == "{":
            end = _closing_brace(text, position, template)
            parts.append(_parameter(text[position + 1 : end], template))
            position = end + 1
            continue
        end = text.find("{", position)
        literal = text[position:] if end < 0 else text[position:end]
        if "}" in literal:
            raise BadRoute(f"the route {template!r} closes a brace that it did not open")
        parts.append(literal)
        position += len(literal)
    return parts


def _closing_brace(text: str, start: int, template: str) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return index
    raise BadRoute(f"the route {template!r} leaves a brace open")


def _parameter(inner: str, template: str) -> _Parameter:
    stars = len(inner) - len(inner.lstrip("*"))
    # Doubled braces stand for braces within a constraint.
    body = inner[stars:].replace("{{", "{").replace("}}", "}")
    named = _PARAMETER_NAME.match(body)
    if named is None or stars > 2:
        raise BadRoute(f"the route {template!r} has a parameter without a name: {{{inner}}}")
    rest = body[named.end() :]
    optional = rest.endswith("?")
    rest = rest.removesuffix("?")
    constraints, has_default, default = rest.partition("=")
    if constraints and not constraints.startswith(":"):
        raise BadRoute(f"the route {template!r} has a parameter that cannot be read: {{{inner}}}")
    try:
        checks = tuple(parse_constraint(one) for one in _split_outside_braces(constraints, ":", "(", ")")[1:])
    except BadConstraint as error:
        raise BadRoute(f"the route {template!r}: {error}") from None
    return _Parameter(
        name=named[0],
        constraints=checks,
        default=default if has_default else None,
        optional=optional,
        catch_all=stars > 0,
    )
