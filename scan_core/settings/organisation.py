"""The settings of one Azure DevOps organisation and of the container registries it lists."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from scan_core.model.image import Login
from scan_core.registry.access import RegistryAccess
from scan_core.settings.address import is_safe

Secrets = Annotated[tuple[SecretStr, ...], Field(max_length=2)]
"""One live secret, or two while one is being replaced."""


class RegistrySettings(BaseModel):
    """A container registry."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(description="Where it is, such as https://fabrikam.azurecr.io.")
    login: Login = Field(default=Login.ANONYMOUS, description="entra (Azure Container Registry), basic or anonymous.")
    username: str = Field(default="", description="For login basic.")
    password: SecretStr | None = Field(default=None, description="For login basic.")
    private: bool = Field(default=False, description="Whether it may be at a private address.")
    token_realms: tuple[str, ...] = Field(
        default=(), description="Other addresses where it may send for tokens, such as https://auth.docker.io/token."
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        self.access()
        return self

    @property
    def host(self) -> str:
        """How image references name it."""
        return self.access().host

    def access(self) -> RegistryAccess:
        """Say how it is reached.

        Returns:
            What the registry room works with.

        Raises:
            ValueError: It cannot be reached like this; the message says why.
        """
        return RegistryAccess(**{name: getattr(self, name) for name in type(self).model_fields})


class OrganisationSettings(BaseModel):
    """One Azure DevOps organisation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="Where it is, such as https://dev.azure.com/fabrikam.")
    hook_secrets: Secrets = Field(
        default=(),
        description="Basic passwords of its service hooks: one; two while rotating. None = hooks get 503.",
    )

    check_secrets: Secrets = Field(
        default=(),
        description="Basic passwords, or `code=`, of its pipelines' checks; not those of its hooks. None = checks get"
        " 503.",
    )
    registries: tuple[RegistrySettings, ...] = Field(
        default=(), description="The container registries whose images may be judged; no other is ever asked."
    )

    @field_validator("registries")
    @classmethod
    def _each_once(cls, registries: tuple[RegistrySettings, ...]) -> tuple[RegistrySettings, ...]:
        hosts = [registry.host for registry in registries]
        twice = next((host for host in hosts if hosts.count(host) > 1), None)
        if twice is not None:
            raise ValueError(f"the registry {twice} stands there twice")
        return registries

    @field_validator("check_secrets")
    @classmethod
    def _not_the_hooks(cls, secrets: Secrets, info: ValidationInfo) -> Secrets:
        hooks = {secret.get_secret_value() for secret in info.data.get("hook_secrets", ())}
        if any(secret.get_secret_value() in hooks for secret in secrets):
            message = "check_secrets must differ from hook_secrets: many may read what a check's settings hold"
            raise ValueError(message)
        return secrets

    @field_validator("url")
    @classmethod
    def _https_or_loopback(cls, url: str) -> str:
        parts = urlsplit(url)
        if not is_safe(url) or parts.username or parts.query:
            message = "expected https://…, or http:// on a loopback address, without user name and query"
            raise ValueError(message)
        return url.rstrip("/")
