"""Doctor's lines about registries and checks."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from scan_core.model.image import Login, RegistryHost, RepositoryName
from scan_core.onboarding.doctor import Health
from scan_core.onboarding.registries_check import check_registries, check_secrets
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from scan_core.registry.tokens import PullToken
from scan_core.settings.deployment import Settings
from scan_core.settings.organisation import OrganisationSettings, RegistrySettings

TOKEN = PullToken("a token to pull", datetime(2026, 11, 23, tzinfo=UTC))
SECRET, KEY = "a secret of the checks", "a-sealing-key-of-more-than-32-characters"
REGISTRIES = (
    RegistrySettings(url="https://fabrikam.azurecr.io", login=Login.ENTRA),
    RegistrySettings(url="https://r.example", login=Login.BASIC, username="u", password=SecretStr("p")),
)


@dataclass(frozen=True)
class Giver:
    """Answers as it was told, for every registry."""

    answer: PullToken | RegistryRefused | None

    def pull_token(self, registry: RegistryHost, repository: RepositoryName) -> PullToken | None:
        """Give the answer."""
        assert registry and repository  # noqa: PT018 - what matters is that both are given
        if isinstance(self.answer, RegistryRefused):
            raise self.answer
        return self.answer


def settings(**more: Any) -> Settings:
    """Make settings of one organisation."""
    return Settings(
        organisations={"fabrikam": described()},
        public_url="https://gate.example",
        signing_keys=(SecretStr("a-signing-key-of-more-than-32-characters"),),
        storage_connection=SecretStr("none"),
        **more,
    )


def described(**more: Any) -> OrganisationSettings:
    """Describe the organisation."""
    return OrganisationSettings.model_validate({"url": "https://dev.azure.com/fabrikam", **more})


@pytest.mark.parametrize(
    ("keys", "secrets", "health", "words"),
    [
        ((KEY,), (SECRET,), Health.GOOD, "are there"),
        ((), (), Health.GOOD, "none are taken"),
        ((), (SECRET,), Health.UNKNOWN, "set SCANGATE_SEALING_KEYS"),
        ((KEY,), (), Health.UNKNOWN, "no check_secrets"),
    ],
)
def test_secrets_of_checks_and_sealing_keys_belong_together(
    keys: tuple[str, ...], secrets: tuple[str, ...], health: Health, words: str
) -> None:
    """One without the other leaves checks with 503."""
    check = check_secrets(settings(sealing_keys=keys), described(check_secrets=secrets))
    assert check.health is health
    assert words in check.sentence


def test_every_registry_is_asked() -> None:
    """With its host and the way in which we come in; no token is shown."""
    lines = list(check_registries(described(registries=REGISTRIES), lambda _: Giver(TOKEN)))
    assert [line.subject for line in lines] == ["registry fabrikam.azurecr.io", "registry r.example"]
    assert {line.health for line in lines} == {Health.GOOD}
    assert [line.sentence.partition("login ")[2] for line in lines] == ["entra)", "basic)"]
    assert not any(TOKEN.value in line.sentence for line in lines)


def test_a_registry_that_lets_everybody_in_is_good() -> None:
    """No token is needed there."""
    (line, _) = check_registries(described(registries=REGISTRIES), lambda _: Giver(None))
    assert (line.health, line.sentence) == (Health.GOOD, "lets everybody in")


@pytest.mark.parametrize("kind", [RefusalKind.REFUSED, RefusalKind.UNREACHABLE, RefusalKind.PRIVATE_ADDRESS])
def test_a_refusal_is_told_in_its_own_words(kind: RefusalKind) -> None:
    """They name the cause and the next step."""
    (line, _) = check_registries(described(registries=REGISTRIES), lambda _: Giver(RegistryRefused(kind, "So.")))
    assert (line.health, line.sentence) == (Health.BAD, "So.")


def test_being_asked_to_wait_says_nothing_about_the_registry() -> None:
    """It answers, and later it will answer more."""
    throttled = RegistryRefused(RefusalKind.THROTTLED, "Later.")
    assert {line.health for line in check_registries(described(registries=REGISTRIES), lambda _: Giver(throttled))} == {
        Health.UNKNOWN
    }


def test_an_organisation_without_registries_has_no_line() -> None:
    """It judges no images."""
    assert list(check_registries(described(), lambda _: Giver(TOKEN))) == []
