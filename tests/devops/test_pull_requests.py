"""What is read of one pull request, and what is refused."""

from typing import Any

import pytest

from scan_core.devops.client import DevOps
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.pull_requests import MergeStatus, PullRequest, PullRequestStatus
from scan_core.model.ids import OrganisationName
from tests.devops.conftest import Calling
from tests.devops.samples import (
    MERGE,
    OPERATIONS,
    PROJECT,
    REF,
    REPOSITORY,
    SOURCE,
    pull_request,
    well,
)
from tests.devops.strict_server import chunked_reply, json_reply

OTHER = "00000000-0000-0000-0000-000000000001"


def read(calling: Calling, document: dict[str, Any]) -> PullRequest:
    """Read one pull request from a server that answers with this document."""
    devops, _ = calling(lambda _: json_reply(document))
    return devops.pull_request(REF)


def malformed(calling: Calling, document: dict[str, Any]) -> str:
    """Read one pull request and give the sentence of the error that this must be."""
    with pytest.raises(DevOpsError) as caught:
        read(calling, document)
    assert caught.value.kind is DevOpsErrorKind.MALFORMED
    return caught.value.sentence


class TestPullRequest:
    def test_is_read_with_its_commits(self, calling: Calling) -> None:
        """Everything that a gate decides on comes over."""
        assert read(calling, pull_request()) == PullRequest.model_validate(
            {
                "ref": REF,
                "status": PullRequestStatus.ACTIVE,
                "is_draft": False,
                "source_ref": "refs/heads/fix/#1",
                "target_ref": "refs/heads/main",
                "source_commit": SOURCE,
                "merge_commit": MERGE,
                "merge_status": MergeStatus.SUCCEEDED,
                "is_fork": False,
                "supports_iterations": True,
                "title": "Fix the basket",
            }
        )

    def test_is_read_from_chunks(self, calling: Calling) -> None:
        """An answer in chunks is the same answer."""
        devops, _ = calling(lambda _: chunked_reply([json_reply(pull_request()).partition(b"\r\n\r\n")[2]]))
        assert devops.pull_request(REF).ref == REF

    def test_of_a_fork_is_known_as_one(self, calling: Calling) -> None:
        """The source commit of a fork may be out of reach."""
        assert read(calling, pull_request(forkSource={"name": "refs/heads/x", "repository": {"id": OTHER}})).is_fork

    @pytest.mark.parametrize("merge_status", ["queued", "conflicts"])
    def test_without_merge_commit_says_so(self, merge_status: str, calling: Calling) -> None:
        """It is absent while the merge is computed and on conflicts."""
        document = pull_request(mergeStatus=merge_status)
        del document["lastMergeCommit"]
        found = read(calling, document)
        assert (found.merge_commit, found.merge_status) == (None, merge_status)

    def test_may_leave_out_what_has_a_default(self, calling: Calling) -> None:
        """Minimal answers exist."""
        document = pull_request()
        for name in ("isDraft", "mergeStatus", "supportsIterations", "title"):
            del document[name]
        found = read(calling, document)
        assert (found.is_draft, found.merge_status, found.supports_iterations, found.title) == (
            False,
            MergeStatus.NOT_SET,
            True,
            "",
        )

    def test_without_iterations_is_known_as_one(self, calling: Calling) -> None:
        """Statuses then go on the pull request as a whole."""
        assert not read(calling, pull_request(supportsIterations=False)).supports_iterations

    def test_has_ids_in_lower_case(self, calling: Calling) -> None:
        """Ids are compared as text."""
        document = pull_request()
        document["repository"]["id"] = REPOSITORY.upper()
        assert read(calling, document).ref == REF

    def test_with_a_bad_date_nobody_reads_is_read(self, calling: Calling) -> None:
        """The SDK alone would fail the whole answer."""
        assert read(calling, pull_request(creationDate="yesterday", closedDate="0001-01-01T00:00:00")).ref == REF

    def test_with_half_a_character_in_its_title_is_read(self, calling: Calling) -> None:
        """JSON can hold halves of surrogate pairs; a title is only shown."""
        assert read(calling, pull_request(title="x\ud83d")).title == "x?"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"pullRequestId": "seven"}, "ref.pull_request_id"),
            ({"repository": None}, "ref.project_id"),
            ({"repository": "shop"}, "ref.project_id"),
            ({"repository": {"id": REPOSITORY, "project": {"id": 7}}}, "ref.project_id"),
            ({"status": "melted"}, "status"),
            ({"status": None}, "status"),
            ({"isDraft": "perhaps"}, "is_draft"),
            ({"sourceRefName": None}, "source_ref"),
            ({"sourceRefName": "refs/heads/\ud83d"}, "source_ref"),
            ({"targetRefName": ""}, "target_ref"),
            ({"lastMergeSourceCommit": None}, "source_commit"),
            ({"lastMergeSourceCommit": {"commitId": "HEAD"}}, "source_commit"),
            ({"lastMergeCommit": {"commitId": "../x"}}, "merge_commit"),
            ({"lastMergeCommit": "x"}, "merge_commit"),
            ({"mergeStatus": "new"}, "merge_status"),
            ({"forkSource": "elsewhere"}, "is_fork"),
            ({"supportsIterations": []}, "supports_iterations"),
        ],
    )
    def test_that_cannot_be_read_names_the_field(self, changes: dict[str, Any], field: str, calling: Calling) -> None:
        """Nothing is guessed, and the sentence says where to look without repeating the value."""
        sentence = malformed(calling, pull_request(**changes))
        assert f"no usable value for {field} of a PullRequest" in sentence

    @pytest.mark.parametrize(
        "document",
        [
            pull_request(8),
            pull_request(repository={"id": OTHER, "project": {"id": PROJECT}}),
            pull_request(repository={"id": REPOSITORY, "project": {"id": OTHER}}),
        ],
        ids=["number", "repository", "project"],
    )
    def test_other_than_asked_for_is_malformed(self, document: dict[str, Any], calling: Calling) -> None:
        """An answer about something else is no answer."""
        assert "another pull request" in malformed(calling, document)

    @pytest.mark.parametrize(
        "operation",
        ["pull_request", "latest_iteration", "post_status", "statuses"],
    )
    def test_of_another_organisation_is_never_asked_for(self, operation: str, calling: Calling) -> None:
        """One adapter reaches one organisation."""
        server = calling(well)[1]
        elsewhere = DevOps(OrganisationName("fabrikam"), server.url, lambda: "Basic x")
        with pytest.raises(ValueError, match="fabrikam was asked about a pull request of contoso"):
            OPERATIONS[operation](elsewhere)
        assert server.received == []
