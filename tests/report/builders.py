"""Values of the model for the tests of reports, ordinary unless a test says otherwise."""

from datetime import UTC, datetime, timedelta
from typing import Any

from scan_core.model.attempt import AttemptError, AttemptErrorKind
from scan_core.model.finding import Finding, FoundSecret, Severity
from scan_core.model.gate import BuildImages, Decision, Gate, GateState
from scan_core.model.place import BuildPlace, CheckPlace, CommitPlace, Place, PullRequestPlace
from scan_core.model.rules import Rules, RulesRead
from scan_core.model.scan import AttemptRecord, Conclusion, Scan, ScanState
from scan_core.model.subject import BuildRef, Check, PullRequestRef, StatusName
from scan_core.model.target import ImageTarget, SourceTarget, scan_id
from scan_core.model.verdict import Outcome, Reason, ReasonCode, SeverityCounts, Verdict
from scan_core.report.gate_page import GatePage, ScanPage
from scan_core.rules.image_names import full_name

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f80912a3b4c5"
PROJECT = "0d7e1f8a-2b3c-4d5e-8f90-a1b2c3d4e5f6"
REPOSITORY = "5f6e7d8c-9b0a-4c1d-8e2f-3a4b5c6d7e8f"
PULL_REQUEST = PullRequestRef.model_validate(
    {"organisation": "contoso", "project_id": PROJECT, "repository_id": REPOSITORY, "pull_request_id": 12}
)
PLACE = PullRequestPlace.model_validate(
    {
        "pull_request": PULL_REQUEST,
        "iteration": 3,
        "source_commit": COMMIT,
        "commit": COMMIT,
        "target_ref": "refs/heads/main",
    }
)
TARGET = SourceTarget.model_validate(
    {"organisation": "contoso", "project_id": PROJECT, "repository_id": REPOSITORY, "commit": COMMIT}
)
IDS = {"organisation": "contoso", "project_id": PROJECT}
PUSH = CommitPlace.model_validate({**IDS, "repository_id": REPOSITORY, "commit": COMMIT, "ref": "refs/heads/main"})
IMAGES_OF_COMMIT = CommitPlace.model_validate(
    {**IDS, "repository_id": REPOSITORY, "commit": COMMIT, "name": StatusName.IMAGE}
)
IMAGES_OF_PULL_REQUEST = PLACE.model_copy(update={"name": StatusName.IMAGE})
BUILD = BuildPlace(build=BuildRef.model_validate({**IDS, "build_id": 17}), commit=PLACE.commit)
CHECK = CheckPlace(
    check=Check.model_validate(
        {**IDS, "hub": "checks", "plan_id": PROJECT, "job_id": PROJECT, "task_id": PROJECT, "build_id": 17}
    ),
    commit=PLACE.commit,
)
SCAN = scan_id(TARGET, Rules().profile)
RULES = RulesRead.model_validate(
    {"rules": Rules(), "branch": "refs/heads/main", "commit": "9" * 40, "file_sha256": "7" * 64}
)


def reason(text: str = "2 critical findings, at most 0 allowed", **changes: Any) -> Reason:
    """Build a reason that blocks."""
    return Reason.model_validate({"code": ReasonCode.COUNT, "text": text, "blocking": True} | changes)


def counts(**numbers: int) -> SeverityCounts:
    """Build counts."""
    return SeverityCounts(**numbers)


def decision(outcome: Outcome = Outcome.FAILED, *reasons: Reason, **changes: Any) -> Decision:
    """Build a decision."""
    fields = {"number": 1, "outcome": outcome, "reasons": reasons, "counts": counts(), "decided_at": NOW}
    return Decision.model_validate(fields | changes)


def gate(state: GateState = GateState.OPEN, **changes: Any) -> Gate:
    """Build a gate."""
    fields: dict[str, Any] = {
        "gate_id": PLACE.gate_id,
        "place": PLACE,
        "state": state,
        "accepted_at": NOW - timedelta(minutes=5),
        "opened_at": NOW - timedelta(minutes=5),
        "deadline": NOW + timedelta(minutes=55),
        "rules": RULES,
        "targets": (TARGET,),
        "waits_for": (SCAN,),
    }
    return Gate.model_validate(fields | changes)


def image(name: str = "team/app", platform: str = "amd64", digit: str = "a", **changes: str) -> ImageTarget:
    """Build an image."""
    fields = {"organisation": "contoso", "registry": "contoso.azurecr.io", "repository": name}
    made_for = {"os": "linux", "architecture": platform}
    return ImageTarget.model_validate(fields | {"digest": f"sha256:{digit * 64}", "platform": made_for} | changes)


def image_gate(place: Place, *images: ImageTarget, state: GateState = GateState.OPEN, **changes: Any) -> Gate:
    """Build a gate of images that build 17 made."""
    references = tuple(dict.fromkeys(f"{each.registry}/{each.repository}:17" for each in images))
    made = BuildImages.model_validate({"build_id": 17, "definition_id": 3, "references": references, "targets": images})
    fields: dict[str, Any] = {
        "gate_id": place.gate_id,
        "place": place,
        "targets": images,
        "waits_for": tuple(scan_id(each, Rules().image_profile) for each in images),
        "builds": (made,) if images else (),
    }
    return gate(state, **(fields | changes))


def decided(outcome: Outcome = Outcome.FAILED, *reasons: Reason, **changes: Any) -> Gate:
    """Build a decided gate."""
    return gate(GateState.DECIDED, decision=decision(outcome, *reasons, **changes))


def finding(**changes: Any) -> Finding:
    """Build a finding that has a fix."""
    fields = {
        "qid": "376157",
        "package": "log4j-core",
        "installed_version": "2.14.1",
        "path": "service/pom.xml",
        "severity": Severity.CRITICAL,
        "title": "Apache Log4j remote code execution (Log4Shell)",
        "cves": ("CVE-2021-44228", "CVE-2021-45046"),
        "fixed_version": "2.17.1",
    }
    return Finding.model_validate(fields | changes)


def attempt(number: int = 1, **changes: Any) -> AttemptRecord:
    """Build an attempt whose message is queued."""
    start = NOW - timedelta(minutes=4)
    fields = {"number": number, "opened_at": start, "due_at": start, "queued_at": start}
    return AttemptRecord.model_validate(fields | changes)


def lost_attempt(number: int = 1) -> AttemptRecord:
    """Build an attempt that ended without a result."""
    error = AttemptError(kind=AttemptErrorKind.LOST, sentence="The worker ended without a manifest.")
    return attempt(number, claimed_at=NOW - timedelta(minutes=3), ended_at=NOW - timedelta(minutes=1), error=error)


def scan(state: ScanState = ScanState.ACTIVE, *attempts: AttemptRecord, **changes: Any) -> Scan:
    """Build a scan with one attempt in the queue."""
    fields: dict[str, Any] = {
        "scan_id": SCAN,
        "target": TARGET,
        "profile": Rules().profile,
        "state": state,
        "round_start": 1,
        "attempts": attempts or (attempt(),),
    }
    return Scan.model_validate(fields | changes)


def concluded_scan() -> Scan:
    """Build a scan whose second attempt was conclusive."""
    finished = NOW - timedelta(seconds=10)
    second = attempt(2, claimed_at=NOW - timedelta(seconds=50), ended_at=finished)
    conclusion = {"attempt": 2, "manifest_sha256": "5" * 64, "scanner_version": "4.5.0", "finished_at": finished}
    return scan(ScanState.CONCLUDED, lost_attempt(), second, conclusion=Conclusion.model_validate(conclusion))


def verdict(outcome: Outcome = Outcome.FAILED, *reasons: Reason, **changes: Any) -> Verdict:
    """Build a verdict under the ordinary rules."""
    fields = {"outcome": outcome, "reasons": reasons, "counts": counts(), "rules": RULES, "decided_at": NOW}
    return Verdict.model_validate(fields | changes)


def page(of: Gate, *scans: Scan, **changes: Any) -> GatePage:
    """Build what a page shows, with every link."""
    shown = [
        ScanPage(
            scan=one,
            sarif=f"/api/scans/{one.scan_id}/report.sarif.json",
            spdx=f"/api/scans/{one.scan_id}/sbom.spdx.json",
            cyclonedx=f"/api/scans/{one.scan_id}/sbom.cdx.json",
        )
        for one in scans
    ]
    links = {
        "verdict_link": f"/api/gates/{of.gate_id}/verdict.json",
        "place_link": f"https://dev.azure.com/contoso/{PROJECT}/_git/{REPOSITORY}/pullrequest/12",
    }
    return GatePage.model_validate({"gate": of, "scans": shown, "now": NOW, **links} | changes)


def failed_page(**changes: Any) -> GatePage:
    """Build the page of a gate that failed for packages and a secret."""
    reasons = (
        reason("2 critical findings, at most 0 allowed"),
        reason("1 secret, at most 0 allowed", code=ReasonCode.SECRETS),
        reason("3 medium findings, no limit", code=ReasonCode.WITHIN_LIMITS, blocking=False),
    )
    found = (
        finding(),
        finding(qid="989871", package="lodash", installed_version="4.17.15", fixed_version="4.17.21",
                path="web/package-lock.json", severity=Severity.HIGH, title="Lodash command injection by template",
                cves=("CVE-2021-23337",)),
        finding(qid="983000", package="event-stream", installed_version="3.3.6", fixed_version=None,
                path="web/package-lock.json", title="event-stream carries a malicious dependency", cves=()),
        finding(qid="982400", package="requests", installed_version="2.19.0", fixed_version="2.20.0",
                path="tools/requirements.txt", severity=Severity.MEDIUM,
                title="Requests sends Authorization on redirect to plain HTTP", cves=("CVE-2018-18074",)),
        finding(qid="982401", package="urllib3", installed_version="1.24.1", fixed_version="1.24.2",
                path="tools/requirements.txt", severity=Severity.MEDIUM,
                title="urllib3 accepts CA certificates it should not", cves=("CVE-2019-11324",)),
        finding(qid="982402", package="golang.org/x/text", installed_version="0.3.2", fixed_version="0.3.3",
                path="agent/go.mod", severity=Severity.LOW,
                title="golang.org/x/text loops without end on some UTF-16 input", cves=("CVE-2020-14040",)),
    )  # fmt: skip
    secrets = (FoundSecret(kind="AWS access key", path="deploy/settings.ini", line=14),)
    numbers = counts(critical=2, high=1, medium=2, low=1, secrets=1)
    whole = verdict(Outcome.FAILED, *reasons, findings=found, secrets=secrets, counts=numbers, scans=(SCAN,))
    return page(decided(Outcome.FAILED, *reasons, counts=numbers), concluded_scan(), verdict=whole, **changes)


def failed_image_page(place: Place = IMAGES_OF_PULL_REQUEST) -> GatePage:
    """Build the page of a gate that failed for a base image's package, in one of three images."""
    images = (image("team/web", digit="b"), image(), image(platform="arm64", digit="c"))
    web, amd, arm = map(full_name, images)
    reasons = (
        reason("2 critical findings in team/app (linux/amd64), at most 0 allowed; over the limit: 2 of 3 images"),
        reason(
            "1 secret in team/app (linux/arm64), at most 0 allowed; over the limit: 1 of 3 images",
            code=ReasonCode.SECRETS,
        ),
    )
    found = (
        finding(qid="38794", package="openssl", installed_version="3.0.2-0ubuntu1", fixed_version="3.0.2-0ubuntu1.15",
                path="var/lib/dpkg/status", title="OpenSSL X.509 e-mail address overflow", cves=("CVE-2022-3602",),
                targets=(amd, arm), layer_command="ADD ubuntu-jammy-rootfs.tar.gz / # base"),
        finding(path="app/service.jar", layer="d" * 64, targets=(amd,),
                layer_command="RUN apt-get update && apt-get install -y --no-install-recommends openjdk-17-jre "
                "curl ca-certificates && rm -rf /var/lib/apt/lists/*"),
        finding(qid="38795", package="zlib1g", installed_version="1.2.11", fixed_version=None,
                path="var/lib/dpkg/status", severity=Severity.LOW, title="zlib memory corruption", cves=(),
                targets=(web, amd, arm), layer="e" * 64),
    )  # fmt: skip
    secrets = (FoundSecret(kind="AWS access key", path="app/.env", line=2, targets=(arm,)),)
    numbers = counts(critical=2, low=1, secrets=1)
    scans = [
        concluded_scan().model_copy(update={"target": each, "scan_id": scan_id(each, Rules().image_profile)})
        for each in images
    ]
    judged = tuple((each.scan_id, each.current.number) for each in scans)
    whole = verdict(Outcome.FAILED, *reasons, findings=found, secrets=secrets, counts=numbers)
    given = decision(Outcome.FAILED, *reasons, counts=numbers, judged=judged)
    missing = ("contoso.azurecr.io/team/tool:17 is not in its registry.",)
    of = image_gate(place, *images, state=GateState.DECIDED, decision=given, missing=missing)
    return page(of, *scans, verdict=whole)
