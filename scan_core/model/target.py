"""Target and Profile: what is scanned, and how."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from scan_core.model.ids import (
    CommitSha,
    Guid,
    Organisation,
    ProjectId,
    RepositoryId,
    ScanId,
    Sha1,
    digest,
)
from scan_core.model.image import Digest, Host, Platform, Repository
from scan_core.model.value import Value


class ScanType(StrEnum):
    """What QScanner looks for (docs.qualys.com, QScanner ``--scan-types``); ``pkg`` is os and sca together."""

    PKG = "pkg"
    OS = "os"
    SCA = "sca"
    SECRET = "secret"  # noqa: S105 - a scan type, not a secret


class Mode(StrEnum):
    """How far QScanner goes: fetch the report, or let the account's policies decide as well."""

    GET_REPORT = "get-report"
    EVALUATE_POLICY = "evaluate-policy"


class SourceTarget(Value):
    """One commit of one repository."""

    kind: Literal["source"] = "source"
    organisation: Organisation
    project_id: Annotated[ProjectId, Guid]
    repository_id: Annotated[RepositoryId, Guid]
    commit: Annotated[CommitSha, Sha1]


class ImageTarget(Value):
    """One image for one platform, by its digest. Shared by the gates of one organisation, whose registries it lists."""

    kind: Literal["image"] = "image"
    organisation: Organisation
    registry: Host
    repository: Repository
    digest: Digest
    """Of the platform's own manifest, never of an index."""
    platform: Platform

    @property
    def reference(self) -> str:
        """The image as a scanner is told it."""
        return f"{self.registry}/{self.repository}@{self.digest}"


type Target = Annotated[SourceTarget | ImageTarget, Field(discriminator="kind")]


class Profile(Value):
    """How a target is scanned. The order of names in it means nothing."""

    scan_types: tuple[ScanType, ...] = Field(min_length=1)
    mode: Mode
    policy_tags: tuple[str, ...] = ()
    exclude_dirs: tuple[str, ...] = ()
    exclude_files: tuple[str, ...] = ()


def scan_id(target: SourceTarget | ImageTarget, profile: Profile) -> ScanId:
    """Name a scan after its content.

    Args:
        target: What is scanned.
        profile: How; two profiles that differ in the order of names only are one.

    Returns:
        40 hex digits; equal for equal work.
    """
    unordered = {name: sorted(set(names)) for name, names in profile.model_dump(mode="json", exclude={"mode"}).items()}
    return ScanId(digest({"target": target.model_dump(mode="json"), "mode": profile.mode, **unordered})[:40])
