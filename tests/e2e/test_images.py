"""Pushes and builds over the whole stack: commits, builds and pull requests say what is wrong with what they made."""

import json
import re
from html import unescape
from urllib.parse import urljoin

import httpx2
import pytest

from tests.e2e.pipeline import CLEAN_IMAGE, REBUILT_IMAGE, VULNERABLE_IMAGE, WHY, Shipyard
from tests.e2e.site import CLEAN, VULNERABLE, Site


@pytest.fixture
def shipyard(site: Site) -> Shipyard:
    """A repository whose pushes and builds are gated."""
    return Shipyard.opened(site)


def test_a_push_to_main_is_judged_on_its_commit(shipyard: Shipyard) -> None:
    """And only there: a branch that nobody listed is left alone."""
    other = shipyard.repository.push(VULNERABLE, "other")
    commit = shipyard.repository.push(VULNERABLE, "main")
    status = shipyard.await_on_commit(commit, "source", "failed")
    assert status["description"].startswith("Failed: 1 critical and 2 high findings")
    assert httpx2.get(status["targetUrl"], trust_env=False).status_code == 200
    assert shipyard.site.scanner.runs()[other] == 0


def test_a_build_says_what_is_wrong_with_the_image_it_made(shipyard: Shipyard) -> None:
    """By tag, property and commit status; the page and its reports name the CVE and the layer that brought it."""
    build = shipyard.built(VULNERABLE_IMAGE)
    shown = shipyard.await_verdict(build)
    assert (shown.state, shown.description) == ("failed", f"Failed: {WHY}")
    assert "scangate-failed" in shown.tags
    commit = shipyard.site.team.call("GET", build.path)["sourceVersion"]
    assert shipyard.await_on_commit(commit, "image", "failed")["description"] == f"Failed: {WHY}"

    page = httpx2.get(shown.page, trust_env=False)
    assert page.status_code == 200
    assert "CVE-2023-4911" in page.text
    assert "ADD file:debian-12.1.tar.xz" in page.text
    links = [urljoin(shown.page, unescape(link)) for link in re.findall(r'href="([^"]+)"', page.text)]
    (sarif,) = (httpx2.get(link, trust_env=False) for link in links if "report.sarif.json" in link)
    report = json.loads(sarif.content)
    assert report["version"] == "2.1.0"
    assert "CVE-2023-4911" in sarif.text


def test_a_pull_request_shows_what_its_builds_made_together(shipyard: Shipyard) -> None:
    """The worst of two pipelines counts, until that one is built anew; the source has a status of its own."""
    pull_request = shipyard.repository.propose(CLEAN)
    first = shipyard.built_for(pull_request, CLEAN_IMAGE, 1)
    shipyard.await_on_iteration(pull_request, "succeeded")
    second = shipyard.built_for(pull_request, VULNERABLE_IMAGE, 2)
    status = shipyard.await_on_iteration(pull_request, "failed")
    assert status["description"].startswith("Failed: 3 critical and 12 high findings")
    assert "1 of 2 images" in status["description"]
    assert "scangate-passed" in shipyard.await_verdict(first).tags
    assert "scangate-failed" in shipyard.await_verdict(second).tags
    assert pull_request.await_state("succeeded")["description"] == "Passed: no findings"
    shipyard.built_for(pull_request, REBUILT_IMAGE, 2)
    assert shipyard.await_on_iteration(pull_request, "succeeded")["description"] == "Passed: no findings in 2 images"
