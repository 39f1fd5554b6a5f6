"""The lifecycle on real storage and a real simulator, driven step by step by a test."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, NamedTuple
from uuid import uuid4

from scan_core.flow import looks, result, watch
from scan_core.flow.services import Services
from scan_core.model.attempt import AttemptMessage, ResultMessage
from scan_core.model.gate import Gate
from scan_core.model.ids import BranchRef, GateId, OrganisationName, ProjectId, PullRequestId, RepositoryId
from scan_core.model.place import Place
from scan_core.model.request import LookRequest, ProjectRequest
from scan_core.model.scan import Scan
from scan_core.model.subject import Branch, PullRequestRef, Subject
from scan_core.store.connection import Storage
from tests.flow.fakes import Clock, HandedQueues, Mortal, RecordingRunner, ScriptedRegistry, Sent
from tests.flow.origin import Origin
from tests.flow.scripted_worker import Ending, ScriptedWorker
from tests.local.devops.driver import ORGANISATION, Pull, Repo, Sim

ORG = OrganisationName(ORGANISATION.lower())
WATCH_SECONDS = 15
_ROUNDS = 200
_numbers = count(1)


class Shown(NamedTuple):
    """A status as Azure DevOps shows it."""

    iteration: int | None
    state: str
    description: str


@dataclass
class World:
    """Everything a test drives."""

    services: Services
    storage: Storage
    clock: Clock
    queues: HandedQueues
    runner: RecordingRunner
    worker: ScriptedWorker
    sim: Sim
    origin: Origin
    project: dict[str, Any]
    audit_name: str
    registry: ScriptedRegistry
    results: list[ResultMessage] = field(default_factory=list)
    """What workers said that was not taken yet."""

    # ---------------------------------------------------------------------------------------- Azure DevOps

    def repository(self, *, rules: str | None = None, project: dict[str, Any] | None = None) -> Repo:
        """Make a repository with main and release, and rules on main."""
        repo = self.sim.repository(project or self.project, f"web {next(_numbers)}")
        main = self.origin.commits["main"] if rules is None else self.origin.commit({".scangate.yml": rules})
        self.push(repo, f"{main}:refs/heads/main", "release", "topic", "other")
        return repo

    def fork(self, repo: Repo, *specs: str) -> Repo:
        """Make a fork and push to it."""
        where = repo.json["project"]
        made = self.sim.post(
            f"{where['id']}/_apis/git/repositories",
            {
                "name": f"fork {next(_numbers)}",
                "project": {"id": where["id"]},
                "parentRepository": {"id": repo.json["id"], "project": {"id": where["id"]}},
            },
        )
        fork = Repo(self.sim, made)
        self.push(fork, *specs)
        return fork

    def forked(self, repo: Repo, branch: str = "topic") -> tuple[Repo, Pull]:
        """Make a fork, and a pull request from it."""
        fork = self.fork(repo, f"{branch}:from-fork")
        return fork, repo.pull_request("from-fork", forkSource={"repository": {"id": fork.json["id"]}})

    def push(self, repo: Repo, *specs: str) -> None:
        """Push from the local repository."""
        self.origin.push(repo.json["webUrl"], *specs)

    def proposed(self, *, rules: str | None = None, **more: Any) -> Pull:
        """Make a repository and a pull request of one commit in it."""
        return self.repository(rules=rules).pull_request("topic", **more)

    def push_again(self, pull: Pull, branch: str = "topic-next") -> None:
        """Push a further commit to a pull request."""
        self.push(pull.repo, f"{branch}:topic")

    def shown(self, pull: Pull) -> list[Shown]:
        """List every status of ours on a pull request, the oldest first."""
        found = sorted(self.sim.get(f"{pull.path}/statuses")["value"], key=lambda each: int(each["id"]))
        return [Shown(each.get("iterationId"), each["state"], each["description"]) for each in found]

    def states(self, pull: Pull) -> list[str]:
        """List the states of a pull request's statuses, the oldest first."""
        return [status.state for status in self.shown(pull)]

    # ---------------------------------------------------------------------------------------- what arrives

    def hook(self, pull: Pull) -> LookRequest:
        """Accept an event about a pull request."""
        request = self.request(pull)
        self.queues.send_request(request)
        return request

    def request(self, pull: Pull) -> LookRequest:
        """Make the request that an event about a pull request comes to."""
        return LookRequest(request_id=uuid4().hex, of=self.ref(pull), accepted_at=self.clock())

    def project_hook(self, project: dict[str, Any]) -> ProjectRequest:
        """Accept an event that names a project only."""
        request = ProjectRequest(
            request_id=uuid4().hex,
            organisation=ORG,
            project_id=ProjectId(project["id"]),
            accepted_at=self.clock(),
        )
        self.queues.send_request(request)
        return request

    def ask(self, of: Subject) -> LookRequest:
        """Accept an event about any subject."""
        request = LookRequest(request_id=uuid4().hex, of=of, accepted_at=self.clock())
        self.queues.send_request(request)
        return request

    def serve(self) -> int:
        """Serve every request that is due. One that kills the process stays, and is served again later."""
        served = 0
        while (sent := self._due_request()) is not None:
            self.queues.requests.remove(sent)  # hidden while it is served, as in a queue
            try:
                looks.handle(self.services, sent.request)
            except BaseException:
                self.queues.requests.append(sent)
                raise
            served += 1
            assert served < 100, "requests breed requests"
        return served

    def receive_results(self) -> None:
        """Receive what workers announced in the real queue."""
        queue = self.storage.queues.get_queue_client("scan-results")
        for received in queue.receive_messages(messages_per_page=32):
            self.results.append(ResultMessage.model_validate_json(base64.b64decode(received.content)))
            queue.delete_message(received)

    def take_results(self) -> int:
        """Take what workers said. What kills the process stays, and is taken again later."""
        taken = 0
        while self.results:
            result.take(self.services, self.results[0])
            self.results.pop(0)
            taken += 1
        return taken

    def watch(self) -> None:
        """Let the timer fire."""
        watch.watch(self.services)

    def gated(self, pull: Pull) -> Gate:
        """Accept an event, serve it, and give the gate."""
        self.hook(pull)
        self.serve()
        return self.gate(pull)

    def scanned(self, ending: Ending | None = None) -> AttemptMessage:
        """Let a worker claim the next attempt and end it, and take its result."""
        message = self.claimed()
        self.finish(message, ending)
        return message

    def claimed(self, execution: str = "worker-1") -> AttemptMessage:
        """Let a worker claim the next attempt."""
        message = self.worker.claim(execution)
        assert message is not None, "no attempt is queued"
        return message

    def finish(self, message: AttemptMessage, ending: Ending | None = None) -> None:
        """End a claimed attempt, and take its result."""
        self.results.append(self.worker.leave(message, ending or Ending()))
        self.take_results()

    def run_until_quiet(self, ending: Ending | None = None, *, pause: float = WATCH_SECONDS) -> None:
        """Let everybody do their work, and time pass, until nothing needs attention."""
        for _ in range(_ROUNDS):
            busy = self.serve() + self._work(ending or Ending()) + self.take_results()
            self.watch()
            if not busy and not self.queues.requests and not self.services.gates.agenda():
                return
            if not busy:
                self.clock.advance(pause)
        raise AssertionError(
            f"not quiet after {_ROUNDS} rounds: {self.queues.requests}, {self.services.gates.agenda()}"
        )

    # ---------------------------------------------------------------------------------------- what is known

    def ref(self, pull: Pull) -> PullRequestRef:
        """Name a pull request."""
        return PullRequestRef(
            organisation=ORG,
            project_id=ProjectId(pull.repo.json["project"]["id"]),
            repository_id=RepositoryId(pull.repo.json["id"]),
            pull_request_id=PullRequestId(pull.id),
        )

    def branch(self, repo: Repo, name: str = "main") -> Branch:
        """Name a branch."""
        return Branch(
            organisation=ORG,
            project_id=ProjectId(repo.json["project"]["id"]),
            repository_id=RepositoryId(repo.json["id"]),
            ref=BranchRef(f"refs/heads/{name}"),
        )

    def at(self, place: Place) -> Gate | None:
        """Read the gate of a place."""
        row = self.services.gates.gate(place.gate_id)
        return None if row is None else row.value

    def gate(self, pull: Pull, iteration: int = 1) -> Gate:
        """Read a gate."""
        row = self.services.gates.gate(GateId(f"{self.ref(pull).subject}-{iteration}"))
        assert row is not None, f"no gate for iteration {iteration}"
        return row.value

    def gates(self, pull: Pull) -> list[Gate]:
        """Read all gates of a pull request."""
        return [row.value for row in self.services.gates.gates_of(self.ref(pull).subject)]

    def scan(self, gate: Gate) -> Scan:
        """Read the scan that a gate waits for."""
        row = self.services.scans.read(gate.waits_for[0])
        assert row is not None
        return row.value

    def change(self, gate: Gate, **changes: Any) -> None:
        """Change a gate's row behind everybody's back."""
        row = self.services.gates.gate(gate.gate_id)
        assert row is not None
        self.services.gates.replace_gate(row, row.value.model_copy(update=changes))

    def audit(self, what: str) -> list[dict[str, Any]]:
        """Read the audit's lines of one kind."""
        container = self.storage.blobs.get_container_client("audit")
        lines: list[dict[str, Any]] = []
        for blob in container.list_blobs():
            if self.audit_name in blob.name:
                lines += [json.loads(line) for line in container.download_blob(blob.name).readall().splitlines()]
        return [line for line in lines if line["what"] == what]

    def is_cancelled(self, message: AttemptMessage) -> bool:
        """Tell whether an attempt was told to stop."""
        path = f"{message.spec.scan_id}/{message.spec.attempt}/cancel.json"
        return self.storage.blobs.get_blob_client("scans", path).exists()

    def delayed(self) -> list[int]:
        """List the delays of the requests that were queued with one."""
        return [sent.delay_seconds for sent in self.queues.sent if sent.delay_seconds]

    # ---------------------------------------------------------------------------------------- other worlds

    def having(self, **doors: Any) -> "World":
        """The same world, whose services have other doors."""
        return replace(self, services=replace(self.services, **doors))

    def with_settings(self, **changes: Any) -> "World":
        """The same world under other settings."""
        return self.having(settings=self.services.settings.model_copy(update=changes))

    def mortal(self, fuse: Any) -> "World":
        """The same world, which dies with a fuse after a call to storage, queues, runner or Azure DevOps."""
        names = (
            "gates",
            "projects",
            "scans",
            "admission",
            "attempts",
            "queues",
            "verdicts",
            "audit",
            "holds",
            "poison",
            "runner",
        )
        doors = {name: Mortal(getattr(self.services, name), fuse) for name in names}
        devops = self.services.devops
        return self.having(**doors, devops=lambda organisation: Mortal(devops(organisation), fuse))

    def with_devops(self, wrap: Callable[[Any], Any]) -> "World":
        """The same world, whose Azure DevOps is wrapped, once."""
        wrapped = wrap(self.services.devops(ORG))
        return self.having(devops=lambda _: wrapped)

    # ---------------------------------------------------------------------------------------- within

    def _due_request(self) -> Sent | None:
        return next((sent for sent in self.queues.requests if sent.due_at <= self.clock()), None)

    def _work(self, ending: Ending) -> int:
        done = 0
        while (message := self.worker.claim()) is not None:
            self.results.append(self.worker.leave(message, ending))
            done += 1
        return done
