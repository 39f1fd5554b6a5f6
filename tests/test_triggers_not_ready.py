"""Where settings are wrong or storage is away, each trigger says so in its own way."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from azure.core.exceptions import AzureError

from scan_core import triggers, wiring
from scan_core.model.request import LookRequest, RequestMessage
from scan_core.settings.loading import SettingsInvalid
from scan_core.store.connection import Storage
from scan_core.store.queues import Queues
from tests.builders import NOON, a_pull_request
from tests.intake.deliveries import basic
from tests.store.hanging import connection_to, hanging
from tests.wired import HOOK_SECRET, ORGANISATION, configured, refuse, unconfigured, wanted_event

__all__ = ["configured", "unconfigured"]


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

    def test_timers_do_nothing_but_say_so(self, caplog: pytest.LogCaptureFixture) -> None:
        """They fire again."""
        triggers.watch()
        triggers.reconcile()
        triggers.hook_health()
        assert caplog.text.count("not_ready") == 3

    @pytest.mark.parametrize("take", [triggers.take_poisoned_request, triggers.take_poisoned_result])
    def test_poison_comes_back(self, take: Callable[[bytes], None], caplog: pytest.LogCaptureFixture) -> None:
        """What was accepted is kept nowhere else: wrong settings must not make the host delete it."""
        with pytest.raises(SettingsInvalid):
            take(b"{}")
        assert "not_ready" in caplog.text

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

    @pytest.mark.parametrize("take", [triggers.take_poisoned_request, triggers.take_poisoned_result])
    def test_poison_comes_back(self, take: Callable[[bytes], None]) -> None:
        """Nothing of it was put aside."""
        with pytest.raises(AzureError):
            take(b"{}")


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
