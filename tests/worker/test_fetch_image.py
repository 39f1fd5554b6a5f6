"""The fetch step on an image: is it there, and a token to pull its repository and nothing else."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from local.registry.access import Access
from local.registry.images import ARM64, Image, Setting
from local.registry.push import push_image
from local.registry.server import RegistryServer
from scan_core.model.attempt import AttemptError, AttemptErrorKind, AttemptSpec, FetchOutcome, FetchState
from scan_core.model.image import Login
from scan_core.model.target import ImageTarget
from scan_core.registry.client import RegistryClient
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from scan_core.worker import credential, pull_failures
from scan_core.worker.stopping import CANCELLED
from tests.worker.conftest import Bench, StopWhen
from tests.worker.images import NOWHERE, REPOSITORY, SOME_DIGEST, listed, spec_of

IMAGE = Image((Setting("CMD one"),))
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry for all tests here."""
    with RegistryServer(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(autouse=True)
def identity(registry: RegistryServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A managed identity that the registry knows; and no fault is left to the next test."""
    monkeypatch.setattr(credential, "_token", lambda *_: registry.access.entra_token)
    yield
    registry.faults.clear()


@pytest.fixture(scope="module")
def digest(registry: RegistryServer) -> str:
    """An image that is there."""
    return push_image(registry.url, REPOSITORY, "1", IMAGE, registry.access.user)


def fetch(bench: Bench, registry: RegistryServer, spec: AttemptSpec, **variables: str) -> FetchOutcome:
    """Queue an attempt and fetch for it."""
    bench.queue(bench.message(spec))
    told = {"SCANGATE_REGISTRIES": listed(registry), **variables}
    return bench.fetch("worker-1", None, **told)


def failure(outcome: FetchOutcome) -> AttemptError:
    """Why a fetch failed."""
    assert outcome.state is FetchState.FAILED
    assert outcome.registry_token is None
    assert outcome.error is not None
    return outcome.error


def status(registry: RegistryServer, repository: str, token: str) -> int:
    """What the registry answers whoever shows a token for a manifest."""
    address = f"{registry.url}/v2/{repository}/manifests/1"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


class TestToken:
    @pytest.mark.parametrize("login", [Login.ENTRA, Login.BASIC])
    def test_pulls_that_repository_and_no_other(
        self, bench: Bench, registry: RegistryServer, digest: str, login: Login
    ) -> None:
        """The scan step gets it in a file for this user alone."""
        push_image(registry.url, "team/other", "1", IMAGE, registry.access.user)
        spec = spec_of(bench, registry.host, digest, login)
        assert fetch(bench, registry, spec, SCANGATE_REGISTRIES=listed(registry, login)).state is FetchState.READY
        outcome = bench.worker.read_outcome()
        assert outcome.registry_token is not None
        assert outcome.registry_token_ends_at is not None
        assert bench.worker.outcome.stat().st_mode & 0o077 == 0
        assert status(registry, REPOSITORY, outcome.registry_token) == 200
        assert status(registry, "team/other", outcome.registry_token) == 401
        assert not bench.worker.notes.exists()

    @pytest.mark.parametrize("login", [Login.ENTRA, Login.BASIC])
    def test_is_all_that_the_scan_step_gets(
        self, bench: Bench, registry: RegistryServer, digest: str, login: Login
    ) -> None:
        """Neither the Entra token, nor the password, nor what opens Azure DevOps."""
        spec = spec_of(bench, registry.host, digest, login)
        fetch(bench, registry, spec, SCANGATE_REGISTRIES=listed(registry, login))
        on_disk = bench.on_disk()
        for secret in (registry.access.entra_token, registry.access.user[1], credential.basic(registry.access.user[1])):
            assert secret.encode() not in on_disk
        assert bench.fetch_variables()["SCANGATE_DEVOPS_PAT"].encode() not in on_disk

    def test_is_not_needed_where_everybody_may_pull(
        self, bench: Bench, registry: RegistryServer, digest: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Then the scan step gets none."""
        monkeypatch.setattr(RegistryClient, "pull_token", lambda *_, **__: None)
        outcome = fetch(bench, registry, spec_of(bench, registry.host, digest))
        assert (outcome.state, outcome.registry_token, outcome.registry_token_ends_at) == (FetchState.READY, None, None)

    def test_that_may_end_before_the_image_is_pulled_is_noted(self, bench: Bench, tmp_path: Path) -> None:
        """Whoever reads the attempt's log learns it."""
        with RegistryServer(tmp_path / "hasty", Access.of_one_app().model_copy(update={"access_seconds": 30})) as hasty:
            digest = push_image(hasty.url, REPOSITORY, "1", IMAGE, hasty.access.user)
            spec = spec_of(bench, hasty.host, digest, Login.BASIC)
            assert fetch(bench, hasty, spec, SCANGATE_REGISTRIES=listed(hasty, Login.BASIC)).state is FetchState.READY
        assert "last 60 seconds or more" in bench.worker.notes.read_text()

    def test_is_got_while_the_worker_beats(self, bench: Bench, registry: RegistryServer, digest: str) -> None:
        """As for a source."""
        message = bench.queue(bench.message(spec_of(bench, registry.host, digest)))
        bench.fetch("worker-3", SCANGATE_REGISTRIES=listed(registry))
        heartbeat = bench.heartbeat(message)
        assert heartbeat is not None
        assert (heartbeat.execution, heartbeat.step) == ("worker-3", "fetch")

    def test_is_got_for_what_an_index_says_of_an_image(self, bench: Bench, registry: RegistryServer) -> None:
        """The digest was chosen for the platform; the image itself may say less of it."""
        digest = push_image(registry.url, REPOSITORY, "arm", Image((Setting("CMD"),), ARM64), registry.access.user)
        assert fetch(bench, registry, spec_of(bench, registry.host, digest)).state is FetchState.READY


class TestWhatMayBeAsked:
    def asked_nothing(self, bench: Bench, registry: RegistryServer, spec: AttemptSpec, told: str) -> AttemptError:
        """How it ends where the registry must not be asked."""
        before = len(registry.journal.listing())
        error = failure(fetch(bench, registry, spec, SCANGATE_REGISTRIES=told))
        assert len(registry.journal.listing()) == before
        return error

    @pytest.mark.parametrize("more", [{"organisation": "fabrikam"}, {"url": "http://127.0.0.1:1"}])
    def test_nothing_that_this_step_was_not_told_of(
        self, bench: Bench, registry: RegistryServer, more: dict[str, str]
    ) -> None:
        """Another organisation's password opens nothing for this one."""
        spec = spec_of(bench, registry.host, SOME_DIGEST)
        error = self.asked_nothing(bench, registry, spec, listed(registry, Login.BASIC, **more))
        assert error.kind is AttemptErrorKind.ACCESS_REFUSED
        assert "SCANGATE_REGISTRIES" in error.sentence

    def test_nothing_by_default(self, bench: Bench, registry: RegistryServer) -> None:
        """A worker that knows sources only is not led anywhere."""
        spec = spec_of(bench, registry.host, SOME_DIGEST)
        assert self.asked_nothing(bench, registry, spec, "").kind is AttemptErrorKind.ACCESS_REFUSED

    def test_an_entry_for_everybody(self, bench: Bench, registry: RegistryServer, digest: str) -> None:
        """An entry that names no organisation is good for each."""
        told = json.dumps([{"url": registry.url, "private": True, "login": "entra"}])
        spec = spec_of(bench, registry.host, digest)
        assert fetch(bench, registry, spec, SCANGATE_REGISTRIES=told).state is FetchState.READY

    def test_nothing_that_the_organisation_took_off_its_list(self, bench: Bench, registry: RegistryServer) -> None:
        """The order says no login then."""
        spec = spec_of(bench, registry.host, SOME_DIGEST).model_copy(update={"registry": None})
        error = self.asked_nothing(bench, registry, spec, listed(registry))
        assert error.kind is AttemptErrorKind.ACCESS_REFUSED
        assert "not a registry that this organisation lists" in error.sentence

    def test_nothing_where_an_entry_makes_no_sense(self, bench: Bench, registry: RegistryServer) -> None:
        """And what stands in it is not repeated."""
        spec = spec_of(bench, registry.host, SOME_DIGEST)
        told = listed(registry, Login.BASIC, username="")
        error = self.asked_nothing(bench, registry, spec, told)
        assert error.kind is AttemptErrorKind.ACCESS_REFUSED
        assert registry.access.user[1] not in error.sentence

    @pytest.mark.parametrize("url", ["https://other.example", "no address"])
    def test_nothing_where_image_and_address_are_of_two_registries(
        self, bench: Bench, registry: RegistryServer, url: str
    ) -> None:
        """Whichever is meant."""
        spec = spec_of(bench, registry.host, SOME_DIGEST)
        assert spec.registry is not None
        spec = spec.model_copy(update={"registry": spec.registry.model_copy(update={"url": url})})
        assert self.asked_nothing(bench, registry, spec, listed(registry)).kind is AttemptErrorKind.ACCESS_REFUSED

    def test_nothing_for_an_image_in_a_git_repository(self, bench: Bench, registry: RegistryServer) -> None:
        """Target and address have to fit together."""
        spec = spec_of(bench, registry.host, SOME_DIGEST).model_copy(update={"clone_url": bench.server.origin + "r"})
        error = self.asked_nothing(bench, registry, spec, listed(registry))
        assert error.kind is AttemptErrorKind.FETCH_FAILED
        assert bench.server.authorisations == []

    @pytest.mark.parametrize("kept", ["clone_url", "registry"])
    def test_nothing_for_a_source_that_has_no_address_of_its_own(
        self, bench: Bench, registry: RegistryServer, kept: str
    ) -> None:
        """Nor for one with a registry."""
        image, source = spec_of(bench, registry.host, SOME_DIGEST), bench.spec("a" * 40)
        spec = source.model_copy(update={"clone_url": None} if kept == "registry" else {"registry": image.registry})
        assert self.asked_nothing(bench, registry, spec, listed(registry)).kind is AttemptErrorKind.FETCH_FAILED
        assert bench.server.authorisations == []


_MANIFEST = r"GET /v2/team/app/manifests/"


class TestRefusal:
    def test_image_gone(self, bench: Bench, registry: RegistryServer) -> None:
        """It is named, with what may have become of it; it is not tried again."""
        error = failure(fetch(bench, registry, spec_of(bench, registry.host, SOME_DIGEST)))
        assert error.kind is AttemptErrorKind.IMAGE_GONE
        assert not error.kind.retryable
        assert f"{registry.host}/{REPOSITORY}@sha256:dddddddddddd was not found in the registry" in error.sentence
        assert "retention rule" in error.sentence

    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ({"route": _MANIFEST, "kind": "status", "status": 403}, AttemptErrorKind.ACCESS_REFUSED),
            ({"route": "POST /oauth2/exchange", "kind": "status", "status": 401}, AttemptErrorKind.ACCESS_REFUSED),
            ({"route": _MANIFEST, "kind": "redirect", "location": "http://10.0.0.1/"}, AttemptErrorKind.ACCESS_REFUSED),
            ({"route": _MANIFEST, "kind": "status", "status": 500}, AttemptErrorKind.UNREACHABLE),
            ({"route": _MANIFEST, "kind": "status", "status": 429, "seconds": 3}, AttemptErrorKind.UNREACHABLE),
            ({"route": _MANIFEST, "kind": "reset"}, AttemptErrorKind.UNREACHABLE),
            ({"route": _MANIFEST, "kind": "wrong_content"}, AttemptErrorKind.FETCH_FAILED),
            ({"route": _MANIFEST, "kind": "oversize"}, AttemptErrorKind.UNSUPPORTED),
        ],
    )
    def test_each_answer_has_its_meaning(
        self, bench: Bench, registry: RegistryServer, digest: str, fault: dict[str, Any], kind: AttemptErrorKind
    ) -> None:
        """Whether it is worth another try depends on it."""
        registry.faults.add(fault)
        error = failure(fetch(bench, registry, spec_of(bench, registry.host, digest)))
        assert error.kind is kind
        assert registry.access.entra_token not in error.sentence

    def test_no_token_of_the_identity(
        self, bench: Bench, registry: RegistryServer, digest: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A managed identity that is not there is named as what is wrong."""

        def refuse(*_: object) -> str:
            raise credential.NoToken("none")

        monkeypatch.setattr(credential, "_token", refuse)
        error = failure(fetch(bench, registry, spec_of(bench, registry.host, digest)))
        assert error.kind is AttemptErrorKind.UNREACHABLE
        assert "managed identity" in error.sentence

    def test_every_refusal_has_a_kind_and_a_short_sentence(self, bench: Bench) -> None:
        """However long the names."""
        spec = spec_of(bench, f"{'a' * 60}.{'b' * 60}.{'c' * 60}.example", SOME_DIGEST)
        assert isinstance(spec.target, ImageTarget)
        target = spec.target.model_copy(update={"repository": "r" * 70})
        for kind in RefusalKind:
            assert pull_failures.failure_of(RegistryRefused(kind, "x" * 400), target).sentence
        assert pull_failures.timed_out(target, 300).kind is AttemptErrorKind.FETCH_TIMED_OUT

    def test_unforeseen_failure(
        self, bench: Bench, registry: RegistryServer, digest: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Even a bug is reported like any other end."""

        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("?")

        monkeypatch.setattr(RegistryClient, "resolve", broken)
        error = failure(fetch(bench, registry, spec_of(bench, registry.host, digest)))
        assert error.kind is AttemptErrorKind.FETCH_FAILED
        assert "The image could not be fetched" in error.sentence


class TestStopping:
    def test_ends_a_fetch_that_takes_too_long(self, bench: Bench, registry: RegistryServer, digest: str) -> None:
        """A registry that never answers costs no more than the limit."""
        registry.faults.add({"route": _MANIFEST, "kind": "hang", "seconds": 60})
        error = failure(fetch(bench, registry, spec_of(bench, registry.host, digest, fetch_seconds=1)))
        assert error.kind in {AttemptErrorKind.FETCH_TIMED_OUT, AttemptErrorKind.UNREACHABLE}
        assert error.kind.retryable

    def test_ends_a_fetch_whose_identity_hangs(
        self, bench: Bench, registry: RegistryServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What a library does is no reason to wait for ever."""
        held = threading.Event()
        monkeypatch.setattr(credential, "_token", lambda *_: held.wait(60))
        error = failure(fetch(bench, registry, spec_of(bench, registry.host, SOME_DIGEST, fetch_seconds=1)))
        held.set()
        assert error.kind is AttemptErrorKind.FETCH_TIMED_OUT
        assert f"{registry.host}/{REPOSITORY}@sha256:dddddddddddd within 1 seconds" in error.sentence

    def test_ends_a_fetch_that_is_cancelled_meanwhile(
        self, bench: Bench, registry: RegistryServer, digest: str
    ) -> None:
        """The cancel is seen at a heartbeat."""
        fault = registry.faults.add({"route": _MANIFEST, "kind": "hang", "seconds": 60})
        message = bench.queue(bench.message(spec_of(bench, registry.host, digest)))

        def entered() -> bool:
            return any(each["id"] == fault["id"] and each["hits"] for each in registry.faults.listing())

        stop = StopWhen(entered, lambda: bench.cancel(message))
        assert bench.fetch(stop=stop, SCANGATE_REGISTRIES=listed(registry)).error == CANCELLED


def test_sources_do_not_pay_for_registries() -> None:
    """Both steps load without the room that speaks to them; every attempt on a source starts so."""
    code = "import sys, scan_core.worker.fetch, scan_core.worker.scan; "
    code += "print([name for name in sys.modules if name.startswith('scan_core.registry')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_nobody_there(bench: Bench, registry: RegistryServer) -> None:
    """A connection that is refused is worth another try."""
    spec = spec_of(bench, NOWHERE, SOME_DIGEST, Login.ANONYMOUS)
    told = json.dumps([{"url": f"http://{NOWHERE}", "private": True}])
    error = failure(fetch(bench, registry, spec, SCANGATE_REGISTRIES=told))
    assert error.kind is AttemptErrorKind.UNREACHABLE
