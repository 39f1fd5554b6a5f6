"""Container registries: from a reference to digests, and a short-lived token to pull one repository."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from scan_core.model.image import (
    DEFAULT_PLATFORM,
    ImageDigest,
    ImageReference,
    Platform,
    RegistryHost,
    RepositoryName,
    repository_name,
)
from scan_core.registry.access import RegistryAccess
from scan_core.registry.manifest import (
    Resolved,
    ResolvedImage,
    SingleImage,
    chosen,
    digest_of,
    no_platform,
    read_manifest,
)
from scan_core.registry.network import Deadline, Network
from scan_core.registry.refusals import RefusalKind, RegistryRefused, shown
from scan_core.registry.tokens import EntraToken, PullToken
from scan_core.registry.visit import Visit

DEADLINE_SECONDS: Final = 30.0
"""For everything that one call does: a handful of small requests."""
_NAME_CHARACTERS: Final = 100


class Registry(Protocol):
    """What flow asks of container registries. `RegistryClient` says what each takes, returns and raises."""

    def resolve(
        self,
        reference: ImageReference,
        platforms: Sequence[Platform] = (DEFAULT_PLATFORM,),
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> Resolved:
        """Find which digests a reference stands for."""
        ...


class RegistryClient:
    """The registries that an organisation lists. Keeps no connection and no token; may be used by several threads."""

    def __init__(
        self,
        listed: Iterable[RegistryAccess],
        entra_token: EntraToken | None = None,
        network: Network | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Know what is listed.

        Args:
            listed: The registries that may be asked; no other is.
            entra_token: Gives an Entra token for `scan_core.registry.access.ENTRA_SCOPE`, for registries with login
                entra; None where there is no identity.
            network: The way out; None = this machine's.
            now: Tells the time.
        """
        self._listed = {access.host: access for access in listed}
        self._entra_token = entra_token
        self._network = network or Network()
        self._now = now

    def resolve(
        self,
        reference: ImageReference,
        platforms: Sequence[Platform] = (DEFAULT_PLATFORM,),
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> Resolved:
        """Find which digests a reference stands for.

        Args:
            reference: An image; where it has a digest, its tag is not looked at.
            platforms: For which platforms to find it; not empty.
            deadline_seconds: How long everything together may take.

        Returns:
            The digest, and at least one image for each platform. Every byte that it follows from was compared with its
            digest.

        Raises:
            RegistryRefused: There is no such answer; the kind and the sentence say why.
            ValueError: No platform is asked for, so that there would be nothing to judge.
        """
        if not platforms:
            raise ValueError("an image is resolved for one platform at least")
        visit = self._visit(reference.registry, reference.repository, deadline_seconds)
        name = shown(reference.text.partition("@")[0], _NAME_CHARACTERS)
        content, content_type = visit.manifest(reference, name)
        digest = digest_of(content)
        manifest = read_manifest(content, content_type, name)
        if isinstance(manifest, SingleImage):
            images = _only(visit.config_platform(manifest, name), digest, platforms, name)
        else:
            images = chosen(manifest, platforms, name)
        return Resolved(reference, digest, images)

    def pull_token(
        self, registry: RegistryHost, repository: RepositoryName, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> PullToken | None:
        """Get a short-lived token that may pull from one repository and do nothing else.

        Args:
            registry: A listed registry.
            repository: What shall be pulled.
            deadline_seconds: How long it may take.

        Returns:
            The token; None where the registry lets everybody in.

        Raises:
            RegistryRefused: There is none; also where the registry knows passwords only, which are never handed on.
            ValueError: That is no repository's name.
        """
        return self._visit(registry, repository_name(repository), deadline_seconds).pull_token()

    def _visit(self, registry: RegistryHost, repository: RepositoryName, seconds: float) -> Visit:
        access = self._listed.get(registry)
        if access is None:
            raise RegistryRefused(
                RefusalKind.NOT_LISTED,
                f"{shown(registry, _NAME_CHARACTERS)} is not a registry that this organisation lists, and was not "
                "asked; add it to the registries in Scangate's settings, or push to one that is listed, then run the "
                "pipeline again.",
            )
        return Visit(access, repository, self._network, Deadline(seconds), self._entra_token, self._now)


def _only(platform: Platform, digest: ImageDigest, wanted: Sequence[Platform], name: str) -> tuple[ResolvedImage, ...]:
    missing = [other for other in wanted if other != platform]
    if missing:
        raise no_platform(name, missing, [platform])
    return (ResolvedImage(platform, digest),)
