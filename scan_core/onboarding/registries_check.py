"""Whether pipelines' checks can be taken and the listed registries give tokens, told without changing anything."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

from scan_core.model.image import RegistryHost, RepositoryName
from scan_core.onboarding.doctor import Check, Health
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from scan_core.registry.tokens import PullToken
from scan_core.settings.deployment import Settings
from scan_core.settings.organisation import OrganisationSettings, RegistrySettings

_CHECKS: Final = "checks"
_PROBE: Final = RepositoryName("scangate/doctor")
"""A registry gives tokens by name, whether there is such a repository or not (Token Authentication Specification)."""


class TokenGiver(Protocol):
    """What is asked of a registry; `scan_core.registry.client.RegistryClient` has it."""

    def pull_token(self, registry: RegistryHost, repository: RepositoryName) -> PullToken | None:
        """Get a short-lived token that may pull from one repository."""
        ...


def check_secrets(settings: Settings, described: OrganisationSettings) -> Check:
    """Check whether both are there that pipelines' checks need.

    Args:
        settings: The settings.
        described: The organisation.

    Returns:
        A line.
    """
    if described.check_secrets and settings.sealing_keys:
        return Check(Health.GOOD, _CHECKS, "check secrets and sealing keys are there")
    if described.check_secrets:
        sentence = "there are check_secrets and no sealing key, so checks get 503: set SCANGATE_SEALING_KEYS"
        return Check(Health.UNKNOWN, _CHECKS, sentence)
    if settings.sealing_keys:
        sentence = (
            "there are sealing keys and no check_secrets, so checks get 503: put some into SCANGATE_ORGANISATIONS"
            " where pipelines are to ask"
        )
        return Check(Health.UNKNOWN, _CHECKS, sentence)
    return Check(Health.GOOD, _CHECKS, "none are taken: there are neither check_secrets nor sealing keys")


def check_registries(
    described: OrganisationSettings, connect: Callable[[RegistrySettings], TokenGiver]
) -> Iterator[Check]:
    """Ask each listed registry for a token to pull.

    Args:
        described: The organisation.
        connect: Makes what asks a registry.

    Yields:
        A line for each. Whether images may be pulled with the token is not tried: which there are is not known here.
    """
    for registry in described.registries:
        yield _asked(registry, connect(registry))


def _asked(registry: RegistrySettings, giver: TokenGiver) -> Check:
    subject = f"registry {registry.host}"
    try:
        token = giver.pull_token(RegistryHost(registry.host), _PROBE)
    except RegistryRefused as refused:
        health = Health.UNKNOWN if refused.kind is RefusalKind.THROTTLED else Health.BAD
        return Check(health, subject, refused.sentence)
    if token is None:
        return Check(Health.GOOD, subject, "lets everybody in")
    return Check(Health.GOOD, subject, f"gives tokens to pull (login {registry.login})")
