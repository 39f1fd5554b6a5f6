"""Branches and paths may be called anything; the request still asks for that one and nothing else."""

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.devops.client import DevOps
from scan_core.devops.errors import SENTENCE_CHARACTERS, DevOpsError, DevOpsErrorKind
from scan_core.devops.identity import personal_access_token
from scan_core.devops.naming import branch_name, shown
from scan_core.model.ids import BranchRef
from tests.devops.conftest import Calling
from tests.devops.hostile_names import HOSTILE
from tests.devops.samples import ORGANISATION, PROJECT, REPOSITORY, well
from tests.devops.strict_server import StrictServer


def asked(server: StrictServer) -> dict[str, str]:
    """Read the query of the last request, which must name nothing twice, and be sent to the one path."""
    parts = urlsplit(server.received[-1].target)
    assert parts.path == f"/contoso/{PROJECT}/_apis/git/repositories/{REPOSITORY}/items"
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_branch_is_only_a_branch(name: str, calling: Calling) -> None:
    """The SDK alone would let it change the query."""
    devops, server = calling(well)
    devops.file_on_branch(PROJECT, REPOSITORY, BranchRef(f"refs/heads/{name}"), ".scangate.yml", 100)
    assert asked(server) == {
        "path": ".scangate.yml",
        "versionDescriptor.versionType": "branch",
        "versionDescriptor.version": name,
    }


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_path_is_only_a_path(path: str, calling: Calling) -> None:
    """Rules may one day be read from a configured path."""
    devops, server = calling(well)
    devops.file_on_branch(PROJECT, REPOSITORY, BranchRef("refs/heads/main"), path, 100)
    assert asked(server)["path"] == path


def test_any_name_arrives_as_it_is() -> None:
    """Whatever text a branch and a path are made of."""
    with StrictServer(well) as server:
        devops = DevOps(ORGANISATION, server.url, personal_access_token("x"))

        @given(name=st.text(min_size=1), path=st.text(min_size=1))
        def check(name: str, path: str) -> None:
            devops.file_on_branch(PROJECT, REPOSITORY, BranchRef(f"refs/heads/{name}"), path, 100)
            query = asked(server)
            assert (query["versionDescriptor.version"], query["path"]) == (name, path)

        check()
        devops.close()


@given(st.text(st.characters(), min_size=1))
def test_an_encoded_branch_is_plain_and_reversible(name: str) -> None:
    """Nothing that a query reads as its own is left; what cannot be encoded is rejected."""
    branch = BranchRef(f"refs/heads/{name}")
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in name):
        with pytest.raises(DevOpsError, match="not the full name of a branch"):
            branch_name(branch, "reading")
        return
    encoded = branch_name(branch, "reading")
    assert unquote(encoded) == name
    assert encoded.isascii()
    assert not set(encoded) & set("&#?=+;/{} ")


@pytest.mark.parametrize("branch", ["main", "refs/tags/v1", "refs/heads/", "", "REFS/HEADS/main", "refs/heads/\ud83d"])
def test_what_is_no_branch_is_rejected_before_anything_is_sent(branch: str, calling: Calling) -> None:
    """A short name could be a tag or a commit to Azure DevOps."""
    devops, server = calling(well)
    with pytest.raises(DevOpsError, match="not the full name of a branch") as caught:
        devops.file_on_branch(PROJECT, REPOSITORY, BranchRef(branch), ".scangate.yml", 100)
    assert caught.value.kind is DevOpsErrorKind.REJECTED
    assert server.received == []


def test_a_path_that_cannot_be_sent_is_rejected(calling: Calling) -> None:
    """Halves of surrogate pairs have no UTF-8."""
    devops, server = calling(well)
    with pytest.raises(DevOpsError, match="not valid Unicode") as caught:
        devops.file_on_branch(PROJECT, REPOSITORY, BranchRef("refs/heads/main"), "a\ud83d", 100)
    assert caught.value.kind is DevOpsErrorKind.REJECTED
    assert server.received == []


@given(st.text(st.characters()))
def test_a_shown_name_is_short_and_printable(name: str) -> None:
    """It goes into log lines and errors."""
    assert shown(name).isprintable()
    assert len(shown(name)) <= SENTENCE_CHARACTERS // 4
