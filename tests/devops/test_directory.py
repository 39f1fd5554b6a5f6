"""What an administrator asks of members, groups and rights: where it is sent, and what is made of odd answers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from scan_core.devops.directory import Directory
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.hosts import service_url
from scan_core.devops.identity import personal_access_token, signed_in_developer
from scan_core.devops.members import AclDescriptor, Descriptor
from scan_core.devops.rights import GIT_REPOSITORIES, AclPlace, Right, places
from scan_core.model.ids import ProjectId
from tests.devops.conftest import PAT
from tests.devops.samples import IDENTITY, PROJECT, listed
from tests.devops.strict_server import Handler, Received, StrictServer, json_reply, refusal_reply, reply

MEMBER = Descriptor("aadsp.member")
GROUP = Descriptor("vssgp.group")
ACL = AclDescriptor("Microsoft.TeamFoundation.Identity;S-1-9-1")
PLACE = AclPlace(GIT_REPOSITORIES, f"repoV2/{PROJECT}")

type Directing = Callable[[Handler], tuple[Directory, StrictServer]]


@pytest.fixture
def directing() -> Iterator[Directing]:
    """Give what makes a directory that a server answers."""
    with ExitStack() as stack:

        def make(handler: Handler) -> tuple[Directory, StrictServer]:
            server = stack.enter_context(StrictServer(handler))
            directory = Directory(server.url, personal_access_token(PAT), total_seconds=5)
            return stack.enter_context(closing(directory)), server

        yield make


@pytest.mark.parametrize(
    ("organisation", "graph", "entitlements"),
    [
        (
            "https://dev.azure.com/fabrikam",
            "https://vssps.dev.azure.com/fabrikam",
            "https://vsaex.dev.azure.com/fabrikam",
        ),
        (
            "https://fabrikam.visualstudio.com",
            "https://fabrikam.vssps.visualstudio.com",
            "https://fabrikam.vsaex.visualstudio.com",
        ),
        ("http://127.0.0.1:81/fabrikam", "http://127.0.0.1:81/fabrikam", "http://127.0.0.1:81/fabrikam"),
        ("https://dev.azure.com.example/x", "https://dev.azure.com.example/x", "https://dev.azure.com.example/x"),
    ],
)
def test_services_have_the_hosts_of_the_documentation(organisation: str, graph: str, entitlements: str) -> None:
    """And a stand-in has one for everything; a look-alike is never sent a token by another name."""
    assert service_url(organisation, "vssps") == graph
    assert service_url(organisation, "vsaex") == entitlements


def test_rights_are_sorted_by_their_lists() -> None:
    """Bits of one list come together, and an id stands in its token as the documentation says."""
    project = ProjectId(PROJECT)
    assert places([Right.READ_CODE, Right.EDIT_POLICIES], project) == {PLACE: 2050}
    assert [Right.VIEW_PROJECT.token(project), Right.READ_BUILDS.token(project)] == [
        f"$PROJECT:vstfs:///Classification/TeamProject/{PROJECT}",
        PROJECT,
    ]


def test_a_refusal_with_status_200_is_one(directing: Directing) -> None:
    """With what Azure DevOps says, on one line."""
    errors = [{"key": 5034, "value": "Not in\nthe tenant."}]
    answers: list[Any] = [
        {"isSuccess": False, "operationResult": {"errors": errors}},
        {"isSuccess": False, "operationResults": [{"errors": []}, None]},
        [],
    ]
    directory, _ = directing(lambda _: json_reply(answers.pop(0)))
    with pytest.raises(DevOpsError, match=r"did not do it: Not in the tenant\.") as refused:
        directory.add_member(IDENTITY, "express")
    assert refused.value.kind is DevOpsErrorKind.REJECTED
    with pytest.raises(DevOpsError, match="it does not say why"):
        directory.change_licence(IDENTITY, "express")
    with pytest.raises(DevOpsError) as odd:
        directory.change_licence(IDENTITY, "express")
    assert odd.value.kind is DevOpsErrorKind.MALFORMED


def test_a_member_without_an_id_is_no_answer(directing: Directing) -> None:
    """Nothing is done with half a member."""
    directory, _ = directing(lambda _: json_reply({"isSuccess": True, "servicePrincipalEntitlement": {"id": "7"}}))
    with pytest.raises(DevOpsError, match="no usable id"):
        directory.add_member(IDENTITY, "express")


def test_who_is_unknown_is_no_member(directing: Directing) -> None:
    """Neither where no identity is known nor where it has no licence."""

    def handler(request: Received) -> bytes:
        if "/identities" in request.target:
            return listed({"id": IDENTITY, "descriptor": "x"}) if answers.pop(0) else listed(None)
        return refusal_reply(404, "MemberNotFoundException", "None.")

    answers = [False, True]
    directory, _ = directing(handler)
    assert directory.member(MEMBER) is None
    assert directory.member(MEMBER) is None


def test_a_member_whose_licence_cannot_be_read_is_an_error(directing: Directing) -> None:
    """Which is not the same as none."""
    directory, _ = directing(
        lambda request: listed({"id": IDENTITY}) if "/identities" in request.target else refusal_reply(403, "X", "No.")
    )
    with pytest.raises(DevOpsError) as refused:
        directory.member(MEMBER)
    assert refused.value.kind is DevOpsErrorKind.FORBIDDEN


def test_a_group_that_is_not_known_yet_is_asked_for_again(directing: Directing) -> None:
    """It was made a moment ago."""
    directory, _ = directing(lambda _: listed(None))
    with pytest.raises(DevOpsError) as unknown:
        directory.acl_descriptor(GROUP)
    assert unknown.value.kind is DevOpsErrorKind.UNAVAILABLE


def test_only_entries_that_were_asked_for_are_read(directing: Directing) -> None:
    """Null means no bits; another list, or another kind of thing, means nothing."""
    mine = {"acesDictionary": {ACL: {"descriptor": ACL, "allow": 2, "deny": None}, "other": {"allow": 1}}}
    directory, _ = directing(lambda _: listed(mine, {"acesDictionary": None}))
    (entry,) = directory.entries(PLACE, [ACL]).values()
    assert (entry.allow, entry.deny) == (2, 0)


def test_bits_that_are_no_numbers_are_an_error(directing: Directing) -> None:
    """A right is not guessed."""
    directory, _ = directing(lambda _: listed({"acesDictionary": {ACL: {"allow": "all"}}}))
    with pytest.raises(DevOpsError, match="no numbers"):
        directory.entries(PLACE, [ACL])


def test_a_group_without_a_descriptor_is_an_error(directing: Directing) -> None:
    """It could be neither used nor removed."""
    directory, _ = directing(lambda _: listed({"displayName": "Scangate", "domain": "vstfs:///Framework/x"}))
    with pytest.raises(DevOpsError, match="no descriptor for 'Scangate'"):
        directory.groups()


def test_an_entry_is_displaced_and_not_merged(directing: Directing) -> None:
    """So that what is not needed any more goes."""
    directory, server = directing(lambda _: listed())
    directory.allow(PLACE, ACL, 16386)
    (request,) = server.received
    assert request.document == {
        "token": PLACE.token,
        "merge": False,
        "accessControlEntries": [{"descriptor": ACL, "allow": 16386, "deny": 0, "extendedinfo": {}}],
    }


def test_a_bare_true_is_answer_enough(directing: Directing) -> None:
    """As for taking entries out of a list."""
    directory, server = directing(lambda _: reply(200, b"true", {"Content-Type": "application/json"}))
    directory.forget(PLACE, [ACL])
    assert "descriptors=Microsoft.TeamFoundation.Identity%3BS-1-9-1" in server.received[0].target


def test_without_anybody_signed_in_to_the_azure_cli_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is not there at all."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DevOpsError, match="az login"):
        signed_in_developer()()
