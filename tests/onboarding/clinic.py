"""Onboarded projects in the simulator, a receiver that takes their hooks as the app does, and the timer that looks."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from itertools import count
from typing import Any

from pydantic import SecretStr

from scan_core.devops.administration import Administration
from scan_core.devops.projects import Project
from scan_core.flow.backoff import pause_seconds
from scan_core.intake.hooks import receive
from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.model.request import LookRequest, ProjectRequest, Request
from scan_core.model.subject import PullRequestRef
from scan_core.onboarding.health import look_after_hooks
from scan_core.onboarding.hook_look import HookServices
from scan_core.onboarding.wish import WANTED_EVENTS, scope_of, wish_for
from scan_core.settings.deployment import Settings
from scan_core.settings.organisation import OrganisationSettings
from scan_core.store.connection import Storage
from scan_core.store.hook_health import HookStore, TroubledProject
from tests.cli.organisation import NAME as _NAME
from tests.cli.organisation import SECRET, SIGNING_KEY, Site
from tests.flow.fakes import Clock
from tests.local.devops.driver import Receiver, Repo, wait_until

NAME = OrganisationName(_NAME)
CYCLE_SECONDS = 900
A_TURN_LATER = CYCLE_SECONDS * 1.2
"""Times vary by a tenth."""

_numbers = count(1)


def pull_request_of(request: Request) -> int:
    """Give the number of the pull request that a request is about."""
    assert isinstance(request, LookRequest)
    assert isinstance(request.of, PullRequestRef)
    return request.of.pull_request_id


class Reception(Receiver):
    """Takes hooks as the app does, with the secrets that are live, and keeps what it accepted."""

    def __init__(self) -> None:
        """Listen."""
        super().__init__()
        self.secrets: tuple[str, ...] = (SECRET,)
        self.accepted: list[Request] = []
        self.statuses: list[int] = []

    @property
    def public_url(self) -> str:
        """Where the app is."""
        return self.url.removesuffix("/hook")

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one delivery, or as told."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        if self.answers:
            status = self.answers.pop(0)
        else:
            status = receive(
                handler.path.partition("?")[0].rpartition("/")[2],
                handler.headers["Authorization"],
                body,
                organisations={NAME: self.secrets},
                send=self.accepted.append,
                now=Clock()(),
                new_id=lambda: "r",
                count=lambda _: None,
            ).status
        self.bodies.append(json.loads(body))
        self.statuses.append(status)
        handler.send_response(status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


@dataclass
class Clinic:
    """Everything a test drives."""

    site: Site
    reception: Reception
    clock: Clock
    storage: Storage
    administration: Administration
    events: Callable[[str], list[dict[str, Any]]]
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings that differ from the usual ones."""
    secrets: tuple[str, ...] = (SECRET,)
    sent: list[Request] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """What the other parts of the app were told of."""
    slept: list[float] = field(default_factory=list)
    ahead: float = 0.0

    @property
    def settings(self) -> Settings:
        """The app's settings."""
        return Settings(
            organisations={
                NAME: OrganisationSettings(
                    url=self.site.sim.url, hook_secrets=tuple(SecretStr(secret) for secret in self.secrets)
                )
            },
            public_url=self.reception.public_url,
            signing_keys=(SecretStr(SIGNING_KEY),),
            storage_connection=SecretStr("none"),
            hook_health_seconds=CYCLE_SECONDS,
            **self.changes,
        )

    @property
    def services(self) -> HookServices:
        """What the timer works with."""
        return HookServices(
            settings=self.settings,
            hooks=HookStore(self.storage.tables),
            send=self.sent.append,
            administration=lambda _: self.administration,
            asked_to_wait=lambda _: self.administration.slow_down_seconds(),
            failed=lambda _, error: self.failures.append(error.kind),
            pause=pause_seconds,
            now=self.clock,
            new_id=lambda: f"request-{next(_numbers)}",
            sleep=self.slept.append,
        )

    def look(self, seconds: float = A_TURN_LATER, **doors: Any) -> None:
        """Let time pass, and the timer fire."""
        self.pass_time(seconds)
        look_after_hooks(replace(self.services, **doors))

    def pass_time(self, seconds: float) -> None:
        """Move this test's clock and the simulator's."""
        self.clock.advance(seconds)
        self.ahead += seconds
        self.site.sim.ahead(self.ahead)

    def rotate(self, secret: str) -> None:
        """Put a new secret first; the old one stays second."""
        self.secrets = (secret, self.secrets[0])
        self.reception.secrets = self.secrets

    # ------------------------------------------------------------------------------------------- Azure DevOps

    def onboard(self, *projects: str) -> None:
        """Onboard as an administrator does, with the secret in use."""
        self.site.public_url, self.site.hook_secrets = self.reception.public_url, self.secrets
        self.site.onboard(*projects)

    def connect(self, *projects: str) -> None:
        """Give projects the subscriptions that onboarding gives them, and no policy."""
        wish = wish_for(self.settings, NAME, self.administration.authenticated_id(), scope_of(()))
        for name in projects:
            for wanted in wish.hooks(Project(id=ProjectId(self.project(name)), name=name)):
                self.administration.create_subscription(wanted, SecretStr(self.secrets[0]))

    def hooks(self, project: str) -> list[dict[str, Any]]:
        """List a project's subscriptions in the order of their places."""
        found = [
            one for one in self.site.subscriptions() if one["publisherInputs"]["projectId"] == self.project(project)
        ]
        places = [event.event_type for event in WANTED_EVENTS]
        return sorted(found, key=lambda one: (places.index(one["eventType"]), one["consumerInputs"]["url"]))

    def project(self, name: str) -> str:
        """Name a project by its id."""
        return self.site.projects[name]

    def strike(self, subscription: dict[str, Any], status: str) -> None:
        """Put a subscription into a state."""
        if status == "disabledByUser":
            self.site.change_subscription(subscription, lambda one: one.update(status=status))
        else:
            self.site.sim.subscription_state(subscription, status)

    def states(self, project: str) -> list[str]:
        """List the states of a project's subscriptions."""
        return [one["status"] for one in self.hooks(project)]

    def repository(self, project: str, branches: int = 1) -> Repo:
        """Make a repository with branches to propose, named ``topic-1`` and so on."""
        repo = self.site.sim.repository({"id": self.project(project)}, f"web {next(_numbers)}")
        repo.started().push(*(f"main:topic-{number}" for number in range(1, branches + 1)))
        return repo

    def ended(self, number: int, result: str) -> None:
        """Wait until so many deliveries of the whole organisation ended in some way."""
        wait_until(lambda: len(self.deliveries(resultType=result)) >= number, f"{number} deliveries to be {result}")

    def deliveries(self, **wanted: Any) -> list[dict[str, Any]]:
        """Read the history of all subscriptions."""
        query = {"publisherId": "tfs", "includeDetails": True, **wanted}
        return list(self.site.sim.post("_apis/hooks/notificationsQuery", query)["results"])

    # ------------------------------------------------------------------------------------------- what is known

    def remembered(self) -> list[TroubledProject]:
        """Read what is remembered of projects in trouble."""
        return [row.value for row in HookStore(self.storage.tables).troubled(NAME)]

    def next_look_in(self) -> timedelta:
        """Say after how long the next turn comes."""
        row = HookStore(self.storage.tables)._turns.read("hooks", NAME)
        assert row is not None
        return row.value.next_at - self.clock()

    def asked_for_projects(self) -> list[ProjectId]:
        """List the projects that a look was asked for as a whole."""
        return [request.project_id for request in self.sent if isinstance(request, ProjectRequest)]

    def asked_for(self) -> list[int]:
        """List the pull requests that a look was asked for."""
        return [pull_request_of(request) for request in self.sent if not isinstance(request, ProjectRequest)]

    def health(self) -> dict[str, Any]:
        """Give the latest summary."""
        return self.events("hook_health")[-1]
