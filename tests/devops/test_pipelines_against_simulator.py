"""Repositories, builds and checks against the Azure DevOps simulator: real git, real plans, real refusals."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.devops.server import serve
from local.devops.state import Config
from scan_core.devops.client import DevOps
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.identity import personal_access_token
from scan_core.model.gate import Status, StatusState
from scan_core.model.ids import BranchRef, BuildId, CommitSha, OrganisationName, ProjectId, RepositoryId
from scan_core.model.image import image_reference
from scan_core.model.image_tag import encode_tag
from scan_core.model.subject import BuildRef, Check
from tests.devops.samples import MAIN, RULES
from tests.local.devops.driver import ORGANISATION, TOKEN, Clone, Receiver, Repo, Sim
from tests.local.devops.pipelines import BuildRun, Reached, asked

NAME = OrganisationName(ORGANISATION.lower())
GONE = "00000000-0000-0000-0000-000000000001"
NAMES = ["fix/#1", "a&path=evil.yml", "50%25", "naïve+ветка", "x;y=z", "main-2"]


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    """One organisation for all: each test makes what it looks at."""
    folder = tmp_path_factory.mktemp("simulator")
    config = Config(data=folder / "data", organisation=ORGANISATION, tokens=(TOKEN,))
    with serve(config) as running, closing(Sim(running.url, folder)) as driver:
        yield driver


@pytest.fixture
def devops(sim: Sim) -> Iterator[DevOps]:
    """The adapter, as one who may do everything."""
    with closing(DevOps(NAME, sim.url, personal_access_token(TOKEN))) as adapter:
        yield adapter
    sim.sim("faults", method="DELETE")


@pytest.fixture(scope="module")
def project(sim: Sim) -> dict[str, Any]:
    """The project of every repository."""
    return sim.project()


@pytest.fixture(scope="module")
def shop(sim: Sim, project: dict[str, Any]) -> tuple[Repo, Clone]:
    """A repository with rules on main, and branches of every name."""
    repo = sim.repository(project)
    clone = repo.started()
    clone.commit({RULES: "enabled: false\n", "src/a b#1&c.txt": "found\n"})
    clone.push("main")
    for name in NAMES:
        clone.branch(name)
        clone.commit({RULES: f"# {name}\n"})
        clone.push(name)
    return repo, clone


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """What the pipeline's check calls."""
    with Receiver() as listening:
        yield listening


def ids(repo: Repo) -> tuple[ProjectId, RepositoryId]:
    """Name a repository as the adapter does."""
    return ProjectId(repo.json["project"]["id"]), RepositoryId(repo.json["id"])


def ref(build: BuildRun) -> BuildRef:
    """Name a build as the adapter does."""
    return BuildRef(organisation=NAME, project_id=ProjectId(build.project_id), build_id=BuildId(build.id))


def waiting(build: BuildRun, receiver: Receiver) -> tuple[Reached, Check, str]:
    """Let a build reach a stage whose check waits; gives the stage, the check and its token."""
    stage, headers = asked(build, receiver, headers={"TimelineId": "$(system.TimelineId)"})
    check = Check(
        organisation=NAME,
        project_id=ProjectId(headers["ProjectId"].lower()),
        hub=headers["HubName"],
        plan_id=headers["PlanId"].lower(),
        job_id=headers["JobId"].lower(),
        task_id=headers["TaskInstanceId"].lower(),
        timeline_id=headers["TimelineId"].lower(),
        build_id=BuildId(build.id),
    )
    return stage, check, headers["AuthToken"]


class TestRepositories:
    def test_the_default_branch_and_every_tip_are_those_of_git(self, devops: DevOps, shop: tuple[Repo, Clone]) -> None:
        """Also of names that a query would read as its own."""
        place = ids(shop[0])
        assert devops.repositories.default_branch(*place) == MAIN
        tips = {tip.ref: tip.commit for tip in devops.repositories.branches(*place)}
        assert set(tips) == {MAIN, *(f"refs/heads/{name}" for name in NAMES)}
        for name, commit in tips.items():
            assert devops.repositories.branch_tip(*place, name) == commit

    @pytest.mark.parametrize("name", ["mai", "MAIN", "gone", "main/x"])
    def test_a_branch_that_only_looks_like_one_is_none(
        self, name: str, devops: DevOps, shop: tuple[Repo, Clone]
    ) -> None:
        """The beginning of a name is not the name."""
        assert devops.repositories.branch_tip(*ids(shop[0]), BranchRef(f"refs/heads/{name}")) is None

    def test_an_empty_repository_has_neither(self, devops: DevOps, sim: Sim, project: dict[str, Any]) -> None:
        """Nothing was pushed yet."""
        place = ids(sim.repository(project, "empty one"))
        assert devops.repositories.branches(*place) == ()
        assert devops.repositories.branch_tip(*place, MAIN) is None

    @pytest.mark.parametrize("name", NAMES)
    def test_a_file_is_that_of_the_very_commit(self, name: str, devops: DevOps, shop: tuple[Repo, Clone]) -> None:
        """Whatever the branch is called that it came by."""
        place = ids(shop[0])
        commit = devops.repositories.branch_tip(*place, BranchRef(f"refs/heads/{name}"))
        assert commit is not None
        assert devops.repositories.file_at_commit(*place, commit, RULES, 1000) == f"# {name}\n".encode()
        assert devops.repositories.file_at_commit(*place, commit, "/src/a b#1&c.txt", 1000) == b"found\n"
        assert devops.repositories.file_at_commit(*place, commit, "/src/a b", 1000) is None

    def test_a_commit_or_repository_that_is_not_there_is_an_error(
        self, devops: DevOps, shop: tuple[Repo, Clone]
    ) -> None:
        """And no absent file."""
        project_id, repository_id = ids(shop[0])
        for repository, commit in (
            (repository_id, CommitSha("0" * 39 + "1")),
            (RepositoryId(GONE), CommitSha("a" * 40)),
        ):
            with pytest.raises(DevOpsError) as caught:
                devops.repositories.file_at_commit(project_id, repository, commit, RULES, 1000)
            assert caught.value.kind is DevOpsErrorKind.NOT_FOUND
        for call in (
            lambda: devops.repositories.default_branch(project_id, RepositoryId(GONE)),
            lambda: devops.repositories.branches(project_id, RepositoryId(GONE)),
        ):
            with pytest.raises(DevOpsError) as caught:
                call()
            assert caught.value.kind is DevOpsErrorKind.NOT_FOUND

    def test_a_status_is_shown_on_its_commit(self, devops: DevOps, shop: tuple[Repo, Clone]) -> None:
        """The latest of a name counts."""
        repo, clone = shop
        commit = CommitSha(clone.head())
        for state in (StatusState.PENDING, StatusState.FAILED):
            status = Status(state=state, description="Сканирование – 1")
            devops.repositories.post_commit_status(
                *ids(repo), commit, status, target_url="https://gate.example/g?a=1&b=%2F", name="image"
            )
        shown = sorted(repo.commit_statuses(commit), key=lambda each: int(each["id"]))
        assert [(each["state"], each["context"]) for each in shown] == [
            ("pending", {"genre": "scangate", "name": "image"}),
            ("failed", {"genre": "scangate", "name": "image"}),
        ]
        assert shown[-1]["targetUrl"] == "https://gate.example/g?a=1&b=%2F"


class TestBuilds:
    def test_a_build_is_read_as_it_runs_and_as_it_ended(
        self, devops: DevOps, sim: Sim, shop: tuple[Repo, Clone]
    ) -> None:
        """With its tags, and the plan that its checks name."""
        repo, clone = shop
        image = encode_tag(image_reference("shop.azurecr.io/team/app:1.4"))
        build = sim.build(repo, sourceVersion=clone.head(), sourceBranch="refs/heads/naïve+ветка")
        build.tag(image, "other tag")
        running = devops.builds.read(ref(build))
        assert running.status in {"notStarted", "inProgress"}
        assert (running.result, running.finished_at) == (None, None)
        assert (running.source_version, running.source_branch) == (clone.head(), "refs/heads/naïve+ветка")
        assert running.repository_id == repo.json["id"]
        assert set(running.tags) == {image, "other tag"}
        assert running.plan_ids == (build.json()["orchestrationPlan"]["planId"].lower(),)
        build.complete("partiallySucceeded")
        ended = devops.builds.read(ref(build))
        assert (ended.status, ended.result) == ("completed", "partiallySucceeded")
        assert ended.finished_at is not None

    def test_a_build_of_another_project_is_not_there(self, devops: DevOps, sim: Sim, shop: tuple[Repo, Clone]) -> None:
        """Its number alone leads nowhere."""
        build = sim.build(shop[0])
        other = ProjectId(sim.project("Other builds")["id"])
        with pytest.raises(DevOpsError) as caught:
            devops.builds.read(ref(build).model_copy(update={"project_id": other}))
        assert caught.value.kind is DevOpsErrorKind.NOT_FOUND

    def test_completed_builds_are_listed_since_a_moment(self, devops: DevOps, sim: Sim) -> None:
        """More than a page of them, the oldest first; those that run are not among them."""
        repo = sim.repository(sim.project("Many builds"))
        clone = repo.started()
        builds = [sim.build(repo, sourceVersion=clone.head()) for _ in range(3)]
        for build in builds[:2]:
            build.complete()
        project_id, start = ProjectId(builds[0].project_id), datetime.now(UTC) - timedelta(minutes=5)
        assert [one.ref.build_id for one in devops.builds.completed(project_id, start)] == [
            one.id for one in builds[:2]
        ]
        assert devops.builds.completed(project_id, datetime.now(UTC) + timedelta(minutes=5)) == ()

    def test_a_build_is_marked_and_marked_otherwise(self, devops: DevOps, sim: Sim, shop: tuple[Repo, Clone]) -> None:
        """The last word counts; tags of others stay."""
        build = sim.build(shop[0])
        build.tag("kept; as it is")
        build.complete()
        page = "https://gate.example/g?sig=a%2Fb&x=1"
        for add, remove in (("scangate-failed", "scangate-passed"), ("scangate-passed", "scangate-failed")):
            marks = {"scangate.status": f"{add}: прошло", "scangate.page": page}
            for _ in range(2):
                devops.builds.mark(ref(build), add_tags=(add,), remove_tags=(remove,), properties=marks)
        assert set(build.tags()) == {"kept; as it is", "scangate-passed"}
        assert build.properties() == {"scangate.status": "scangate-passed: прошло", "scangate.page": page}

    def test_a_tag_with_special_characters_is_put_on_and_taken_off(
        self, devops: DevOps, sim: Sim, shop: tuple[Repo, Clone]
    ) -> None:
        """As somebody may write one by hand."""
        build = sim.build(shop[0])
        tag = "a b=c~d;é"
        devops.builds.mark(ref(build), add_tags=(tag,), remove_tags=(), properties={})
        assert build.tags() == [tag]
        devops.builds.mark(ref(build), add_tags=(), remove_tags=(tag,), properties={})
        assert build.tags() == []

    def test_a_build_that_is_gone_is_not_found(self, devops: DevOps, sim: Sim, shop: tuple[Repo, Clone]) -> None:
        """Retention deletes builds."""
        gone = ref(sim.build(shop[0])).model_copy(update={"build_id": BuildId(999_999)})
        for call in (
            lambda: devops.builds.read(gone),
            lambda: devops.builds.mark(gone, add_tags=("x",), remove_tags=(), properties={"a": "b"}),
        ):
            with pytest.raises(DevOpsError) as caught:
                call()
            assert caught.value.kind is DevOpsErrorKind.NOT_FOUND


class TestChecks:
    @pytest.fixture
    def build(self, sim: Sim, shop: tuple[Repo, Clone]) -> BuildRun:
        """A build that goes on."""
        return sim.build(shop[0])

    @pytest.mark.parametrize(("passed", "result"), [(True, "succeeded"), (False, "failed")])
    def test_a_check_is_written_to_and_answered(
        self, passed: bool, result: str, devops: DevOps, build: BuildRun, receiver: Receiver
    ) -> None:
        """Its log is that of its record in the timeline."""
        stage, check, token = waiting(build, receiver)
        log = devops.checks.append_log(check, token, None, ["Scangate: идёт проверка"])
        assert devops.checks.append_log(check, token, log, ["Scangate: done", "Scangate: 100 %"]) == log
        devops.checks.answer(check, token, passed=passed)
        assert stage.result() == result
        lines = [line for line in stage.check()["log"] if line.startswith("Scangate")]
        assert lines == ["Scangate: идёт проверка", "Scangate: done", "Scangate: 100 %"]

    def test_a_second_answer_is_not_found(self, devops: DevOps, build: BuildRun, receiver: Receiver) -> None:
        """It has ended, and stays as it ended."""
        stage, check, token = waiting(build, receiver)
        devops.checks.answer(check, token, passed=True)
        assert stage.result() == "succeeded"
        with pytest.raises(DevOpsError) as caught:
            devops.checks.answer(check, token, passed=False)
        assert (caught.value.kind, caught.value.type_key) == (
            DevOpsErrorKind.NOT_FOUND,
            "TaskOrchestrationJobNotFoundException",
        )
        assert stage.result() == "succeeded"

    def test_a_plan_that_is_not_there_is_not_found(self, devops: DevOps, build: BuildRun, receiver: Receiver) -> None:
        """Nobody waits there."""
        _, check, token = waiting(build, receiver)
        nowhere = check.model_copy(update={"plan_id": GONE})
        for call in (
            lambda: devops.checks.answer(nowhere, token, passed=True),
            lambda: devops.checks.append_log(nowhere, token, None, ["x"]),
            lambda: devops.checks.append_log(check, token, 999, ["x"]),
        ):
            with pytest.raises(DevOpsError) as caught:
                call()
            assert caught.value.kind is DevOpsErrorKind.NOT_FOUND

    def test_the_token_of_another_plan_is_refused(
        self, devops: DevOps, sim: Sim, shop: tuple[Repo, Clone], build: BuildRun, receiver: Receiver
    ) -> None:
        """Each is good for its own alone."""
        stage, check, _ = waiting(build, receiver)
        _, _, stranger = waiting(sim.build(shop[0]), receiver)
        for call in (
            lambda: devops.checks.answer(check, stranger, passed=True),
            lambda: devops.checks.append_log(check, stranger, None, ["x"]),
        ):
            with pytest.raises(DevOpsError) as caught:
                call()
            assert caught.value.kind in {DevOpsErrorKind.FORBIDDEN, DevOpsErrorKind.SIGNED_OUT}
            assert stranger not in caught.value.sentence
        assert stage.json()["state"] not in {"succeeded", "failed"}

    @pytest.mark.parametrize("token", ["wrong", TOKEN])
    def test_any_other_token_is_refused(self, token: str, devops: DevOps, build: BuildRun, receiver: Receiver) -> None:
        """Also our own: only who was asked may answer."""
        _, check, _ = waiting(build, receiver)
        with pytest.raises(DevOpsError) as caught:
            devops.checks.answer(check, token, passed=True)
        assert caught.value.kind in {DevOpsErrorKind.FORBIDDEN, DevOpsErrorKind.SIGNED_OUT}


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("status", {"status": 500}, DevOpsErrorKind.UNAVAILABLE),
        ("status", {"status": 429, "seconds": 9}, DevOpsErrorKind.THROTTLED),
        ("reset", {}, DevOpsErrorKind.UNREACHABLE),
        ("html203", {}, DevOpsErrorKind.SIGNED_OUT),
        ("redirect302", {}, DevOpsErrorKind.SIGNED_OUT),
        ("malformed", {}, DevOpsErrorKind.MALFORMED),
    ],
)
def test_a_fault_strikes_once_and_the_next_call_is_well(
    kind: str,
    more: dict[str, int],
    expected: DevOpsErrorKind,
    devops: DevOps,
    sim: Sim,
    shop: tuple[Repo, Clone],
) -> None:
    """Nothing is repeated behind the caller's back."""
    build = ref(sim.build(shop[0]))
    sim.fault("GET .*/builds/", kind, **more)
    with pytest.raises(DevOpsError) as caught:
        devops.builds.read(build)
    assert caught.value.kind is expected
    assert devops.builds.read(build).ref == build
