"""Which URLs name the configured organisation, and none besides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.intake.plan_url import is_same_organisation

NEW, OLD = "https://dev.azure.com/contoso", "https://contoso.visualstudio.com"
LOCAL = "http://127.0.0.1:8081/Contoso"


@pytest.mark.parametrize(
    ("plan", "configured"),
    [
        (NEW, NEW),
        (f"{NEW}/", NEW),
        ("HTTPS://DEV.azure.com/Contoso/", NEW),
        ("https://dev.azure.com:443/contoso", NEW),
        (OLD, NEW),
        (f"{OLD}/", NEW),
        ("https://CONTOSO.visualstudio.com/", NEW),
        (NEW, OLD),
        (OLD, OLD),
        ("http://127.0.0.1:8081/contoso/", LOCAL),
        (
            "https://devops.contoso.example/tfs/DefaultCollection/",
            "https://devops.contoso.example/tfs/DefaultCollection",
        ),
    ],
)
def test_the_same_organisation(plan: str, configured: str) -> None:
    """In either form, any case, with and without a slash at the end or the usual port."""
    assert is_same_organisation(plan, configured)


@pytest.mark.parametrize(
    "plan",
    [
        "",
        "contoso",
        "https://dev.azure.com",
        "https://dev.azure.com/",
        "https://dev.azure.com/fabrikam",
        "https://dev.azure.com/contoso-test",
        "https://dev.azure.com/contoso/project",
        "https://dev.azure.com/contoso//",
        "https://dev.azure.com//contoso",
        "https://dev.azure.com/fabrikam/../contoso",
        "https://dev.azure.com/contoso?x=1",
        "https://dev.azure.com/contoso#x",
        "https://dev.azure.com/c%6fntoso",
        "https://dev.azure.com\\contoso",
        "https://dev.azure.com/contoso\n",
        " https://dev.azure.com/contoso",
        "http://dev.azure.com/contoso",
        "https://dev.azure.com:444/contoso",
        "https://dev.azure.com:/contoso",
        "https://user@dev.azure.com/contoso",
        "https://dev.azure.com@evil.example/contoso",
        "https://dev.azure.com.evil.example/contoso",
        "https://dev.azure.com./contoso",
        "https://evil.example/contoso",
        "https://vsrm.dev.azure.com/contoso",
        "https://fabrikam.visualstudio.com",
        "https://contoso.visualstudio.com.evil.example",
        "https://contoso.evil.visualstudio.com",
        "https://.visualstudio.com",
        "https://visualstudio.com/contoso",
        "https://contoso.visualstudio.com/contoso",
        "http://contoso.visualstudio.com",
        "https://contoso.visualstudio.com:8443",
        "https://[::1]/contoso",
        "//dev.azure.com/contoso",
        "javascript://dev.azure.com/contoso",
        "https://dev.\u0430zure.com/contoso",
        "https://dev.azure.com/conto\u017fo",
    ],
)
def test_anything_else_is_elsewhere(plan: str) -> None:
    """Whatever a lenient reader would make of it."""
    assert not is_same_organisation(plan, NEW)


def test_a_letter_that_only_looks_alike_is_another() -> None:
    """The Kelvin sign becomes a k in lower case."""
    assert not is_same_organisation("https://dev.azure.com/fabri\u212aam", "https://dev.azure.com/fabrikam")


def test_another_server_is_not_the_service() -> None:
    """The old form stands for the new one alone."""
    assert not is_same_organisation(OLD, LOCAL)
    assert not is_same_organisation(OLD, "https://devops.contoso.example/contoso")
    assert not is_same_organisation("http://127.0.0.1:8082/contoso", LOCAL)


@given(st.text(max_size=60) | st.text(max_size=20).map("https://dev.azure.com/contoso{}".format))
def test_any_text_is_compared(plan: str) -> None:
    """Nothing is thrown; only the known forms are the same."""
    same = is_same_organisation(plan, NEW)
    assert same == (plan.lower().rstrip("/") in {NEW, OLD, f"{NEW}:443"} and not plan.endswith("//"))
