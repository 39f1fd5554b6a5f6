"""What the adapter reads and sends when Azure DevOps answers."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scan_core.devops import api
from scan_core.devops import client as client_module
from scan_core.devops.client import DevOps
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.pull_requests import IterationRead
from scan_core.model.gate import Status, StatusState
from scan_core.model.ids import CommitSha, Iteration, ProjectId, RepositoryId
from tests.devops.conftest import Calling
from tests.devops.samples import (
    IDENTITY,
    MAIN,
    OPERATIONS,
    ORGANISATION,
    PROJECT,
    REF,
    REPOSITORY,
    RULES,
    SOURCE,
    TARGET,
    connection_data,
    iteration,
    listed,
    pull_request,
    status,
    well,
)
from tests.devops.strict_server import Received, chunked_reply, json_reply, refusal_reply, reply

OTHER = "00000000-0000-0000-0000-000000000001"
FILE = {"Content-Type": "application/octet-stream"}


class TestIterations:
    def test_the_highest_number_is_the_latest(self, calling: Calling) -> None:
        """Whatever the order of the list."""
        devops, _ = calling(lambda _: listed(iteration(2), iteration(10, targetRefCommit=None), iteration(9)))
        assert devops.latest_iteration(REF) == IterationRead(
            number=Iteration(10), source_commit=CommitSha(SOURCE), target_commit=None
        )

    def test_none_is_none(self, calling: Calling) -> None:
        """A pull request may keep no iterations."""
        devops, _ = calling(lambda _: listed())
        assert devops.latest_iteration(REF) is None

    def test_one_that_cannot_be_read_is_an_error(self, calling: Calling) -> None:
        """It might be the latest."""
        devops, _ = calling(lambda _: listed(iteration(1), iteration(0), iteration(2, sourceRefCommit={})))
        with pytest.raises(DevOpsError, match="number of a IterationRead"):
            devops.latest_iteration(REF)

    def test_a_list_that_goes_on_elsewhere_is_noticed(self, calling: Calling, caplog: pytest.LogCaptureFixture) -> None:
        """None of the lists read here is documented to have pages by token."""
        answer = json_reply({"count": 1, "value": [iteration()]}, headers={"x-ms-continuationtoken": "secret"})
        devops, _ = calling(lambda _: answer)
        devops.latest_iteration(REF)
        assert "has more than it sent" in caplog.text
        assert "secret" not in caplog.text


class TestActivePullRequests:
    def test_are_listed_page_by_page(self, calling: Calling) -> None:
        """Until a page brings nothing new."""
        numbers = list(range(1, 251))

        def answer(request: Received) -> bytes:
            skip = int(request.target.partition("$skip=")[2].partition("&")[0])
            return listed(*(pull_request(number) for number in numbers[skip : skip + 100]))

        devops, server = calling(answer)
        assert [one.ref.pull_request_id for one in devops.active_pull_requests(PROJECT)] == numbers
        assert len(server.received) == 4
        assert all("searchCriteria.status=active&" in request.target for request in server.received)

    def test_are_listed_once_when_pages_move(self, calling: Calling) -> None:
        """A pull request that opens in between pushes another onto the next page."""
        pages = [listed(pull_request(1), pull_request(2)), listed(pull_request(2), pull_request(3)), listed()]
        devops, _ = calling(lambda _: pages.pop(0))
        assert [one.ref.pull_request_id for one in devops.active_pull_requests(PROJECT)] == [1, 2, 3]

    def test_end_when_the_same_page_comes_again(self, calling: Calling) -> None:
        """A server that ignores $skip ends the listing, not the process."""
        devops, server = calling(lambda _: listed(pull_request(1)))
        assert len(devops.active_pull_requests(PROJECT)) == 1
        assert len(server.received) == 2

    def test_that_never_end_are_an_error(self, calling: Calling, monkeypatch: pytest.MonkeyPatch) -> None:
        """There is a bound."""
        monkeypatch.setattr(client_module, "MAX_PAGES", 3)
        numbers = iter(range(1, 100))
        devops, server = calling(lambda _: listed(pull_request(next(numbers))))
        with pytest.raises(DevOpsError, match="did not end within 3 pages"):
            devops.active_pull_requests(PROJECT)
        assert len(server.received) == 3

    def test_leave_out_the_one_that_cannot_be_read(self, calling: Calling, caplog: pytest.LogCaptureFixture) -> None:
        """The others shall not wait for it."""
        pages = [listed(pull_request(1), pull_request(2, lastMergeSourceCommit=None), "x", pull_request(3)), listed()]
        devops, _ = calling(lambda _: pages.pop(0))
        with caplog.at_level(logging.WARNING):
            found = devops.active_pull_requests(PROJECT)
        assert [one.ref.pull_request_id for one in found] == [1, 3]
        assert "left out one pull request" in caplog.text

    def test_of_another_project_are_malformed(self, calling: Calling) -> None:
        """An answer about something else is no answer."""
        stranger = pull_request(2, repository={"id": REPOSITORY, "project": {"id": OTHER}})
        devops, _ = calling(lambda _: listed(pull_request(1), stranger))
        with pytest.raises(DevOpsError, match="another project") as caught:
            devops.active_pull_requests(PROJECT)
        assert caught.value.kind is DevOpsErrorKind.MALFORMED


class TestFile:
    @pytest.mark.parametrize("content", [b"", b"\x00\xff\r\n", b"<html>not a page</html>", b'{"count": 1}'])
    def test_comes_byte_by_byte(self, content: bytes, calling: Calling) -> None:
        """Content is never read as anything else."""
        devops, _ = calling(lambda _: reply(200, content, FILE))
        assert devops.file_on_branch(PROJECT, REPOSITORY, MAIN, RULES, 100) == content

    def test_may_come_in_chunks(self, calling: Calling) -> None:
        """As Azure DevOps sends it."""
        devops, _ = calling(lambda _: chunked_reply([b"a: ", b"1\n"], FILE["Content-Type"]))
        assert devops.file_on_branch(PROJECT, REPOSITORY, MAIN, RULES, 100) == b"a: 1\n"

    def test_that_is_not_there_is_none(self, calling: Calling) -> None:
        """Only this one answer means that there is no file."""
        devops, _ = calling(lambda _: refusal_reply(404, "GitItemNotFoundException", "TF401174: not found"))
        assert devops.file_on_branch(PROJECT, REPOSITORY, MAIN, RULES, 100) is None

    @pytest.mark.parametrize(
        ("http_status", "type_key"),
        [
            (404, "GitUnresolvableToCommitException"),
            (404, "GitRepositoryNotFoundException"),
            (404, "GitItemNotFoundException2"),
            (400, "GitItemNotFoundException"),
            (403, "GitItemNotFoundException"),
        ],
    )
    def test_refused_in_any_other_way_is_an_error(self, http_status: int, type_key: str, calling: Calling) -> None:
        """A branch or repository that is not shown must not look like a repository without rules."""
        devops, _ = calling(lambda _: refusal_reply(http_status, type_key, "no"))
        with pytest.raises(DevOpsError) as caught:
            devops.file_on_branch(PROJECT, REPOSITORY, MAIN, RULES, 100)
        assert (caught.value.status, caught.value.type_key) == (http_status, type_key)

    @pytest.mark.parametrize(
        "answer",
        [reply(200, b"x" * 101, FILE), chunked_reply([b"x" * 100, b"x"]), reply(200, b"", {"Content-Length": "101"})],
        ids=["sent", "in chunks", "announced"],
    )
    def test_larger_than_allowed_is_rejected(self, answer: bytes, calling: Calling) -> None:
        """And never cut, which would change its meaning."""
        devops, _ = calling(lambda _: answer)
        with pytest.raises(DevOpsError, match="larger than the 100 bytes") as caught:
            devops.file_on_branch(PROJECT, REPOSITORY, MAIN, RULES, 100)
        assert caught.value.kind is DevOpsErrorKind.REJECTED

    def test_as_large_as_allowed_is_taken(self, calling: Calling) -> None:
        """The bound belongs to what is allowed."""
        devops, _ = calling(lambda _: reply(200, b"x" * 100, FILE))
        assert devops.file_on_branch(PROJECT, REPOSITORY, MAIN, RULES, 100) == b"x" * 100

    @pytest.mark.parametrize(
        "head",
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"HTTP/1.1 206 Partial\r\nContent-Length: 4\r\n\r\n"],
        ids=["without length", "partial"],
    )
    def test_that_may_be_cut_is_malformed(self, head: bytes, calling: Calling) -> None:
        """Half a rules file is a weaker one."""
        devops, _ = calling(lambda _: lambda line: line.send(head + b"a: 1"))
        with pytest.raises(DevOpsError, match="does not say where the file ends") as caught:
            devops.file_on_branch(PROJECT, REPOSITORY, MAIN, RULES, 100)
        assert caught.value.kind is DevOpsErrorKind.MALFORMED


class TestStatuses:
    def test_are_posted_on_their_iteration(self, calling: Calling) -> None:
        """State, description, context and link, and nothing else."""
        devops, server = calling(well)
        devops.post_status(
            REF,
            Iteration(3),
            Status(state=StatusState.NOT_APPLICABLE, description="Нет правил"),
            target_url="https://gate.example/g?sig=a%2Fb",
            name="image",
        )
        (request,) = server.received
        assert request.method == "POST"
        assert request.target.endswith("/pullRequests/7/iterations/3/statuses")
        assert request.document == {
            "state": "notApplicable",
            "description": "Нет правил",
            "targetUrl": "https://gate.example/g?sig=a%2Fb",
            "context": {"genre": "scangate", "name": "image"},
        }

    def test_go_on_the_pull_request_where_there_are_no_iterations(self, calling: Calling) -> None:
        """Iteration 0 stands for a pull request that keeps none."""
        devops, server = calling(well)
        OPERATIONS["post_status_without_iteration"](devops)
        assert server.received[0].target.endswith("/pullRequests/7/statuses")

    def test_refused_by_a_policy_say_so(self, calling: Calling) -> None:
        """The words of Azure DevOps reach the developer."""
        key = "GitPullRequestStatusRejectedByPolicyException"
        devops, _ = calling(lambda _: refusal_reply(403, key, "TF402455: Pushes\nare not permitted"))
        with pytest.raises(DevOpsError) as caught:
            OPERATIONS["post_status"](devops)
        assert caught.value.sentence == (
            "posting status pending on pull request 7, iteration 2: Azure DevOps refused it "
            f"(403 {key}): TF402455: Pushes are not permitted"
        )

    def test_are_listed_oldest_first_whoever_posted_them(self, calling: Calling) -> None:
        """Foreign statuses may lack nearly everything."""
        foreign = {"id": 2, "state": "notSet", "creationDate": "yesterday", "iterationId": 0}
        devops, _ = calling(lambda _: listed(status(3), foreign))
        first, second = devops.statuses(REF)
        assert first.model_dump() == {
            "id": 2,
            "state": "notSet",
            "description": "",
            "genre": "",
            "name": "",
            "iteration": None,
            "author_id": None,
            "created_at": None,
        }
        assert (second.id, second.iteration, second.author_id) == (3, 1, IDENTITY)
        assert second.created_at is not None
        assert second.created_at.isoformat() == "2026-11-23T08:00:00+00:00"

    def test_without_an_id_are_malformed(self, calling: Calling) -> None:
        """The id tells the latest."""
        devops, _ = calling(lambda _: listed(status(3, id=None)))
        with pytest.raises(DevOpsError, match="id of a StatusRead"):
            devops.statuses(REF)


class TestIdentity:
    def test_is_who_azure_devops_says(self, calling: Calling) -> None:
        """In lower case, as ids are compared."""
        devops, _ = calling(lambda _: json_reply(connection_data(IDENTITY.upper())))
        assert devops.authenticated_id() == IDENTITY

    def test_of_nobody_is_signed_out(self, calling: Calling) -> None:
        """Organisations with public projects answer callers without credentials too."""
        devops, _ = calling(lambda _: json_reply(connection_data("aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa")))
        with pytest.raises(DevOpsError) as caught:
            devops.authenticated_id()
        assert caught.value.kind is DevOpsErrorKind.SIGNED_OUT

    @pytest.mark.parametrize("user", [None, "x", {"id": "me"}, {}])
    def test_that_cannot_be_read_is_malformed(self, user: Any, calling: Calling) -> None:
        """Nothing is guessed."""
        devops, _ = calling(lambda _: json_reply({"authenticatedUser": user}))
        with pytest.raises(DevOpsError, match=r"authenticatedUser\.id"):
            devops.authenticated_id()


def test_requests_are_counted_for_each_thread(calling: Calling) -> None:
    """Whoever wants to know what a piece of work cost is not told what others did meanwhile."""
    devops, _ = calling(lambda _: json_reply(connection_data(IDENTITY)))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(devops.authenticated_id).result()
        assert pool.submit(devops.requests_sent).result() == 1
    assert devops.requests_sent() == 0


def test_a_clone_url_is_made_from_configuration_alone(calling: Calling) -> None:
    """No payload has a say in where a repository is fetched from."""
    devops: api.DevOpsApi = calling(well, url="https://dev.azure.com/Contoso/")[0]
    assert devops.clone_url(PROJECT, REPOSITORY) == f"https://dev.azure.com/Contoso/{PROJECT}/_git/{REPOSITORY}"


@pytest.mark.parametrize("bad", ["", "shop", "../../other", REPOSITORY.upper(), f"{REPOSITORY}/x"])
def test_ids_that_are_none_reach_nothing(bad: str, calling: Calling) -> None:
    """An id goes into a path."""
    devops, server = calling(well)
    for call in (
        lambda: devops.clone_url(PROJECT, RepositoryId(bad)),
        lambda: devops.clone_url(ProjectId(bad), REPOSITORY),
        lambda: devops.active_pull_requests(ProjectId(bad)),
        lambda: devops.file_on_branch(ProjectId(bad), REPOSITORY, MAIN, RULES, 1),
        lambda: devops.file_on_branch(PROJECT, RepositoryId(bad), MAIN, RULES, 1),
    ):
        with pytest.raises(ValueError, match="should match pattern"):
            call()
    assert server.received == []


@pytest.mark.parametrize(
    "url",
    [
        "dev.azure.com/contoso",
        "ftp://dev.azure.com/contoso",
        "https:///contoso",
        "https://user:secret@dev.azure.com/contoso",
        "https://dev.azure.com/contoso?x=1",
        "https://dev.azure.com/contoso#x",
        "https://dev.azure.com/{project}",
    ],
)
def test_an_organisation_needs_a_plain_url(url: str) -> None:
    """A credential in the URL would reach logs and clones; the message does not repeat it."""
    with pytest.raises(ValueError, match="an organisation's URL such as") as caught:
        DevOps(ORGANISATION, url, lambda: "Basic x")
    assert "secret" not in str(caught.value)


def test_a_target_commit_comes_with_its_iteration(calling: Calling) -> None:
    """The rules' state is told by it."""
    devops, _ = calling(well)
    found = devops.latest_iteration(REF)
    assert found is not None
    assert found.target_commit == TARGET
