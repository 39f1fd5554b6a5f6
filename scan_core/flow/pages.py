"""What a signed link opens: a gate's page, its verdict, a scan's reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from pydantic import TypeAdapter, ValidationError

from scan_core.flow.services import Services
from scan_core.model.attempt import Artifact, Manifest
from scan_core.model.gate import Gate
from scan_core.model.ids import GateId, GateName, ScanId, ScanName
from scan_core.model.place import BuildPlace, CheckPlace, CommitPlace, Place, PullRequestPlace
from scan_core.model.scan import Scan
from scan_core.model.subject import BuildRef
from scan_core.model.verdict import Verdict
from scan_core.report.gate_page import GatePage, ScanPage, error_page, gate_page, headers
from scan_core.report.links import link_holds, signed_path
from scan_core.store.attempts import TooLarge

_gate_name: TypeAdapter[GateId] = TypeAdapter(GateName)
_scan_name: TypeAdapter[ScanId] = TypeAdapter(ScanName)
_DOWNLOADS = {Artifact.SARIF, Artifact.SPDX, Artifact.CYCLONEDX}
_MOST_BYTES = 64 * 1024 * 1024
"""What one HTTP answer of the app may hold in memory."""
_LONGEST_LINK = timedelta(hours=8)
"""For how long the downloads of an opened page can be had."""


@dataclass(frozen=True)
class Page:
    """An HTTP answer."""

    status: int
    body: bytes
    media_type: str
    headers: dict[str, str] = field(default_factory=dict)


def gate(services: Services, gate_id: str, query: Mapping[str, str]) -> Page:
    """Show a gate.

    Args:
        services: The doors to the outside.
        gate_id: As it stands in the path.
        query: The link's expiry and signature.

    Returns:
        The page; one that tells what to do where the link does not hold.
    """
    path = f"/api/gates/{gate_id}"
    if not _holds(services, path, query):
        return _refused()
    found = _gate(services, gate_id)
    if found is None:
        return _gone()
    return _html(HTTPStatus.OK, gate_page(_view(services, found)))


def verdict(services: Services, gate_id: str, query: Mapping[str, str]) -> Page:
    """Give a gate's verdict to a machine.

    Args:
        services: The doors to the outside.
        gate_id: As it stands in the path.
        query: The link's expiry and signature.

    Returns:
        The verdict as JSON.
    """
    path = f"/api/gates/{gate_id}/verdict.json"
    if not _holds(services, path, query):
        return _refused()
    found = _gate(services, gate_id)
    whole = None if found is None else _verdict(services, found)
    if whole is None:
        return _gone()
    return _download(whole.model_dump_json(indent=2).encode(), "verdict.json")


def artifact(services: Services, scan_id: str, name: str, query: Mapping[str, str]) -> Page:
    """Give a scan's SARIF or SBOM.

    Args:
        services: The doors to the outside.
        scan_id: As it stands in the path.
        name: The artifact's name.
        query: The link's expiry and signature.

    Returns:
        The artifact of the scan's latest conclusive attempt.
    """
    path = f"/api/scans/{scan_id}/{name}"
    if not _holds(services, path, query):
        return _refused()
    scan = _scan(services, scan_id)
    if scan is None or scan.conclusion is None or name not in _DOWNLOADS:
        return _gone()
    try:
        with services.attempts.artifact(scan.scan_id, scan.conclusion.attempt, Artifact(name), _MOST_BYTES) as stream:
            return _gone() if stream is None else _download(stream.read(), f"{scan_id[:12]}-{name}")
    except TooLarge:
        return _too_large(scan, name)


def unavailable() -> Page:
    """Say that pages cannot be shown now.

    Returns:
        A page with status 503.
    """
    sentence = "Scangate cannot reach its storage, or is not configured. Try again in a minute; statuses are not lost."
    return _html(HTTPStatus.SERVICE_UNAVAILABLE, error_page(503, "Not available just now", sentence))


def gate_link(services: Services, gate_id: GateId) -> str:
    """Write the link to a gate's page, as statuses carry it.

    Args:
        services: The doors to the outside.
        gate_id: The gate.

    Returns:
        The link, which opens the page for as many days as the settings say.
    """
    settings = services.settings
    expires = services.now() + timedelta(days=settings.link_days)
    key = settings.signing_keys[0].get_secret_value().encode()
    return settings.public_url + signed_path(f"/api/gates/{gate_id}", key, expires)


def _view(services: Services, found: Gate) -> GatePage:
    now = services.now()
    whole = _verdict(services, found)
    return GatePage(
        gate=found,
        verdict=whole,
        scans=tuple(_scan_page(services, scan, now) for scan in _scans(services, found)),
        verdict_link=_link(services, f"/api/gates/{found.gate_id}/verdict.json", now) if whole else None,
        place_link=_place_link(services, found),
        attempts_allowed=services.settings.max_attempts,
        now=now,
    )


def _place_link(services: Services, found: Gate) -> str | None:
    organisation = services.settings.organisation(found.place.organisation)
    path = _path_of(found.place)
    return None if organisation is None or path is None else organisation.url + path


def _path_of(place: Place) -> str | None:
    match place:
        case PullRequestPlace():
            reference = place.pull_request
            return f"/{reference.project_id}/_git/{reference.repository_id}/pullrequest/{reference.pull_request_id}"
        case CommitPlace():
            return f"/{place.project_id}/_git/{place.repository_id}/commit/{place.commit}"
        case BuildPlace():
            return _build_path(place.build)
        case CheckPlace():
            return None if place.check.build is None else _build_path(place.check.build)


def _build_path(build: BuildRef) -> str:
    return f"/{build.project_id}/_build/results?buildId={build.build_id}"


def _scan_page(services: Services, scan: Scan, now: datetime) -> ScanPage:
    files = _files(services, scan)

    def link(wanted: Artifact) -> str | None:
        return _link(services, f"/api/scans/{scan.scan_id}/{wanted}", now) if wanted in files else None

    return ScanPage(scan=scan, sarif=link(Artifact.SARIF), spdx=link(Artifact.SPDX), cyclonedx=link(Artifact.CYCLONEDX))


def _files(services: Services, scan: Scan) -> set[Artifact]:
    if scan.conclusion is None:
        return set()
    try:
        body = services.attempts.manifest(scan.scan_id, scan.conclusion.attempt)
        return set() if body is None else {file.name for file in Manifest.model_validate_json(body).files}
    except (ValidationError, TooLarge):
        return set()


def _gate(services: Services, gate_id: str) -> Gate | None:
    try:
        row = services.gates.gate(_gate_name.validate_python(gate_id))
    except ValidationError:
        return None
    return None if row is None else row.value


def _scan(services: Services, scan_id: str) -> Scan | None:
    try:
        row = services.scans.read(_scan_name.validate_python(scan_id))
    except ValidationError:
        return None
    return None if row is None else row.value


def _scans(services: Services, found: Gate) -> list[Scan]:
    rows = (services.scans.read(scan) for scan in found.waits_for)
    return [row.value for row in rows if row is not None]


def _verdict(services: Services, found: Gate) -> Verdict | None:
    sha256 = found.decision.verdict_sha256 if found.decision else None
    return None if sha256 is None else services.verdicts.read(found.gate_id, sha256)


def _holds(services: Services, path: str, query: Mapping[str, str]) -> bool:
    keys = [key.get_secret_value().encode() for key in services.settings.signing_keys]
    return link_holds(path, query.get("expires"), query.get("signature"), keys, services.now())


def _link(services: Services, path: str, now: datetime) -> str:
    return signed_path(path, services.settings.signing_keys[0].get_secret_value().encode(), now + _LONGEST_LINK)


def _refused() -> Page:
    sentence = "It has expired, or is not whole. Open the status in Azure DevOps again: its link is fresh."
    return _html(HTTPStatus.FORBIDDEN, error_page(403, "This link does not open anything", sentence))


def _gone() -> Page:
    sentence = "What it showed is not there, or not any more. The newest status in its place links to what is."
    return _html(HTTPStatus.NOT_FOUND, error_page(404, "There is nothing here", sentence))


def _too_large(scan: Scan, name: str) -> Page:
    attempt = scan.conclusion.attempt if scan.conclusion else scan.current.number
    sentence = f"Your Scangate operators find it in the container scans, as {scan.scan_id}/{attempt}/{name}."
    return _html(HTTPStatus.OK, error_page(200, "This report is too large for a download from here", sentence))


def _html(status: int, text: str) -> Page:
    return Page(status, text.encode(), "text/html", headers())


def _download(body: bytes, name: str) -> Page:
    inert = {**headers(), "Content-Type": "application/json", "Content-Disposition": f'attachment; filename="{name}"'}
    return Page(HTTPStatus.OK, body, "application/json", inert)
