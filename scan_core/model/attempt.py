"""Attempt: one execution of a scan, and every document its worker reads or leaves."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from scan_core.model.ids import AttemptNumber, Positive, ScanName, Sha256
from scan_core.model.image import Login
from scan_core.model.target import Profile, Target
from scan_core.model.value import Moment, Value


class Artifact(StrEnum):
    """The files an attempt may leave, by the names they have in storage; the manifest comes last."""

    SARIF = "report.sarif.json"
    SPDX = "sbom.spdx.json"
    CYCLONEDX = "sbom.cdx.json"
    INVENTORY = "inventory.json"
    LOG = "qscanner.log"
    MANIFEST = "manifest.json"


class Limits(Value):
    """What an attempt may spend."""

    fetch_seconds: int = Field(gt=0)
    scan_seconds: int = Field(gt=0)
    repository_bytes: int = Field(gt=0)
    repository_files: int = Field(gt=0)
    artifact_bytes: int = Field(gt=0)
    log_bytes: int = Field(gt=0)
    heartbeat_seconds: float = Field(gt=0)


class RegistryLogin(Value):
    """A registry that the organisation lists, and how it is signed in to. Holds no secret."""

    url: str
    """Its address, ``https://`` and host."""
    login: Login
    private: bool = False
    """Whether it may be at a private address."""
    token_realms: tuple[str, ...] = ()
    """Other addresses that may give tokens for it."""


class AttemptSpec(Value):
    """What one attempt has to do (``spec.json``). Holds no secret."""

    scan_id: ScanName
    attempt: Annotated[AttemptNumber, Positive]
    target: Target
    clone_url: str | None = None
    """Where a source's repository is, built from the configured organisation; without credentials."""
    registry: RegistryLogin | None = None
    """How an image's registry is reached; set for an image only."""
    profile: Profile
    pod: str
    limits: Limits
    opened_at: Moment


class AttemptLinks(Value):
    """Links to storage that end with the attempt, each able to do one thing."""

    claim: str
    """Create ``claim.json`` (Put Blob, once)."""
    cancel: str
    """Read ``cancel.json``."""
    heartbeat: str
    """Write ``heartbeat.json``, again and again."""
    artifacts: dict[Artifact, str]
    """Create each artifact (Put Blob, once)."""
    results: str
    """Add a message to the queue ``scan-results``."""


class AttemptMessage(Value):
    """A message of the queue ``scan-attempts``: the only place where an attempt's links and secret stand."""

    spec: AttemptSpec
    links: AttemptLinks
    secret: str
    """The attempt's key for signing its manifest, hex; derived by the app from its own key, stored nowhere."""
    expires_at: Moment


class Claim(Value):
    """Who took an attempt (``claim.json``)."""

    execution: str
    claimed_at: Moment


class Cancel(Value):
    """That an attempt shall stop, and why (``cancel.json``)."""

    reason: str
    cancelled_at: Moment


class Heartbeat(Value):
    """That a worker is alive (``heartbeat.json``)."""

    execution: str
    step: str
    beat_at: Moment


class AttemptErrorKind(StrEnum):
    """What kept an attempt from a conclusive end."""

    REPOSITORY_TOO_LARGE = "repository_too_large"
    COMMIT_GONE = "commit_gone"
    REPOSITORY_EMPTY = "repository_empty"
    REPOSITORY_NOT_FOUND = "repository_not_found"
    IMAGE_GONE = "image_gone"
    ACCESS_REFUSED = "access_refused"
    UNREACHABLE = "unreachable"
    FETCH_TIMED_OUT = "fetch_timed_out"
    FETCH_FAILED = "fetch_failed"
    CANCELLED = "cancelled"
    SCANNER_MISSING = "scanner_missing"
    SCANNER_TIMED_OUT = "scanner_timed_out"
    SCANNER_KILLED = "scanner_killed"
    SCANNER_FAILED = "scanner_failed"
    INCOMPLETE = "incomplete"
    UNSUPPORTED = "unsupported"
    REPORT_MISSING = "report_missing"
    REPORT_UNREADABLE = "report_unreadable"
    REPORT_FOREIGN = "report_foreign"
    ARTIFACT_TOO_LARGE = "artifact_too_large"
    LOST = "lost"
    RAN_TOO_LONG = "ran_too_long"
    NOT_STARTED = "not_started"
    TAMPERED = "tampered"

    @property
    def retryable(self) -> bool:
        """Whether another attempt could end better."""
        return self in _RETRYABLE


_RETRYABLE = {
    AttemptErrorKind.UNREACHABLE,
    AttemptErrorKind.ACCESS_REFUSED,
    AttemptErrorKind.FETCH_TIMED_OUT,
    AttemptErrorKind.FETCH_FAILED,
    AttemptErrorKind.INCOMPLETE,
    AttemptErrorKind.REPORT_MISSING,
    AttemptErrorKind.REPORT_UNREADABLE,
    AttemptErrorKind.REPORT_FOREIGN,
    AttemptErrorKind.LOST,
    AttemptErrorKind.RAN_TOO_LONG,
    AttemptErrorKind.NOT_STARTED,
    AttemptErrorKind.TAMPERED,
}


class AttemptError(Value):
    """Why an attempt has no conclusive result: what happened and what to do, in one sentence."""

    kind: AttemptErrorKind
    sentence: str = Field(max_length=500)


class ManifestFile(Value):
    """One artifact of an attempt."""

    name: Artifact
    size: int = Field(ge=0)
    """Bytes."""
    sha256: Sha256


class Manifest(Value):
    """How an attempt ended (``manifest.json``), written after everything else. Signed with the attempt's key."""

    version: int = 1
    scan_id: ScanName
    attempt: AttemptNumber
    execution: str
    exit_code: int | None = None
    """QScanner's own; None where it did not run or was ended by a signal."""
    error: AttemptError | None = None
    """None = QScanner ended with a conclusive exit code and its SARIF is among the files."""
    scanner_version: str | None = None
    started_at: Moment
    fetched_at: Moment | None = None
    finished_at: Moment
    files: tuple[ManifestFile, ...] = ()
    signature: str = ""
    """HMAC-SHA256 over this document without its signature, hex; see `signed` and `signature_holds`."""


class ResultMessage(Value):
    """A message of the queue ``scan-results``: which attempt ended. A hint; the manifest is the proof."""

    scan_id: ScanName
    attempt: Annotated[AttemptNumber, Positive]


class FetchState(StrEnum):
    """How the fetch step ended; it always ends with exit code 0."""

    READY = "ready"
    FAILED = "failed"
    NOTHING = "nothing"
    """No attempt was there to claim."""


class FetchOutcome(Value):
    """What the fetch step leaves for the scan step (``fetch.json``)."""

    state: FetchState
    execution: str
    started_at: Moment
    finished_at: Moment
    message: AttemptMessage | None = None
    """The claimed attempt; None only where there was none."""
    error: AttemptError | None = None
    """Only where the fetch failed."""
    registry_token: str | None = Field(default=None, repr=False)
    """For an image, what may pull its repository; None where its registry lets everybody in. Stands here until the scan
    step takes it."""
    registry_token_ends_at: Moment | None = None
