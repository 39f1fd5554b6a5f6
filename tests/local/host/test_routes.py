"""Which path a route template matches, and which template comes first."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.routes import BadRoute, parse_route, split_path


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("", "/", {}),
        ("api/fixed", "/api/fixed", {}),
        ("api/fixed", "/API/Fixed/", {}),
        ("api/fixed", "/api", None),
        ("api/fixed", "/api/fixed/more", None),
        ("{a}/{b}", "/x/y%20z", {"a": "x", "b": "y z"}),
        ("{a}", "/x%2Fy", {"a": "x%2Fy"}),
        ("{a}/{b?}", "/x", {"a": "x"}),
        ("{a=first}/{b?}", "/", {"a": "first"}),
        ("{a=first}", "/other", {"a": "other"}),
        ("files/{*rest}", "/files/a/b.txt", {"rest": "a/b.txt"}),
        ("files/{*rest}", "/files", {}),
        ("files/{**rest=index}", "/files", {"rest": "index"}),
        ("files/{*rest:maxlength(3)}", "/files/a/b", {"rest": "a/b"}),
        ("files/{*rest:maxlength(3)}", "/files/a/bc", None),
        ("report.{format}", "/report.json", {"format": "json"}),
        ("{name}.{format}", "/a.b.c", {"name": "a", "format": "b.c"}),
        ("v{major:int}-{minor:int}", "/v1-22", {"major": "1", "minor": "22"}),
        ("v{major:int}-{minor:int}", "/v1-x", None),
        ("{id:int:min(5)}", "/7", {"id": "7"}),
        ("{id:int:min(5)}", "/4", None),
        (r"{id:regex(^\d{{2}}$)}", "/42", {"id": "42"}),
        (r"{id:regex(^\d{{2}}$)}", "/421", None),
        ("{id:regex(^(a|b:c)$)}", "/b:c", {"id": "b:c"}),
        ("{day:datetime=2026-01-01}", "/", {"day": "2026-01-01"}),
    ],
)
def test_a_path_matches_or_not(template: str, path: str, values: dict[str, str] | None) -> None:
    """The values of the parameters are decoded, an encoded slash excepted."""
    assert parse_route(template).match(split_path(path)) == values


def test_templates_are_tried_from_the_most_to_the_least_particular() -> None:
    """Texts come first, then mixed, constrained, plain and catch-all parameters."""
    ordered = ["a/b", "a/x{b}", "a/{b:int}", "a/{b}", "a/{*b:int}", "a/{*b}", "{a}/b"]
    assert sorted(sorted(ordered), key=lambda template: parse_route(template).rank) == ordered


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{", "leaves a brace open"),
        ("a}", "closes a brace"),
        ("{}", "without a name"),
        ("{***a}", "without a name"),
        ("{*a}/b", "after its catch-all"),
        ("{a:colour}", "the constraint 'colour' is unknown"),
        ("{a?b}", "cannot be read"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused(template: str, reason: str) -> None:
    """The error quotes the template."""
    with pytest.raises(BadRoute, match=reason):
        parse_route(template)


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), max_size=4))
def test_any_value_comes_through_a_parameter(values: list[str]) -> None:
    """Whatever is percent-encoded into a segment is what the function gets."""
    path = "/".join(quote(value, safe="") for value in values)
    template = "/".join(f"{{p{index}}}" for index in range(len(values)))
    expected = {f"p{index}": value.replace("/", "%2F") for index, value in enumerate(values)}
    assert parse_route(template).match(split_path(f"/{path}")) == expected
