"""What each trigger does: hooks and checks are queued, messages and timers reach the lifecycle."""

import json
import logging
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import AzureError

from scan_core import triggers, wiring
from scan_core.flow import check_answers, looks, poison, result
from scan_core.flow import watch as watch_module
from scan_core.intake.answers import Answer
from scan_core.intake.sealing import context_of, open_sealed
from scan_core.model.attempt import ResultMessage
from scan_core.model.ids import AttemptNumber, OrganisationName, ScanId
from scan_core.model.request import LookRequest, RequestMessage
from scan_core.model.subject import Check
from scan_core.store.connection import Storage
from scan_core.store.gates import FirstQuestion
from scan_core.store.poison import PoisonStore
from scan_core.store.queues import Queues
from tests.builders import NOON, a_pull_request
from tests.intake.check_requests import CHECK_SECRET, TOKEN, headers
from tests.intake.deliveries import basic
from tests.store.hanging import hanging
from tests.wired import HOOK_SECRET, ORGANISATION, configured, refuse, requests_in, unconfigured, wanted_event

__all__ = ["configured", "unconfigured"]

SEALING_KEY = "the-sealing-key-of-the-test-" + "s" * 16


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
        configured.setattr(check_answers, "answer", lambda door, check, asked_at: {**known, "build": check.build_id})
        assert self.answered(b'{"mode": "answer"}').body.items() >= {**known, "build": 31, "accepted": True}.items()
        (body,) = requests_in(storage)
        assert json.loads(body)["of"]["kind"] == "build"
        configured.setattr(check_answers, "answer", refuse)
        assert self.answered(b'{"mode": "answer"}').status == 503

    def test_what_is_known_is_told_without_building_anything_else(
        self, configured: pytest.MonkeyPatch, storage: Storage
    ) -> None:
        """Its sender waits: nothing is ensured, and no runner is asked for. The look that it asks for counts for it."""
        configured.setattr(wiring, "ensure", refuse)
        body = self.answered(b'{"mode": "answer"}').body
        assert (body["status"], body["page"]) == ("unknown", None)
        (queued,) = requests_in(storage)
        request = RequestMessage.validate_json(queued)
        assert isinstance(request, LookRequest)
        (row,) = storage.tables.get_table_client("gates").query_entities("RowKey eq 'question'")
        assert FirstQuestion.model_validate_json(row["Body0"]).asked_at == request.accepted_at

    def test_what_is_known_is_not_waited_for(self, configured: pytest.MonkeyPatch, storage_connection: str) -> None:
        """Tables that take connections and never answer: the sender is told to come again while they still hang."""
        with hanging() as address:
            tables = re.sub("TableEndpoint=[^;]*", f"TableEndpoint=http://{address}/one", storage_connection)
            configured.setenv("SCANGATE_STORAGE_CONNECTION", tables)
            answer = self.answered(b'{"mode": "answer"}')
        assert (answer.status, answer.body["reason"]) == (503, "not_answered")


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

    @pytest.mark.parametrize("take", [triggers.take_poisoned_request, triggers.take_poisoned_result])
    def test_poison_waits_while_storage_fails(
        self, take: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is not kept anywhere else yet, and the host tries it for as long as it lives."""
        monkeypatch.setattr(PoisonStore, "keep", refuse)
        with pytest.raises(AzureError):
            take(b"{}")

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

    def test_results_come_back_while_storage_fails(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The watch finds their manifests, but not that of a scan that had ended before."""
        monkeypatch.setattr(result, "take", refuse)
        with pytest.raises(AzureError):
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
