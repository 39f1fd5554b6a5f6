"""Everything is built once from settings; where they are wrong or storage is away, each door says so in its own way."""

import base64
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from scan_core import triggers, wiring
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow import check_answers, looks, poison, result
from scan_core.flow import watch as watch_module
from scan_core.intake.answers import Answer
from scan_core.intake.sealing import context_of, open_sealed
from scan_core.model.attempt import ResultMessage
from scan_core.model.ids import AttemptNumber, OrganisationName, ScanId
from scan_core.model.image import image_reference
from scan_core.model.request import LookRequest, RequestMessage
from scan_core.model.subject import Check, PullRequestRef
from scan_core.registry.access import ENTRA_SCOPE, RegistryAccess
from scan_core.registry.client import RegistryClient
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from scan_core.runner.api import RunnerError
from scan_core.runner.process import ProcessRunner
from scan_core.settings.loading import SettingsInvalid
from scan_core.store.connection import Storage
from scan_core.store.queues import Queues
from tests.builders import NOON, a_pull_request
from tests.intake.check_requests import CHECK_SECRET, TOKEN, headers
from tests.intake.deliveries import basic
from tests.settings.test_settings import JOB
from tests.store.hanging import connection_to, hanging
from tests.wired import HOOK_SECRET, ORGANISATION, PAT, configured, unconfigured

__all__ = ["configured", "unconfigured"]

SEALING_KEY = "the-sealing-key-of-the-test-" + "s" * 16


def refuse(*_: Any) -> None:
    """Be storage that is away."""
    raise ServiceRequestError("no route to storage")


def requests_in(storage: Storage) -> list[bytes]:
    """Read what stands in the queue of requests, hidden for a while or not."""
    queue = storage.queues.get_queue_client("scan-requests")
    return [base64.b64decode(message.content) for message in queue.peek_messages(32)]


def wanted_event(reference: PullRequestRef) -> bytes:
    """Make an event that is accepted."""
    repository = {"id": reference.repository_id, "project": {"id": reference.project_id}}
    resource = {"pullRequestId": reference.pull_request_id, "repository": repository}
    return json.dumps({"eventType": "git.pullrequest.created", "resource": resource}).encode()


class TestWithoutSettings:
    @pytest.fixture(autouse=True)
    def _unset(self, unconfigured: pytest.MonkeyPatch) -> None:
        """Set nothing."""

    def test_the_problem_is_one_line_that_names_the_setting(self) -> None:
        """For the command line and the log."""
        assert wiring.settings_problem() == "SCANGATE_ORGANISATIONS: is missing"

    def test_hooks_are_told_to_come_again(self, caplog: pytest.LogCaptureFixture) -> None:
        """Azure DevOps sends them again after 503; never open, never 500."""
        answer = triggers.receive(ORGANISATION, basic(HOOK_SECRET), b"{}")
        assert (answer.status, answer.body["reason"]) == (503, "not_configured")
        assert "SCANGATE_ORGANISATIONS" in caplog.text

    def test_health_names_it(self) -> None:
        """An operator needs no log."""
        assert triggers.health() == (503, {"status": "misconfigured", "problem": "SCANGATE_ORGANISATIONS: is missing"})

    def test_pages_are_unavailable(self) -> None:
        """For now."""
        pages = [
            triggers.gate_page("x", {}),
            triggers.gate_verdict("x", {}),
            triggers.scan_artifact("x", "report.sarif.json", {}),
        ]
        assert [page.status for page in pages] == [503, 503, 503]

    def test_timers_and_poison_do_nothing_but_say_so(self, caplog: pytest.LogCaptureFixture) -> None:
        """A poison handler never throws."""
        triggers.watch()
        triggers.hook_health()
        triggers.take_poisoned_request(b"{}")
        triggers.take_poisoned_result(b"{}")
        assert caplog.text.count("not_ready") == 4

    def test_messages_come_back(self) -> None:
        """They are served once the settings are good."""
        request = LookRequest(request_id="r", of=a_pull_request(), accepted_at=NOON)
        with pytest.raises(SettingsInvalid):
            triggers.take_request(RequestMessage.dump_json(request))


class TestWrongSettings:
    def test_of_the_default_rules_are_named_like_any_other(self, configured: pytest.MonkeyPatch) -> None:
        """They are a file's rules with another source; nothing is accepted under wrong ones."""
        configured.setenv("SCANGATE_DEFAULT_RULES", '{"max_hihg": 1}')
        problem = wiring.settings_problem()
        assert problem is not None
        assert "SCANGATE_DEFAULT_RULES" in problem
        assert "max_high" in problem
        assert triggers.receive(ORGANISATION, basic(HOOK_SECRET), b"{}").status == 503

    def test_of_storage_are_named_when_it_is_first_reached(self, configured: pytest.MonkeyPatch) -> None:
        """The string looks like one and has no key."""
        configured.setenv("SCANGATE_STORAGE_CONNECTION", "UseDevelopmentStorage=true")
        status, body = triggers.health()
        assert (status, body["status"]) == (503, "misconfigured")
        assert body["problem"].startswith("SCANGATE_STORAGE_CONNECTION: ")


class TestWithoutStorage:
    @pytest.fixture(autouse=True)
    def _away(self, configured: pytest.MonkeyPatch) -> None:
        """Let storage be out of reach."""
        configured.setattr(wiring, "ensure", refuse)
        configured.setattr(Queues, "send_request", refuse)

    def test_hooks_are_told_to_come_again(self, caplog: pytest.LogCaptureFixture) -> None:
        """What is not queued is not accepted."""
        answer = triggers.receive(ORGANISATION, basic(HOOK_SECRET), wanted_event(a_pull_request()))
        assert (answer.status, answer.body["reason"]) == (503, "not_queued")
        assert "storage_unreachable" in caplog.text

    def test_health_says_so(self) -> None:
        """Apart from wrong settings."""
        assert triggers.health() == (503, {"status": "no_storage", "problem": "ServiceRequestError"})

    def test_pages_are_unavailable_and_timers_wait(self) -> None:
        """Neither throws."""
        assert triggers.gate_page("x", {}).status == 503
        triggers.watch()


class TestStorageThatHangs:
    def test_hooks_are_told_to_come_again_in_time(self, configured: pytest.MonkeyPatch) -> None:
        """It takes connections and never answers: the sender is answered while it still hangs."""
        with hanging() as address:
            configured.setenv("SCANGATE_STORAGE_CONNECTION", connection_to(address))
            answer = triggers.receive(ORGANISATION, basic(HOOK_SECRET), wanted_event(a_pull_request()))
        assert (answer.status, answer.body["reason"]) == (503, "not_queued")

    def test_hooks_do_not_wait_for_whoever_looks_whether_storage_is_whole(
        self, configured: pytest.MonkeyPatch, storage: Storage
    ) -> None:
        """A timer may do that for a minute."""
        looking, done = Event(), Event()

        def look(_: Storage) -> None:
            looking.set()
            assert done.wait(60)

        configured.setattr(wiring, "ensure", look)
        with ThreadPoolExecutor(1) as timer:
            stuck = timer.submit(wiring.services)
            assert looking.wait(60)
            answer = triggers.receive(ORGANISATION, basic(HOOK_SECRET), wanted_event(a_pull_request()))
            assert not stuck.done()
            done.set()
        assert answer.status == 202


class TestConfigured:
    def test_health_is_good(self, configured: pytest.MonkeyPatch) -> None:
        """Settings and storage."""
        assert wiring.settings_problem() is None
        assert triggers.health() == (200, {"status": "ok"})

    def test_a_wanted_event_is_queued(self, configured: pytest.MonkeyPatch, storage: Storage) -> None:
        """One durable write, then 202."""
        reference = a_pull_request()
        answer = triggers.receive(ORGANISATION.upper(), basic(HOOK_SECRET), wanted_event(reference))
        assert answer.status == 202, answer.body
        (body,) = requests_in(storage)
        request = RequestMessage.validate_json(body)
        assert isinstance(request, LookRequest)
        assert request.of == reference
        assert request.request_id == answer.body["request"]

    def test_a_stranger_is_refused(self, configured: pytest.MonkeyPatch, storage: Storage) -> None:
        """Before anything is parsed; the event is counted with its reason."""
        assert triggers.receive(ORGANISATION, basic("guessed"), b"{}").status == 401
        assert triggers.receive("nobody", basic(HOOK_SECRET), b"{}").status == 401
        assert requests_in(storage) == []

    def test_everything_is_built_once(self, configured: pytest.MonkeyPatch) -> None:
        """Connections are kept between invocations."""
        assert wiring.services() is wiring.services()
        assert wiring.services().devops(OrganisationName(ORGANISATION)) is wiring.services().devops(
            OrganisationName(ORGANISATION)
        )
        assert wiring.services().now().utcoffset() is not None

    def test_hooks_are_looked_after(self, configured: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        """An Azure DevOps that is away postpones it, after as many tries as a command makes."""
        slept: list[float] = []
        configured.setattr(wiring, "time", SimpleNamespace(sleep=slept.append))
        caplog.set_level(logging.INFO, "scangate")
        triggers.hook_health()
        triggers.hook_health()
        assert caplog.text.count("hook_health_postponed") == 1
        assert len(slept) == 2
        services = wiring.hook_services()
        assert services.asked_to_wait(OrganisationName(ORGANISATION)) == 0
        assert len({services.new_id(), services.new_id()}) == 2

    def test_an_organisation_of_others_is_not_found(self, configured: pytest.MonkeyPatch) -> None:
        """A request may be older than the settings."""
        with pytest.raises(DevOpsError, match="is not configured here") as caught:
            wiring.services().devops(OrganisationName("contoso"))
        assert caught.value.kind is DevOpsErrorKind.NOT_FOUND

    def test_without_a_token_the_managed_identity_is_used(self, configured: pytest.MonkeyPatch) -> None:
        """And storage is reached by it where only an account is named."""
        configured.delenv("SCANGATE_DEVOPS_PAT")
        wiring.services().devops(OrganisationName(ORGANISATION))
        configured.delenv("SCANGATE_STORAGE_CONNECTION")
        configured.setenv("SCANGATE_STORAGE_ACCOUNT", "scangatestorage")
        configured.setenv("SCANGATE_IDENTITY_CLIENT_ID", "00000000-0000-0000-0000-000000000001")
        wiring.settings.cache_clear()
        wiring._storage.cache_clear()
        assert wiring._storage().blobs.url.startswith("https://scangatestorage.blob.core.windows.net")
        assert wiring._storage().account_key is None

    def test_known_secrets_are_hidden_in_logs(
        self, configured: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """From the moment the settings are read."""
        wiring.settings()
        logging.getLogger("any.library").error("sent %s", PAT)
        assert PAT not in caplog.text


class TestChecks:
    """The same door with secrets and keys of its own."""

    URL = "http://127.0.0.1:9/fabrikam"

    @pytest.fixture(autouse=True)
    def _set(self, configured: pytest.MonkeyPatch) -> None:
        """Let checks come."""
        organisation = {"url": self.URL, "hook_secrets": [HOOK_SECRET], "check_secrets": [CHECK_SECRET]}
        configured.setenv("SCANGATE_ORGANISATIONS", json.dumps({ORGANISATION: organisation}))
        configured.setenv("SCANGATE_SEALING_KEYS", json.dumps([SEALING_KEY]))

    def answered(self, body: bytes = b"", *, code: str | None = CHECK_SECRET, **changes: str | None) -> Answer:
        """Send a check."""
        sent = headers(PlanUrl=self.URL, Authorization=None, **changes)
        return triggers.receive_check(ORGANISATION, sent, {} if code is None else {"code": code}, body)

    def test_a_check_is_queued_with_its_token_sealed(self, storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
        """One durable write, then 200; the log knows the reason and the time alone."""
        caplog.set_level(logging.DEBUG)
        assert self.answered().status == 200
        (body,) = requests_in(storage)
        request = RequestMessage.validate_json(body)
        assert isinstance(request, LookRequest)
        assert isinstance(request.of, Check)
        assert request.of.sealed_token is not None
        assert open_sealed(request.of.sealed_token, [SEALING_KEY], context_of(request.of)) == TOKEN
        assert '"event": "check_received"' in caplog.text
        for hidden in (TOKEN, CHECK_SECRET, request.of.plan_id):
            assert hidden not in caplog.text

    def test_the_hooks_secret_opens_none(self, storage: Storage) -> None:
        """Many may read what stands in a check."""
        assert self.answered(code=HOOK_SECRET).status == self.answered(code=None).status == 401
        assert self.answered(PlanId="x").status == 400
        assert requests_in(storage) == []

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("SEALING_KEYS", "[]"),
            ("SEALING_KEYS", '["short"]'),
            ("ORGANISATIONS", '{"fabrikam": {"url": "https://x"}}'),
        ],
    )
    def test_without_secrets_or_keys_they_are_not_configured(
        self, name: str, value: str, configured: pytest.MonkeyPatch
    ) -> None:
        """Never open; and a wrong setting is answered alike."""
        configured.setenv(f"SCANGATE_{name}", value)
        answer = self.answered()
        assert (answer.status, answer.body["reason"]) == (503, "not_configured")

    def test_without_storage_they_are_told_to_come_again(
        self, configured: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What is not queued is not accepted."""
        configured.setattr(Queues, "send_request", refuse)
        assert (self.answered().status, self.answered().body["reason"]) == (503, "not_queued")
        assert "storage_unreachable" in caplog.text

    def test_what_is_known_is_asked_of_the_lifecycle(self, configured: pytest.MonkeyPatch, storage: Storage) -> None:
        """In mode answer; where that fails it is asked for again."""
        known = {"status": "unknown", "description": "nothing yet", "page": None}
        configured.setattr(check_answers, "answer", lambda services, check: {**known, "build": check.build_id})
        assert self.answered(b'{"mode": "answer"}').body.items() >= {**known, "build": 31, "accepted": True}.items()
        (body,) = requests_in(storage)
        assert json.loads(body)["of"]["kind"] == "build"
        configured.setattr(check_answers, "answer", refuse)
        assert self.answered(b'{"mode": "answer"}').status == 503


class TestRunners:
    @pytest.mark.parametrize(
        ("settings", "kind"),
        [
            ({}, "ProcessRunner"),
            ({"RUNNER": "none"}, "PlatformRunner"),
            ({"RUNNER": "container", "SCANNER_IMAGE": "scangate/scanner"}, "ContainerRunner"),
            ({"RUNNER": "container_apps", "JOB_RESOURCE_ID": JOB}, "ContainerAppsRunner"),
        ],
    )
    def test_are_the_ones_that_the_settings_name(
        self, settings: dict[str, str], kind: str, configured: pytest.MonkeyPatch
    ) -> None:
        """Nothing is started or asked for before there is work."""
        for name, value in settings.items():
            configured.setenv(f"SCANGATE_{name}", value)
        assert type(wiring.services().runner).__name__ == kind


class TestRegistries:
    """Those that an organisation lists, and no others."""

    def listing(self, configured: pytest.MonkeyPatch, *registries: dict[str, Any]) -> None:
        """List registries."""
        described = {"url": "http://127.0.0.1:9/fabrikam", "registries": list(registries)}
        configured.setenv("SCANGATE_ORGANISATIONS", json.dumps({ORGANISATION: described}))

    def refusal(self, organisation: str, image: str) -> RegistryRefused:
        """Ask for an image that cannot be had."""
        with pytest.raises(RegistryRefused) as caught:
            wiring.services().registries(OrganisationName(organisation)).resolve(image_reference(image))
        return caught.value

    def test_of_an_organisation_are_asked_and_no_others(self, configured: pytest.MonkeyPatch) -> None:
        """Another organisation's are not its own."""
        self.listing(configured, {"url": "http://127.0.0.1:9"})
        assert self.refusal(ORGANISATION, "127.0.0.1:9/app:1").kind is not RefusalKind.NOT_LISTED
        assert self.refusal(ORGANISATION, "docker.example/app:1").kind is RefusalKind.NOT_LISTED
        assert self.refusal("contoso", "127.0.0.1:9/app:1").kind is RefusalKind.NOT_LISTED

    def test_are_built_once_for_each_organisation(self, configured: pytest.MonkeyPatch) -> None:
        """Whoever asks."""
        registries = wiring.services().registries
        assert registries(OrganisationName(ORGANISATION)) is registries(OrganisationName(ORGANISATION))
        assert registries(OrganisationName(ORGANISATION)) is not registries(OrganisationName("contoso"))

    @pytest.mark.parametrize(
        ("pat", "endpoint", "has_token"), [(True, False, False), (True, True, True), (False, False, True)]
    )
    def test_are_entered_with_the_managed_identity_where_there_is_one(
        self, pat: bool, endpoint: bool, has_token: bool, configured: pytest.MonkeyPatch
    ) -> None:
        """In trials there is none, unless an endpoint that gives tokens is named."""
        self.listing(configured, {"url": "https://shop.azurecr.io", "login": "entra"})
        configured.delenv("IDENTITY_ENDPOINT", raising=False)
        if endpoint:
            configured.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/token")
        if not pat:
            configured.delenv("SCANGATE_DEVOPS_PAT")
            configured.setenv("SCANGATE_IDENTITY_CLIENT_ID", "a-client")
        asked: list[tuple[str, str | None]] = []

        class Credential:
            def __init__(self, client_id: str | None) -> None:
                self.client_id = client_id

            def get_token(self, scope: str) -> SimpleNamespace:
                asked.append((scope, self.client_id))
                return SimpleNamespace(token="a-token-of-entra")

        configured.setattr("azure.identity.ManagedIdentityCredential", Credential)
        client = wiring.services().registries(OrganisationName(ORGANISATION))
        assert isinstance(client, RegistryClient)
        assert asked == [], "nothing is asked for before there is an image"
        if not has_token:
            assert client._entra_token is None
            return
        assert client._entra_token is not None
        assert client._entra_token() == "a-token-of-entra"
        assert asked == [(ENTRA_SCOPE, None if pat else "a-client")]


class TestWorkers:
    def test_fetch_with_a_link_to_the_queue_and_the_token(self, configured: pytest.MonkeyPatch) -> None:
        """And only from configured organisations."""
        runner = wiring.services().runner
        assert isinstance(runner, ProcessRunner)
        environment = runner.fetch_environment()
        assert "scan-attempts?" in environment["SCANGATE_ATTEMPTS_QUEUE"]
        assert json.loads(environment["SCANGATE_DEVOPS_ORIGINS"]) == ["http://127.0.0.1:9/fabrikam/"]
        assert environment["SCANGATE_DEVOPS_PAT"] == PAT

    def test_fetch_with_every_registry_and_scan_with_none(self, configured: pytest.MonkeyPatch) -> None:
        """A registry's password goes to the step that gets pull tokens, and nowhere else."""
        basic = {"url": "https://r.example", "login": "basic", "username": "robot", "password": "a-registry-password"}
        described = {"url": "http://127.0.0.1:9/fabrikam", "registries": [basic, {"url": "https://a.azurecr.io"}]}
        configured.setenv("SCANGATE_ORGANISATIONS", json.dumps({ORGANISATION: described}))
        runner = wiring.services().runner
        assert isinstance(runner, ProcessRunner)
        first, second = json.loads(runner.fetch_environment()["SCANGATE_REGISTRIES"])
        assert first == {"organisation": ORGANISATION, **basic, "private": False, "token_realms": []}
        assert (second["url"], second["login"], second["password"]) == ("https://a.azurecr.io", "anonymous", None)
        for told in (first, second):
            assert RegistryAccess.model_validate(told).url == told["url"]
        assert "a-registry-password" not in json.dumps(dict(runner.scan_environment()))

    def test_fetch_without_a_token_under_a_managed_identity(self, configured: pytest.MonkeyPatch) -> None:
        """They have one of their own."""
        configured.delenv("SCANGATE_DEVOPS_PAT")
        runner = wiring.services().runner
        assert isinstance(runner, ProcessRunner)
        assert "SCANGATE_DEVOPS_PAT" not in runner.fetch_environment()

    def test_scan_with_what_stands_in_a_file_of_their_own(self, configured: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """It is read at each start, so that a token can be replaced."""
        file = tmp_path / "scan.json"
        configured.setenv("SCANGATE_SCAN_ENVIRONMENT_FILE", str(file))
        runner = wiring.services().runner
        assert isinstance(runner, ProcessRunner)
        with pytest.raises(RunnerError, match="SCANGATE_SCAN_ENVIRONMENT_FILE"):
            runner.scan_environment()
        for wrong in ('{"QUALYS_ACCESS_TOKEN": ["a-qualys-token"]}', "{a-qualys-token"):
            file.write_text(wrong)
            with pytest.raises(RunnerError) as caught:
                runner.scan_environment()
            assert "a-qualys-token" not in str(caught.value)
        file.write_text('{"QUALYS_ACCESS_TOKEN": "a-qualys-token"}')
        assert runner.scan_environment() == {"QUALYS_ACCESS_TOKEN": "a-qualys-token"}

    def test_scan_with_nothing_where_no_file_is_named(self, configured: pytest.MonkeyPatch) -> None:
        """Its absence is for the scanner to report."""
        runner = wiring.services().runner
        assert isinstance(runner, ProcessRunner)
        assert runner.scan_environment() == {}


class TestMessages:
    @pytest.fixture(autouse=True)
    def _set(self, configured: pytest.MonkeyPatch) -> None:
        """Set everything."""

    def request(self) -> LookRequest:
        """Make a request."""
        return LookRequest(request_id="r", of=a_pull_request(), accepted_at=NOON)

    def result(self) -> bytes:
        """Make a result of a scan that nobody knows."""
        return ResultMessage(scan_id=ScanId("0" * 40), attempt=AttemptNumber(1)).model_dump_json().encode()

    def test_requests_are_served(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By the lifecycle."""
        served: list[Any] = []
        monkeypatch.setattr(looks, "handle", lambda services, request: served.append((services, request)))
        request = self.request()
        triggers.take_request(RequestMessage.dump_json(request))
        assert served == [(wiring.services(), request)]

    def test_requests_wait_while_storage_fails(self, monkeypatch: pytest.MonkeyPatch, storage: Storage) -> None:
        """An outage is no defect, so it poisons nothing."""
        monkeypatch.setattr(looks, "handle", refuse)
        triggers.take_request(RequestMessage.dump_json(self.request()))
        assert requests_in(storage) == []
        queue = storage.queues.get_queue_client("scan-requests")
        assert queue.get_queue_properties().approximate_message_count == 1

    def test_requests_that_meet_a_defect_come_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And are poisoned in the end."""

        def fail(*_: Any) -> None:
            raise RuntimeError("a defect")

        monkeypatch.setattr(looks, "handle", fail)
        with pytest.raises(RuntimeError):
            triggers.take_request(RequestMessage.dump_json(self.request()))

    def test_results_are_taken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By the lifecycle."""
        taken: list[Any] = []
        monkeypatch.setattr(result, "take", lambda services, message: taken.append(message.scan_id))
        triggers.take_result(self.result())
        assert taken == ["0" * 40]

    def test_results_that_cannot_be_read_are_dropped(self, caplog: pytest.LogCaptureFixture) -> None:
        """Workers can add to that queue, and a scanner taken over could."""
        triggers.take_result(b"\xff not json")
        assert "result_dropped" in caplog.text

    def test_results_are_left_to_the_watch_while_storage_fails(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It finds their manifests."""
        monkeypatch.setattr(result, "take", refuse)
        triggers.take_result(self.result())
        assert "result_delayed" in caplog.text

    def test_poison_and_timer_reach_the_lifecycle(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each its own part."""
        reached: list[str] = []
        monkeypatch.setattr(poison, "poisoned_request", lambda *_: reached.append("request"))
        monkeypatch.setattr(poison, "poisoned_result", lambda *_: reached.append("result"))
        monkeypatch.setattr(watch_module, "watch", lambda _: reached.append("watch"))
        triggers.take_poisoned_request(b"")
        triggers.take_poisoned_result(b"")
        triggers.watch()
        assert reached == ["request", "result", "watch"]

    def test_pages_are_those_of_the_lifecycle(self) -> None:
        """A link without a signature opens nothing."""
        assert triggers.gate_page("0" * 24 + "-1", {}).status == 403
        assert triggers.gate_verdict("0" * 24 + "-1", {}).status == 403
        assert triggers.scan_artifact("0" * 40, "report.sarif.json", {}).status == 403
