"""The whole way with workers that a Container Apps job runs, started through Azure Resource Manager's own SDK."""

from collections.abc import Iterator

import httpx2
import pytest

from local.stack.plan import plan_in
from tests.e2e.pipeline import VULNERABLE_IMAGE, WHY, Shipyard
from tests.e2e.polling import until
from tests.e2e.site import CLEAN, VULNERABLE, Site, opened_site


@pytest.fixture(scope="module")
def job_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run a stack whose workers are executions of a job."""
    folder = tmp_path_factory.mktemp("job")
    plan_in(folder / "stack", runner="container-apps")
    with opened_site(folder) as site:
        yield site


def manage(site: Site, method: str, path: str, body: dict[str, object] | None = None) -> httpx2.Response:
    """Use the stand-in's own routes."""
    headers = {"X-IDENTITY-HEADER": site.plan.identity_header}
    return httpx2.request(method, f"{site.plan.management}/_sim/{path}", json=body, headers=headers, trust_env=False)


def test_a_pull_request_is_gated_by_executions_of_a_job(job_site: Site) -> None:
    """Also where the first start gets no answer, and the next is an order whose outcome has to be asked for."""
    start = {"route": "POST .*/start$"}
    manage(job_site, "POST", "faults", {**start, "kind": "reset", "after": True})
    manage(job_site, "POST", "faults", {**start, "kind": "accepted", "seconds": 0.1, "count": -1})
    repository = job_site.new_repository()
    pull_request = repository.propose(VULNERABLE)
    assert pull_request.await_state("failed")["description"].startswith("Failed: 1 critical and 2 high findings")
    repository.copy.commit_and_push("change", "Update lodash", CLEAN)
    assert pull_request.await_state("succeeded")["description"] == "Passed: no findings"

    calls = manage(job_site, "GET", "calls").json()["value"]
    starts = [call["status"] for call in calls if call["path"].endswith("/start")]
    assert starts[:2] == [0, 202]
    until(lambda: not job_site.workers(), "every execution to end")
    claimed = {blob.name for blob in job_site.storage.blobs.get_container_client("scans").list_blobs()}
    assert len([name for name in claimed if name.endswith("/claim.json")]) == 2
    log = "".join(path.read_text() for path in (job_site.stack.data / "workers" / "ended").glob("*/worker.log"))
    assert log.count("claimed attempt 1") == 2


def test_an_image_is_pulled_by_identities_alone(job_site: Site) -> None:
    """The app and the fetch step exchange tokens of their own identities at the registry; nobody has a password."""
    shipyard = Shipyard.opened(job_site)
    assert shipyard.await_verdict(shipyard.built(VULNERABLE_IMAGE)).description == f"Failed: {WHY}"
