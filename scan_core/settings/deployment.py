"""The settings of the whole deployment."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, SecretStr, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from scan_core.model.ids import Guid, Organisation, OrganisationName
from scan_core.settings.address import LOOPBACK, is_safe
from scan_core.settings.organisation import OrganisationSettings, RegistrySettings

_KEY_CHARACTERS = 32
_LINK_SLACK_SECONDS_A_DAY = 17280
"""A link is renewed at the first comparison in the last fifth of its life."""

_JOB = re.compile(r"(?i)/subscriptions/[0-9a-f-]{36}/resourceGroups/[^/]+/providers/Microsoft\.App/jobs/[a-z0-9-]+")

_organisation_name: TypeAdapter[OrganisationName] = TypeAdapter(Organisation)


class Settings(BaseSettings):
    """Every setting, with its unit in its name."""

    model_config = SettingsConfigDict(env_prefix="SCANGATE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    organisations: dict[str, OrganisationSettings] = Field(
        description='JSON object: organisation name to {"url": …, "hook_secrets": […], "check_secrets": […],'
        ' "registries": […]}.',
        min_length=1,
    )
    public_url: str = Field(description="Where this app is reached from outside; links in statuses begin with it.")
    signing_keys: Annotated[tuple[SecretStr, ...], Field(min_length=1, max_length=2)] = Field(
        description="JSON list of one or two keys of 32 characters or more. The first signs links and derives the keys"
        " of attempts; the second still holds, while they are being replaced."
    )

    sealing_keys: Annotated[tuple[SecretStr, ...], Field(max_length=2)] = Field(
        default=(),
        description="JSON list of one or two keys of 32 characters or more, under which the tokens that answer checks"
        " are kept. The second still opens, while they are being replaced. None = checks get 503.",
    )

    storage_connection: SecretStr | None = Field(
        default=None, description="Storage connection string, for local runs; in Azure, name the account instead."
    )
    storage_account: str | None = Field(default=None, description="Storage account reached by managed identity.")
    identity_client_id: str | None = Field(
        default=None, description="Client id of the user-assigned managed identity; empty = the system-assigned one."
    )
    devops_pat: SecretStr | None = Field(
        default=None, description="Personal access token for local trials; without it the managed identity is used."
    )

    admin_tenant_id: Annotated[str, Guid] | None = Field(
        default=None, description="Entra tenant whose tokens may order onboarding from the app; empty = nobody may."
    )
    admin_client_id: Annotated[str, Guid] | None = Field(
        default=None, description="Client id of the app registration that those tokens have to be for."
    )
    admin_authority: str = Field(
        default="https://login.microsoftonline.com", description="Entra's address; another one in other clouds."
    )

    runner: Literal["process", "container", "container_apps", "none"] = Field(
        default="process",
        description="What starts workers: this machine as processes or containers, an Azure Container Apps job, or"
        " none: the job starts itself by the length of its queue.",
    )
    runner_folder: Path = Field(
        default=Path(".local/workers"), description="Where the process and the container runner keep workers."
    )
    job_resource_id: str | None = Field(
        default=None,
        description="Resource id of the job whose executions are the workers of the container_apps runner.",
    )
    management_endpoint: str | None = Field(
        default=None,
        description="Stand-in for Azure Resource Manager, http:// on a loopback address; empty = Azure itself.",
    )
    max_workers: int = Field(default=20, ge=1, le=1000, description="Scans under way at once, in all.")
    max_workers_per_organisation: int = Field(default=20, ge=1, le=1000, description="The same for one organisation.")
    max_workers_per_repository: int = Field(default=5, ge=1, le=1000, description="The same for one repository.")
    scan_environment_file: Path | None = Field(
        default=None,
        description="JSON file with the environment of the scan step under the process or container runner:"
        " QUALYS_ACCESS_TOKEN, and for processes SCANGATE_QSCANNER. Read at each start, so the token never stands in"
        " the app's own settings.",
    )
    container_engine: Literal["docker", "podman"] = Field(
        default="docker", description="What the container runner starts workers with."
    )
    scanner_image: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][!-~]*$",
        description="Image of the container runner's workers, best named by digest. The host has to have it already.",
    )
    container_network: str = Field(
        default="bridge",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="Network of the containers: best one with no way but to Azure DevOps, Qualys and storage.",
    )
    container_cpus: float = Field(default=2, gt=0, le=256, description="Processors for each container.")
    container_memory_bytes: int = Field(
        default=4 * 1024**3, ge=256 * 1024**2, description="Memory for each container; there is no swap on top."
    )
    qualys_pod: str = Field(default="US1", pattern=r"^[A-Z]{2,3}[0-9]$", description="Qualys platform, such as EU1.")
    scanner_version: str | None = Field(
        default=None, description="Version of QScanner in use; results of any other version are stale. Empty = any."
    )
    default_rules: dict[str, JsonValue] = Field(
        default_factory=dict, description="JSON object: the organisation's defaults, with the keys of .scangate.yml."
    )

    deadline_seconds: int = Field(default=3600, ge=1, description="From a request's acceptance to a final state.")
    result_ttl_seconds: int = Field(
        default=86400, ge=0, description="For how long a result is judged without a new scan."
    )
    max_attempts: int = Field(default=3, ge=1, le=10, description="Attempts of a scan before it counts as failed.")
    queued_limit_seconds: int = Field(default=600, ge=1, description="Unclaimed for this long: queued once more.")
    heartbeat_seconds: float = Field(default=15, gt=0, description="Between two signs of life of a worker.")
    heartbeat_limit_seconds: int = Field(default=120, ge=1, description="Silent for this long: the attempt is lost.")
    fetch_limit_seconds: int = Field(default=300, ge=1, description="Longest fetch of a commit.")
    scan_limit_seconds: int = Field(default=600, ge=1, description="Longest run of QScanner.")
    attempt_margin_seconds: int = Field(
        default=120,
        ge=0,
        description="Running this much longer than the longest fetch and scan together: the attempt is stopped.",
    )
    unreported_limit_seconds: int = Field(
        default=600, ge=1, description="A verdict not shown for this long is told as an event; posting goes on."
    )
    retry_seconds: float = Field(
        default=5, gt=0, le=300, description="First pause before a retry; it doubles up to 5 minutes."
    )
    reconcile_seconds: int = Field(
        default=600, ge=1, description="Between two listings of a project's pull requests, which need no hook."
    )
    verify_seconds: int = Field(
        default=3600,
        ge=1,
        description="Between two comparisons of a gate with what Azure DevOps shows, and with the age of its results.",
    )
    hook_health_seconds: int = Field(
        default=900, ge=1, description="Between two looks at an organisation's hook subscriptions and their deliveries."
    )
    hook_repair: bool = Field(
        default=True,
        description="Whether subscriptions that Azure DevOps disabled, that are missing or have an old secret are made"
        " anew; either way they are told.",
    )
    report_lease_seconds: int = Field(
        default=90, ge=1, description="For how long one instance alone reports a gate; above the time-out of a call."
    )
    devops_timeout_seconds: float = Field(default=30, gt=0, description="Longest call to Azure DevOps.")
    link_days: int = Field(default=30, ge=1, le=365, description="For how long the links in statuses open.")

    repository_limit_bytes: int = Field(default=2_000_000_000, ge=1, description="Largest repository content.")
    repository_limit_files: int = Field(default=200_000, ge=1, description="Most files in a commit.")
    artifact_limit_bytes: int = Field(default=200_000_000, ge=1, description="Largest single artifact.")
    log_limit_bytes: int = Field(default=2_000_000, ge=1, description="Largest scanner log; its middle is left out.")

    @field_validator("organisations", mode="after")
    @classmethod
    def _lower_case(cls, organisations: dict[str, OrganisationSettings]) -> dict[str, OrganisationSettings]:
        by_name: dict[str, OrganisationSettings] = {}
        for name, organisation in organisations.items():
            if not _is_organisation_name(name.lower()):
                message = f"{name!r} cannot be the name of an organisation: letters, digits and hyphens, at most 50"
                raise ValueError(message)
            if name.lower() in by_name:
                message = f"{name!r} stands there twice: names of organisations are compared without case"
                raise ValueError(message)
            by_name[name.lower()] = organisation
        return by_name

    @field_validator("signing_keys", "sealing_keys", mode="after")
    @classmethod
    def _long_enough(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < _KEY_CHARACTERS for key in keys):
            message = f"expected keys of at least {_KEY_CHARACTERS} characters"
            raise ValueError(message)
        return keys

    @field_validator("job_resource_id")
    @classmethod
    def _job(cls, resource_id: str | None) -> str | None:
        if resource_id is not None and not _JOB.fullmatch(resource_id):
            message = "expected /subscriptions/…/resourceGroups/…/providers/Microsoft.App/jobs/…"
            raise ValueError(message)
        return resource_id

    @field_validator("management_endpoint")
    @classmethod
    def _loopback(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")
        if url is not None and (parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.username):
            message = "expected http:// on a loopback address: Azure itself needs no setting"
            raise ValueError(message)
        return url

    @field_validator("admin_authority")
    @classmethod
    def _https_authority(cls, url: str) -> str:
        if not is_safe(url):
            message = "expected https://…, or http:// on a loopback address"
            raise ValueError(message)
        return url.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _no_slash_at_the_end(cls, url: str) -> str:
        return url.rstrip("/")

    @model_validator(mode="after")
    def _one_storage(self) -> Self:
        if (self.storage_connection is None) == (self.storage_account is None):
            message = "set exactly one of SCANGATE_STORAGE_CONNECTION and SCANGATE_STORAGE_ACCOUNT"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _clocks_agree(self) -> Self:
        problem = next(_disagreements(self), None)
        if problem is not None:
            raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _orders_are_complete(self) -> Self:
        if (self.admin_tenant_id is None) != (self.admin_client_id is None):
            message = "set both SCANGATE_ADMIN_TENANT_ID and SCANGATE_ADMIN_CLIENT_ID, or none"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _container_apps_is_complete(self) -> Self:
        if self.runner == "container_apps" and self.job_resource_id is None:
            message = "SCANGATE_RUNNER=container_apps needs SCANGATE_JOB_RESOURCE_ID, the resource id of the job"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _container_is_complete(self) -> Self:
        if self.runner != "container":
            return self
        if self.scanner_image is None:
            message = "SCANGATE_RUNNER=container needs SCANGATE_SCANNER_IMAGE, which `make image` builds"
            raise ValueError(message)
        if self.devops_pat is None:
            message = (
                "SCANGATE_RUNNER=container needs SCANGATE_DEVOPS_PAT: an identity that the fetch container can"
                " reach on a plain host, the scan container can reach too"
            )
            raise ValueError(message)
        return self

    def organisation(self, name: OrganisationName) -> OrganisationSettings | None:
        """Look up an organisation.

        Args:
            name: Its name in lower case.

        Returns:
            Its settings; None where it is not one of ours.
        """
        return self.organisations.get(name)

    def registry(self, organisation: OrganisationName, host: str) -> RegistrySettings | None:
        """Look up a registry.

        Args:
            organisation: Whose.
            host: As image references name it.

        Returns:
            Its settings; None where the organisation does not list it.
        """
        listed = self.organisations[organisation].registries if organisation in self.organisations else ()
        return next((registry for registry in listed if registry.host == host), None)

    def secrets(self) -> list[str]:
        """List every secret value, for redaction.

        Returns:
            The plain values.
        """
        held = [*self.signing_keys, *self.sealing_keys, self.devops_pat, self.storage_connection]
        for organisation in self.organisations.values():
            held += [*organisation.hook_secrets, *organisation.check_secrets]
            held += [registry.password for registry in organisation.registries]
        plain = [secret.get_secret_value() for secret in held if secret is not None]
        account_keys = [part.removeprefix("AccountKey=") for text in plain for part in text.split(";")]
        return plain + [key for key in account_keys if key and key not in plain and "=" not in key.rstrip("=")]


def _disagreements(settings: Settings) -> Iterator[str]:
    """Name the clocks that cannot both be meant, each pair in one line."""
    if settings.report_lease_seconds <= settings.devops_timeout_seconds:
        yield (
            f"SCANGATE_REPORT_LEASE_SECONDS ({settings.report_lease_seconds}) has to be above"
            f" SCANGATE_DEVOPS_TIMEOUT_SECONDS ({settings.devops_timeout_seconds:g}): else a second instance posts"
            " while the first still waits for its answer"
        )
    if settings.heartbeat_limit_seconds <= 2 * settings.heartbeat_seconds:
        yield (
            f"SCANGATE_HEARTBEAT_LIMIT_SECONDS ({settings.heartbeat_limit_seconds}) has to be above twice"
            f" SCANGATE_HEARTBEAT_SECONDS ({settings.heartbeat_seconds:g}): else one lost heartbeat loses a live worker"
        )
    if settings.unreported_limit_seconds <= settings.report_lease_seconds:
        yield (
            f"SCANGATE_UNREPORTED_LIMIT_SECONDS ({settings.unreported_limit_seconds}) has to be above"
            f" SCANGATE_REPORT_LEASE_SECONDS ({settings.report_lease_seconds}): else each restart of the app is told"
        )
    if settings.verify_seconds >= settings.link_days * _LINK_SLACK_SECONDS_A_DAY:
        yield (
            f"SCANGATE_VERIFY_SECONDS ({settings.verify_seconds}) is too long for SCANGATE_LINK_DAYS"
            f" ({settings.link_days}): links would end before they are renewed"
        )


def _is_organisation_name(name: str) -> bool:
    try:
        _organisation_name.validate_python(name)
    except ValidationError:
        return False
    return True
