"""Constraints of route parameters."""

import pytest

from local.host.constraints import BadConstraint, parse_constraint


@pytest.mark.parametrize(
    ("constraint", "accepted", "refused"),
    [
        ("int", ["0", "-5", "2147483647"], ["", "x", "1.5", "2147483648", "٣"]),
        ("long", ["9223372036854775807"], ["9223372036854775808"]),
        ("bool", ["true", "FALSE"], ["yes", ""]),
        ("alpha", ["abcXYZ"], ["a1", "ä", ""]),
        ("decimal", ["1.5", "-3"], ["x", "NaN"]),
        ("double", ["1e5"], ["Infinity"]),
        ("float", ["0.1"], [""]),
        ("datetime", ["2026-11-23", "2026-11-23T10:00:00"], ["today"]),
        ("guid", ["cd2c1638-1638-72d5-1638-deadbeef1638", "{CD2C1638-1638-72D5-1638-DEADBEEF1638}"], ["cd2c"]),
        ("required", ["x"], [""]),
        ("file", ["a.txt", "b/a.txt"], ["a", "a."]),
        ("nonfile", ["a", "a."], ["a.txt"]),
        ("length(3)", ["abc"], ["ab", "abcd"]),
        ("length(2,3)", ["ab", "abc"], ["a", "abcd"]),
        ("minlength(2)", ["ab", "abcd"], ["a"]),
        ("maxlength(2)", ["", "ab"], ["abc"]),
        ("min(5)", ["5"], ["4", "x"]),
        ("max(5)", ["5", "-1"], ["6"]),
        ("range(1, 3)", ["1", "3"], ["0", "4"]),
        ("regex(^a.c$)", ["abc", "ABC"], ["abd"]),
    ],
)
def test_values(constraint: str, accepted: list[str], refused: list[str]) -> None:
    """Each constraint takes what ASP.NET Core's takes."""
    check = parse_constraint(constraint)

    assert all(check(value) for value in accepted)
    assert not any(check(value) for value in refused)


@pytest.mark.parametrize("constraint", ["", "colour", "int(3)", "length", "length(x)", "length(1,2,3)", "regex([)"])
def test_an_unknown_constraint_or_argument_is_refused(constraint: str) -> None:
    """The error quotes it."""
    with pytest.raises(BadConstraint):
        parse_constraint(constraint)
