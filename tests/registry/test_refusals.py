"""Registries that refuse, are slow or break off: what each is called, and what may be tried again."""

import pytest

from scan_core.model.image import image_reference
from scan_core.registry.refusals import RefusalKind
from tests.devops.strict_server import Answer, Line, chunked_reply, reply
from tests.registry.conftest import Connect
from tests.registry.images import OCI_IMAGE
from tests.registry.internet import CONTOSO, STRANGER, Internet, StrictRegistry
from tests.registry.resolving import refusal


def hang(line: Line) -> None:
    line.hang()


def drip_head(line: Line) -> None:
    line.send(b"HTTP/1.1 200 OK\r\n")
    line.drip(b"X-Slow: yes\r\n", 0.02)


def drip_body(line: Line) -> None:
    line.send(reply(200, b"", {"Content-Length": "900", "Content-Type": OCI_IMAGE}))
    line.drip(b" ", 0.02)


def continue_for_ever(line: Line) -> None:
    line.drip(b"HTTP/1.1 100 Continue\r\n\r\n", 0.01)


def reset(line: Line) -> None:
    line.reset()


def half(line: Line) -> None:
    line.send(reply(200, b"{", {"Content-Length": "900", "Content-Type": OCI_IMAGE}))


def half_chunk(line: Line) -> None:
    line.send(chunked_reply([b"{"], OCI_IMAGE)[:-6])


def no_http(line: Line) -> None:
    line.send(b"SSH-2.0-OpenSSH\r\n")


class TestRefusals:
    @pytest.mark.parametrize(
        ("status", "headers", "kind", "retry_after"),
        [
            (401, {}, RefusalKind.REFUSED, None),
            (403, {}, RefusalKind.REFUSED, None),
            (404, {}, RefusalKind.NOT_FOUND, None),
            (429, {"Retry-After": "17"}, RefusalKind.THROTTLED, 17.0),
            (429, {}, RefusalKind.THROTTLED, None),
            (503, {"Retry-After": "86400"}, RefusalKind.THROTTLED, 3600.0),
            (503, {"Retry-After": "soon"}, RefusalKind.UNREACHABLE, None),
            (500, {}, RefusalKind.UNREACHABLE, None),
            (307, {"Location": f"https://{STRANGER}/v2/app/manifests/1"}, RefusalKind.REDIRECTED, None),
            (400, {}, RefusalKind.MALFORMED, None),
            (206, {}, RefusalKind.MALFORMED, None),
            (200, {"Content-Encoding": "gzip"}, RefusalKind.MALFORMED, None),
        ],
    )
    def test_an_answer_that_is_no_success(
        self,
        status: int,
        headers: dict[str, str],
        kind: RefusalKind,
        retry_after: float | None,
        registry: StrictRegistry,
        internet: Internet,
        connect: Connect,
    ) -> None:
        """Each has its kind; passing ones may be tried again; nothing is followed."""
        registry.instead["/v2/app/manifests/1"] = reply(status, b"<script>", headers)
        caught = refusal(connect())
        assert (caught.kind, caught.retry_after) == (kind, retry_after)
        passing = {RefusalKind.THROTTLED, RefusalKind.UNREACHABLE, RefusalKind.MALFORMED}
        assert caught.retryable is (kind in passing)
        assert internet.received(STRANGER) == []

    def test_an_image_that_is_not_there(self, connect: Connect) -> None:
        """As the registry itself says it."""
        caught = refusal(connect())
        assert caught.kind is RefusalKind.NOT_FOUND
        assert f"Reading the manifest of {CONTOSO}/app:1" in caught.sentence

    def test_a_registry_that_is_not_listed(self, internet: Internet, connect: Connect) -> None:
        """Is not asked at all, nor its name resolved."""
        caught = refusal(connect(), image_reference(f"{STRANGER}/app:1"))
        assert caught.kind is RefusalKind.NOT_LISTED
        assert caught.sentence.endswith("then run the pipeline again."), "a build's image is asked for once"
        assert internet.dialled == []

    @pytest.mark.parametrize("host", [f"{CONTOSO}:444", f"{CONTOSO}:80", f"x.{CONTOSO}", f"{CONTOSO}.example.org"])
    def test_a_registry_that_is_nearly_listed(self, host: str, internet: Internet, connect: Connect) -> None:
        """Is another one."""
        assert refusal(connect(), image_reference(f"{host}/app:1")).kind is RefusalKind.NOT_LISTED
        assert internet.dialled == []


class TestFaults:
    @pytest.mark.parametrize("fault", [hang, drip_head, drip_body, continue_for_ever])
    def test_a_registry_that_takes_its_time(self, fault: Answer, registry: StrictRegistry, connect: Connect) -> None:
        """Does not hold a thread beyond the deadline."""
        registry.instead["/v2/app/manifests/1"] = fault
        caught = refusal(connect(), seconds=0.4)
        assert caught.kind is RefusalKind.UNREACHABLE
        assert "no answer in time" in caught.sentence

    @pytest.mark.parametrize("fault", [reset, half, half_chunk, no_http])
    def test_a_connection_that_breaks(self, fault: Answer, registry: StrictRegistry, connect: Connect) -> None:
        """Half an answer is none."""
        registry.instead["/v2/app/manifests/1"] = fault
        assert refusal(connect()).kind is RefusalKind.UNREACHABLE

    def test_a_time_that_is_over_before_it_begins(self, connect: Connect) -> None:
        """Is the same refusal."""
        assert refusal(connect(), seconds=0).kind is RefusalKind.UNREACHABLE
