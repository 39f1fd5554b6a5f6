"""The whole way of a pull request, as a team goes it."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urljoin, urlsplit

import httpx2

from scan_core.report.links import signed_path
from tests.e2e.repository import PullRequest
from tests.e2e.site import CLEAN, VULNERABLE, Site


def test_a_vulnerable_pull_request_is_refused_until_its_fix_is_pushed(site: Site) -> None:
    """It fails with words that say why, its fix passes in a gate of its own, and then it completes."""
    repository = site.new_repository()
    site.team.require_status(repository.project, repository.id)
    pull_request = repository.propose(VULNERABLE)
    refused = pull_request.await_state("failed")
    assert refused["description"].startswith("Failed: 1 critical and 2 high findings")
    completed, words = site.team.complete(repository.project, repository.id, pull_request.number)
    assert not completed
    assert "scangate/source" in words
    old_page = pull_request.page()
    assert "lodash" in old_page
    assert "4.17.21" in old_page

    repository.copy.commit_and_push("change", "Update lodash", CLEAN)
    passed = pull_request.await_state("succeeded")
    assert passed["description"] == "Passed: no findings"
    assert urlsplit(passed["targetUrl"]).path != urlsplit(refused["targetUrl"]).path
    assert "superseded" in httpx2.get(refused["targetUrl"], trust_env=False).text.lower()
    completed, words = site.team.complete(repository.project, repository.id, pull_request.number)
    assert completed, words
    assert [pull_request.states(1)[-1], pull_request.states(2)[-1]] == ["failed", "succeeded"]


def test_a_gate_page_and_its_downloads_open_by_their_signed_links_alone(site: Site) -> None:
    """SARIF, SPDX, CycloneDX and the verdict are what they say; without its own fresh signature nothing opens."""
    pull_request = site.new_repository().propose(VULNERABLE)
    link = pull_request.await_state("failed")["targetUrl"]
    downloads = _downloads(site, pull_request)
    documents = {name: json.loads(_opened(url).content) for name, url in downloads.items()}
    assert documents["report.sarif.json"]["version"] == "2.1.0"
    assert documents["sbom.spdx.json"]["spdxVersion"].startswith("SPDX-2")
    assert documents["sbom.cdx.json"]["bomFormat"] == "CycloneDX"
    assert documents["verdict.json"]["outcome"] == "failed"

    for url in (link, *downloads.values()):
        for forged in _forgeries(url, others_query=urlsplit(downloads["verdict.json"]).query, site=site):
            answer = httpx2.get(forged, trust_env=False)
            assert answer.status_code == 403, forged
            assert "lodash" not in answer.text


def test_a_link_is_not_a_path_into_storage(site: Site) -> None:
    """Even a signed path opens neither an artifact that is not offered nor a gate that does not exist."""
    pull_request = site.new_repository().propose(CLEAN)
    pull_request.await_state("succeeded")
    scan = urlsplit(_downloads(site, pull_request)["sbom.spdx.json"]).path.rpartition("/")[0]
    for path in (
        f"{scan}/inventory.json",
        f"{scan}/qscanner.log",
        f"{scan}/manifest.json",
        "/api/scans/..%2Faudit/report.sarif.json",
        "/api/gates/0123456789abcdef01234567-1",
        "/api/gates/0123456789abcdef01234567-1/verdict.json",
        "/api/gates/nonsense",
    ):
        assert site.ask("GET", _signed(site, path, timedelta(hours=1))).status_code in {403, 404}, path


def _downloads(site: Site, pull_request: PullRequest) -> dict[str, str]:
    """Find the links of a gate's page to the app's own API, by the file's name."""
    links = [unescape(link) for link in re.findall(r'href="([^"]+)"', pull_request.page())]
    own = [urljoin(site.plan.app, link) for link in links if "/api/" in link and "signature=" in link]
    found = {urlsplit(link).path.rpartition("/")[2]: link for link in own}
    assert found.keys() == {"report.sarif.json", "sbom.spdx.json", "sbom.cdx.json", "verdict.json"}
    return found


def _forgeries(url: str, others_query: str, site: Site) -> list[str]:
    """Spoil a link in every way in which somebody might."""
    bare, _, query = url.partition("?")
    later = re.sub(r"expires=\d+", "expires=99999999999", query)
    unsigned = re.sub(r"&?signature=\w+", "", query)
    other_signature = f"{re.sub('signature=.*', '', query)}signature={'0' * 64}"
    expired = site.plan.app + _signed(site, urlsplit(url).path, -timedelta(seconds=1))
    wrong = [bare, f"{bare}?{later}", f"{bare}?{unsigned}", f"{bare}?{other_signature}", expired]
    return wrong + ([] if query == others_query else [f"{bare}?{others_query}"])


def _signed(site: Site, path: str, lasts: timedelta) -> str:
    return signed_path(path, site.plan.signing_key.encode(), datetime.now(UTC) + lasts)


def _opened(url: str) -> httpx2.Response:
    answer = httpx2.get(url, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return answer
