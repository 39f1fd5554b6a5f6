"""Branches, files of a commit and statuses of a commit, as the wire has them."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.devops.builds import BranchTip
from scan_core.devops.client import DevOps
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.identity import personal_access_token
from scan_core.model.gate import Status, StatusState
from scan_core.model.ids import BranchRef, CommitSha, ProjectId, RepositoryId
from tests.devops.conftest import Calling
from tests.devops.hostile_names import HOSTILE
from tests.devops.pipeline_samples import COMMIT, OTHER, PAGE, branch, repository, well
from tests.devops.samples import MAIN, ORGANISATION, PROJECT, REPOSITORY, RULES, SOURCE, TARGET, listed
from tests.devops.strict_server import Received, StrictServer, json_reply, refusal_reply, reply

if TYPE_CHECKING:
    from scan_core.devops import api

PATH = f"/contoso/{PROJECT}/_apis/git/repositories/{REPOSITORY}"


def query_of(request: Received) -> dict[str, str]:
    """Read a query, which must name nothing twice."""
    pairs = parse_qsl(urlsplit(request.target).query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


class TestTheDefaultBranch:
    def test_is_a_full_ref(self, calling: Calling) -> None:
        """As Azure DevOps gives it."""
        devops, _ = calling(lambda _: json_reply(repository(defaultBranch="refs/heads/trunk/ветка")))
        assert devops.repositories.default_branch(PROJECT, REPOSITORY) == "refs/heads/trunk/ветка"

    @pytest.mark.parametrize("change", [{"defaultBranch": None}, {}])
    def test_is_none_while_there_is_none(self, change: dict[str, Any], calling: Calling) -> None:
        """A repository begins empty."""
        document = {name: value for name, value in repository(**change).items() if name != "defaultBranch" or change}
        devops, _ = calling(lambda _: json_reply(document))
        assert devops.repositories.default_branch(PROJECT, REPOSITORY) is None

    @pytest.mark.parametrize("name", ["main", "refs/tags/v1", "", 7])
    def test_that_is_none_is_malformed(self, name: Any, calling: Calling) -> None:
        """It decides whose rules hold."""
        devops, _ = calling(lambda _: json_reply(repository(defaultBranch=name)))
        with pytest.raises(DevOpsError, match="no branch for defaultBranch"):
            devops.repositories.default_branch(PROJECT, REPOSITORY)

    @pytest.mark.parametrize("change", [{"id": OTHER}, {"project": {"id": OTHER}}, {"id": None}, {"project": None}])
    def test_of_another_repository_is_malformed(self, change: dict[str, Any], calling: Calling) -> None:
        """Else an answer about something else would look like an empty repository, whose gates end."""
        devops, _ = calling(lambda _: json_reply(repository(**change)))
        with pytest.raises(DevOpsError, match="another repository or project") as caught:
            devops.repositories.default_branch(PROJECT, REPOSITORY)
        assert caught.value.kind is DevOpsErrorKind.MALFORMED


class TestBranches:
    def test_are_listed_page_by_page(self, calling: Calling) -> None:
        """The header says where the list goes on."""
        pages = [
            json_reply({"value": [branch()]}, headers={"x-ms-continuationtoken": "a&b=c"}),
            listed(branch("refs/heads/x", TARGET.upper())),
        ]
        devops, server = calling(lambda _: pages.pop(0))
        tips = devops.repositories.branches(PROJECT, REPOSITORY)
        assert tips == (
            BranchTip(ref=MAIN, commit=CommitSha(SOURCE)),
            BranchTip(ref=BranchRef("refs/heads/x"), commit=CommitSha(TARGET)),
        )
        assert [query_of(request) for request in server.received] == [
            {"filter": "heads/", "$top": "1000"},
            {"filter": "heads/", "$top": "1000", "continuationToken": "a&b=c"},
        ]

    @pytest.mark.parametrize("odd", [branch(commit="HEAD"), {"name": "refs/heads/x"}, {"objectId": SOURCE}, "x"])
    def test_one_that_cannot_be_read_is_an_error(self, odd: Any, calling: Calling) -> None:
        """A branch that is left out would look deleted."""
        devops, _ = calling(lambda _: listed(branch(), odd))
        with pytest.raises(DevOpsError) as caught:
            devops.repositories.branches(PROJECT, REPOSITORY)
        assert caught.value.kind is DevOpsErrorKind.MALFORMED


class TestABranch:
    def test_is_found_among_those_that_begin_alike(self, calling: Calling) -> None:
        """The filter is one of beginnings."""
        devops, _ = calling(lambda _: listed(branch("refs/heads/main-2", TARGET), branch()))
        assert devops.repositories.branch_tip(PROJECT, REPOSITORY, MAIN) == SOURCE

    def test_that_is_not_there_is_none(self, calling: Calling) -> None:
        """Also where one begins like it, or differs in case alone."""
        devops, _ = calling(lambda _: listed(branch("refs/heads/main-2"), branch("refs/heads/Main")))
        assert devops.repositories.branch_tip(PROJECT, REPOSITORY, MAIN) is None

    @pytest.mark.parametrize("name", HOSTILE)
    def test_of_a_hostile_name_is_only_a_branch(self, name: str, calling: Calling) -> None:
        """Nothing of it becomes part of the query."""
        devops, server = calling(lambda _: listed(branch(f"refs/heads/{name}")))
        assert devops.repositories.branch_tip(PROJECT, REPOSITORY, BranchRef(f"refs/heads/{name}")) == SOURCE
        (request,) = server.received
        assert urlsplit(request.target).path == f"{PATH}/refs"
        assert query_of(request) == {"filter": f"heads/{name}", "$top": "1000"}

    @pytest.mark.parametrize("name", ["main", "refs/tags/v1", "refs/heads/", "", "refs/heads/\ud83d"])
    def test_that_is_none_is_rejected_before_anything_is_sent(self, name: str, calling: Calling) -> None:
        """A tag of that name would answer for it."""
        devops, server = calling(well)
        with pytest.raises(DevOpsError, match="not the full name of a branch"):
            devops.repositories.branch_tip(PROJECT, REPOSITORY, BranchRef(name))
        assert server.received == []


def test_any_name_of_a_branch_arrives_as_it_is() -> None:
    """Whatever text it is made of."""
    with StrictServer(lambda _: listed()) as server:
        devops = DevOps(ORGANISATION, server.url, personal_access_token("x"))

        @given(name=st.text(min_size=1))
        def check(name: str) -> None:
            assert devops.repositories.branch_tip(PROJECT, REPOSITORY, BranchRef(f"refs/heads/{name}")) is None
            assert query_of(server.received[-1])["filter"] == f"heads/{name}"

        check()
        devops.close()


class TestAFileOfACommit:
    def test_comes_byte_by_byte(self, calling: Calling) -> None:
        """As it is in that very commit."""
        devops, server = calling(lambda _: reply(200, b"\x00\xff\r\n", {"Content-Type": "application/octet-stream"}))
        assert devops.repositories.file_at_commit(PROJECT, REPOSITORY, COMMIT, RULES, 4) == b"\x00\xff\r\n"
        assert query_of(server.received[0]) == {
            "path": RULES,
            "versionDescriptor.versionType": "commit",
            "versionDescriptor.version": COMMIT,
        }

    @pytest.mark.parametrize("path", HOSTILE)
    def test_of_a_hostile_path_is_only_a_file(self, path: str, calling: Calling) -> None:
        """The commit cannot be replaced by it."""
        devops, server = calling(well)
        devops.repositories.file_at_commit(PROJECT, REPOSITORY, COMMIT, path, 100)
        assert query_of(server.received[0])["path"] == path
        assert query_of(server.received[0])["versionDescriptor.version"] == COMMIT

    def test_is_none_only_where_the_commit_has_no_such_file(self, calling: Calling) -> None:
        """A commit that is not shown is an error."""
        answers = [refusal_reply(404, key, "no") for key in ("GitItemNotFoundException", "GitUnresolvableToCommit")]
        devops, _ = calling(lambda _: answers.pop(0))
        assert devops.repositories.file_at_commit(PROJECT, REPOSITORY, COMMIT, RULES, 100) is None
        with pytest.raises(DevOpsError) as caught:
            devops.repositories.file_at_commit(PROJECT, REPOSITORY, COMMIT, RULES, 100)
        assert caught.value.kind is DevOpsErrorKind.NOT_FOUND

    def test_larger_than_allowed_is_rejected(self, calling: Calling) -> None:
        """And says which file."""
        devops, _ = calling(well)
        with pytest.raises(DevOpsError, match=r"\.scangate\.yml in commit aaaaaaaaaaaa: the file is larger than"):
            devops.repositories.file_at_commit(PROJECT, REPOSITORY, COMMIT, RULES, 3)


def test_a_status_goes_on_its_commit(calling: Calling) -> None:
    """State, description, context and link, and nothing else."""
    devops, server = calling(well)
    status = Status(state=StatusState.NOT_APPLICABLE, description="Нет правил")
    devops.repositories.post_commit_status(PROJECT, REPOSITORY, COMMIT, status, target_url=PAGE, name="image")
    (request,) = server.received
    assert (request.method, request.target) == ("POST", f"{PATH}/commits/{COMMIT}/statuses")
    assert request.document == {
        "state": "notApplicable",
        "description": "Нет правил",
        "targetUrl": PAGE,
        "context": {"genre": "scangate", "name": "image"},
    }


@pytest.mark.parametrize("bad", ["", "shop", "../../other", REPOSITORY.upper(), f"{REPOSITORY}/x"])
def test_ids_that_are_none_reach_nothing(bad: str, calling: Calling) -> None:
    """An id goes into a path."""
    devops, server = calling(well)
    repositories: api.RepositoriesApi = devops.repositories
    pending = Status(state=StatusState.PENDING, description="…")
    for project, id_ in ((ProjectId(bad), REPOSITORY), (PROJECT, RepositoryId(bad))):
        for call in (
            lambda project=project, id_=id_: repositories.default_branch(project, id_),
            lambda project=project, id_=id_: repositories.branch_tip(project, id_, MAIN),
            lambda project=project, id_=id_: repositories.branches(project, id_),
            lambda project=project, id_=id_: repositories.file_at_commit(project, id_, COMMIT, RULES, 1),
            lambda project=project, id_=id_: repositories.post_commit_status(
                project, id_, COMMIT, pending, target_url=PAGE, name="source"
            ),
        ):
            with pytest.raises(ValueError, match="should match pattern"):
                call()
    assert server.received == []
