"""Images named by build tags: nothing is lost, and a step writes exactly what is read."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model import image_tag
from scan_core.model.image import ImageReference, image_reference
from scan_core.model.image_tag import PREFIX, TAG_LIMIT, decode_tag, encode_tag
from tests.model.references import DIGEST, references

ACCEPTED_BY_AZURE_DEVOPS = re.compile(r"[^\x00-\x1f:<>%&\\?/]{1,256}")


@given(references())
def test_every_image_is_read_back_from_its_tag(reference: ImageReference) -> None:
    """And the tag is one that Azure DevOps takes, from a job too."""
    tag = encode_tag(reference)
    assert decode_tag(tag) == reference
    assert ACCEPTED_BY_AZURE_DEVOPS.fullmatch(tag)


@given(st.text(max_size=80) | st.text(alphabet="aA0.:/~=@-", max_size=40).map(PREFIX.__add__))
def test_any_tag_is_an_image_or_nothing_or_refused(text: str) -> None:
    """What is read is what would have been written."""
    try:
        found = decode_tag(text)
    except ValueError:
        assert text.startswith(PREFIX)
        return
    assert found is None or encode_tag(found) == text


def test_the_tag_can_be_read_by_people() -> None:
    """It is shown on the build."""
    reference = image_reference("contoso.azurecr.io/team/app:1.4")
    assert encode_tag(reference) == "scangate-image.contoso.azurecr.io~team~app=1.4"


@pytest.mark.parametrize("text", ["", "release", "scangate-passed", "scangate-imag", "Scangate-image.x"])
def test_other_tags_are_of_no_interest(text: str) -> None:
    """A build has tags for many ends."""
    assert decode_tag(text) is None


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("", "is empty"),
        ("app=1", "registry's host"),
        ("contoso.azurecr.io~app", "neither tag nor digest"),
        ("contoso.azurecr.io/app=1", "'~' for each slash"),
        ("contoso.azurecr.io~app:1", "'~' for each slash"),
        ("contoso.azurecr.io~app=$(id)", "holds '\\$'"),
        ("contoso.azurecr.io~..~app=1", "'\\.\\.'"),
        ("user=pw@contoso.azurecr.io~app=1", "user name"),
    ],
)
def test_a_tag_of_ours_that_names_no_image_is_refused(rest: str, why: str) -> None:
    """Passing it over would let an image go unseen."""
    with pytest.raises(ValueError, match=why):
        decode_tag(PREFIX + rest)


def test_a_tag_that_would_be_too_long_is_not_written() -> None:
    """Azure DevOps would refuse it, and the build would seem to have no image."""
    with pytest.raises(ValueError, match="at most 256"):
        encode_tag(image_reference(f"contoso.azurecr.io/{'a' * 200}:1@{DIGEST}"))
    longest = image_reference(f"contoso.io/{'a' * (TAG_LIMIT - len(PREFIX) - len('contoso.io/:1'))}:1")
    assert len(encode_tag(longest)) == TAG_LIMIT


def documented(shell: str) -> str:
    """Find the line for a shell in the module's own documentation."""
    lines = [line.strip() for line in (image_tag.__doc__ or "").splitlines() if "build.addbuildtag]" in line]
    return next(line for line in lines if line.startswith(shell))


@pytest.mark.parametrize("text", ["contoso.azurecr.io/team/app:1.4", f"127.0.0.1:5000/a_b/c:X@{DIGEST}"])
def test_the_documented_line_for_bash_writes_the_tag(text: str) -> None:
    """Byte by byte, as the agent reads it."""
    bash = shutil.which("bash")
    assert bash is not None
    ran = subprocess.run(
        [bash, "-euc", documented("echo")],
        env={"IMAGE": text, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    assert ran.stdout.decode() == f"##vso[build.addbuildtag]{encode_tag(image_reference(text))}\n"


def test_the_documented_line_for_powershell_replaces_the_same() -> None:
    """PowerShell itself is not everywhere, so its replacements are carried out here."""
    line = documented("Write-Host")
    text = "contoso.azurecr.io/team/app:1.4"
    start = re.search(r'"##vso\[build\.addbuildtag\]([^$]*)\$\(\$env:IMAGE', line)
    assert start is not None
    for old, new in re.findall(r"\.Replace\('(.)', '(.)'\)", line):
        text = text.replace(old, new)
    assert start[1] + text == "scangate-image.contoso.azurecr.io~team~app=1.4"


def test_the_documentation_of_the_module_is_where_the_lines_stand() -> None:
    """The pages for users copy them from there."""
    assert Path(image_tag.__file__).read_text(encoding="utf-8").count("##vso[build.addbuildtag]") == 2
