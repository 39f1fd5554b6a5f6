"""Rules: what blocks a gate, and where that was read."""

from enum import StrEnum

from pydantic import Field

from scan_core.model.finding import Severity
from scan_core.model.ids import BranchRef, CommitSha, Sha256
from scan_core.model.image import DEFAULT_PLATFORM, Platform
from scan_core.model.target import Mode, Profile, ScanType
from scan_core.model.value import Value


class OnAudit(StrEnum):
    """What a gate does when no policy matched and so nothing was evaluated (QScanner exit code 43)."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"


class OnError(StrEnum):
    """What a gate does when there is no conclusive result: fail closed, or let through visibly."""

    BLOCK = "block"
    ALLOW = "allow"


class Drafts(StrEnum):
    """Whether a draft pull request is scanned at once or waits for its publication."""

    SCAN = "scan"
    WAIT = "wait"


class OnNothing(StrEnum):
    """What a gate does that finds nothing to judge, such as the check of a build that made no image."""

    BLOCK = "block"
    ALLOW = "allow"


class ImageRule(Value):
    """An image that the builds of a pipeline make."""

    pipeline: str | None = None
    """The pipeline's name or the number of its definition; None = every pipeline of the repository."""
    image: str = Field(min_length=1, max_length=500)
    """A reference in which documented build variables may stand, such as ``…/app:$(Build.BuildId)``."""
    platforms: tuple[Platform, ...] = Field(default=(), max_length=8)
    """Which of its platforms are judged; none = those of the rules."""


class Thresholds(Value):
    """How much is too much, in one of the two vocabularies; a file that mixes them is refused.

    ``fail_on_severity`` blocks on any finding at or above it; ``max_*`` block above a count. None = no limit.
    """

    fail_on_severity: Severity | None = None
    max_critical: int | None = Field(default=None, ge=0)
    max_high: int | None = Field(default=None, ge=0)
    max_medium: int | None = Field(default=None, ge=0)
    max_low: int | None = Field(default=None, ge=0)


class Rules(Value):
    """Everything that decides what is scanned and what blocks."""

    enabled: bool = True
    scan_types: tuple[ScanType, ...] = Field(default=(ScanType.PKG, ScanType.SECRET), min_length=1)
    mode: Mode = Mode.GET_REPORT
    policy_tags: tuple[str, ...] = ()
    exclude_dirs: tuple[str, ...] = ()
    exclude_files: tuple[str, ...] = ()
    thresholds: Thresholds = Thresholds(max_critical=0, max_high=0)
    max_secrets: int | None = Field(default=0, ge=0)
    on_audit: OnAudit = OnAudit.PASS
    on_error: OnError = OnError.BLOCK
    on_nothing: OnNothing = OnNothing.BLOCK
    drafts: Drafts = Drafts.SCAN
    branches: tuple[str, ...] = ()
    """Patterns of branches whose pushes are judged, beside the default branch; read on the default branch."""
    images: tuple[ImageRule, ...] = ()
    platforms: tuple[Platform, ...] = Field(default=(DEFAULT_PLATFORM,), min_length=1, max_length=8)
    """Of every image that no entry gives platforms of its own."""

    @property
    def profile(self) -> Profile:
        """How these rules want a target scanned."""
        return Profile(
            scan_types=self.scan_types,
            mode=self.mode,
            policy_tags=self.policy_tags if self.mode is Mode.EVALUATE_POLICY else (),
            exclude_dirs=self.exclude_dirs,
            exclude_files=self.exclude_files,
        )

    @property
    def image_profile(self) -> Profile:
        """How these rules want an image scanned. Excludes are for sources: QScanner takes none for images."""
        return self.profile.model_copy(update={"exclude_dirs": (), "exclude_files": ()})


class RulesRead(Value):
    """Rules, with the place and state they were read at."""

    rules: Rules
    branch: BranchRef
    commit: CommitSha | None = None
    """Tip of the branch as the pull request's iteration knew it; None where Azure DevOps did not say."""
    file_sha256: Sha256 | None = None
    """Hash of the rules file's bytes; None where there is no file and the organisation's defaults hold."""
