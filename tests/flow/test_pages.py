"""What signed links open."""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from scan_core.flow import pages
from scan_core.model.gate import Gate
from scan_core.report.links import signed_path
from tests.flow.conftest import SIGNING_KEY
from tests.flow.scripted_worker import CLEAN, VULNERABLE, Ending
from tests.flow.world import World
from tests.local.devops.driver import Pull


def opened(world: World, link: str) -> pages.Page:
    """Open a link as the app does."""
    parts = urlsplit(link)
    query = dict(parse_qsl(parts.query))
    words = parts.path.strip("/").split("/")
    match words[1:]:
        case ["gates", gate_id]:
            return pages.gate(world.services, gate_id, query)
        case ["gates", gate_id, "verdict.json"]:
            return pages.verdict(world.services, gate_id, query)
        case ["scans", scan_id, name]:
            return pages.artifact(world.services, scan_id, name, query)
    raise AssertionError(f"no such link: {link}")


def link_of(world: World, pull: Pull) -> str:
    """Read the link of a pull request's newest status."""
    return str(max(world.sim.get(f"{pull.path}/statuses")["value"], key=lambda each: int(each["id"]))["targetUrl"])


def links_in(page: pages.Page) -> list[str]:
    """Find the links of a page to what can be downloaded."""
    found = re.findall(r'href="(/api/[^"]+)"', page.body.decode())
    return [link.replace("&amp;", "&") for link in found]


def signed(path: str, world: World) -> Mapping[str, str]:
    """Sign a path."""
    link = signed_path(path, SIGNING_KEY.encode(), world.clock() + timedelta(hours=1))
    return dict(parse_qsl(urlsplit(link).query))


class TestGatePages:
    def test_tell_of_a_gate_that_is_being_scanned(self, world: World) -> None:
        """From the first status on."""
        pull = world.proposed()
        world.gated(pull)
        page = opened(world, link_of(world, pull))
        assert (page.status, "is being scanned" in page.body.decode()) == (200, True)
        assert links_in(page) == []

    def test_tell_of_a_verdict_and_give_its_files(self, world: World) -> None:
        """Findings on the page; verdict and report as they are."""
        pull = world.proposed()
        world.gated(pull)
        world.scanned(Ending(VULNERABLE))
        page = opened(world, link_of(world, pull))
        assert "lodash" in page.body.decode()
        verdict, report = (opened(world, link) for link in sorted(links_in(page)))
        assert json.loads(verdict.body)["outcome"] == "failed"
        assert json.loads(report.body) == VULNERABLE
        assert "attachment" in report.headers["Content-Disposition"]
        assert report.media_type == "application/json"

    def test_exist_for_a_gate_without_a_scan(self, world: World) -> None:
        """Rules that cannot be read leave nothing but reasons."""
        pull = world.proposed(rules="nonsense: 1\n")
        world.gated(pull)
        page = opened(world, link_of(world, pull))
        assert (page.status, "nonsense" in page.body.decode()) == (200, True)

    def test_stand_when_storage_has_forgotten_the_rest(self, world: World) -> None:
        """Retention takes blobs away before rows."""
        pull = world.proposed()
        world.gated(pull)
        message = world.scanned()
        for container, prefix in (("scans", message.spec.scan_id), ("gates", world.gate(pull).gate_id)):
            client = world.storage.blobs.get_container_client(container)
            for blob in client.list_blob_names(name_starts_with=prefix):
                client.delete_blob(blob)
        page = opened(world, link_of(world, pull))
        assert page.status == 200
        assert links_in(page) == []

    def test_stand_when_a_manifest_cannot_be_read(self, world: World) -> None:
        """Then nothing is offered for download."""
        pull = world.proposed()
        world.gated(pull)
        message = world.scanned()
        path = f"{message.spec.scan_id}/1/manifest.json"
        world.storage.blobs.get_blob_client("scans", path).upload_blob(b"{", overwrite=True)
        page = opened(world, link_of(world, pull))
        assert [link for link in links_in(page) if "/scans/" in link] == []


class TestLinks:
    @pytest.fixture
    def gate(self, world: World) -> Gate:
        """A gate that passed."""
        pull = world.proposed()
        world.gated(pull)
        world.scanned(Ending(CLEAN))
        return world.gate(pull)

    def test_without_a_signature_open_nothing(self, world: World, gate: Gate) -> None:
        """Ids are no secrets."""
        assert pages.gate(world.services, gate.gate_id, {}).status == 403
        assert pages.verdict(world.services, gate.gate_id, {}).status == 403
        assert pages.artifact(world.services, gate.waits_for[0], "report.sarif.json", {}).status == 403

    def test_expire(self, world: World, gate: Gate) -> None:
        """And say what to do then."""
        query = signed(f"/api/gates/{gate.gate_id}", world)
        world.clock.advance(3601)
        page = pages.gate(world.services, gate.gate_id, query)
        assert (page.status, "Open the status in Azure DevOps again" in page.body.decode()) == (403, True)

    def test_hold_under_both_live_keys(self, world: World, gate: Gate) -> None:
        """While keys are being replaced."""
        query = signed(f"/api/gates/{gate.gate_id}", world)
        keys = (SecretStr("n" * 40), SecretStr(SIGNING_KEY))
        assert pages.gate(world.with_settings(signing_keys=keys).services, gate.gate_id, query).status == 200
        assert pages.gate(world.with_settings(signing_keys=keys[:1]).services, gate.gate_id, query).status == 403

    @pytest.mark.parametrize("name", ["manifest.json", "qscanner.log", "spec.json", "nothing"])
    def test_give_reports_and_nothing_else_of_an_attempt(self, name: str, world: World, gate: Gate) -> None:
        """Logs and manifests are for operators."""
        path = f"/api/scans/{gate.waits_for[0]}/{name}"
        assert pages.artifact(world.services, gate.waits_for[0], name, signed(path, world)).status == 404

    def test_to_what_is_not_there_say_so(self, world: World, gate: Gate) -> None:
        """Also where the id could not be one."""
        for gate_id in ("0" * 24 + "-1", "nonsense"):
            path = f"/api/gates/{gate_id}"
            assert pages.gate(world.services, gate_id, signed(path, world)).status == 404
            path = f"{path}/verdict.json"
            assert pages.verdict(world.services, gate_id, signed(path, world)).status == 404
        for scan_id in ("0" * 40, "nonsense"):
            path = f"/api/scans/{scan_id}/report.sarif.json"
            assert pages.artifact(world.services, scan_id, "report.sarif.json", signed(path, world)).status == 404
        path = f"/api/scans/{gate.waits_for[0]}/sbom.spdx.json"
        assert pages.artifact(world.services, gate.waits_for[0], "sbom.spdx.json", signed(path, world)).status == 404

    def test_to_what_is_too_large_say_where_it_is(
        self, world: World, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One answer of the app has to fit into its memory."""
        monkeypatch.setattr(pages, "_MOST_BYTES", 10)
        path = f"/api/scans/{gate.waits_for[0]}/report.sarif.json"
        page = pages.artifact(world.services, gate.waits_for[0], "report.sarif.json", signed(path, world))
        assert "too large" in page.body.decode()
        assert f"{gate.waits_for[0]}/1/report.sarif.json" in page.body.decode()


def test_a_page_says_when_nothing_can_be_shown() -> None:
    """With the status that tells a browser to come back."""
    assert pages.unavailable().status == 503
