"""The organisation that a command works on, as the settings describe it."""

import logging
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NoReturn

import typer
from azure.core.credentials import TokenCredential

from scan_core.devops.administration import Administration
from scan_core.devops.identity import Authorization, federated_identity, managed_identity, personal_access_token
from scan_core.devops.naming import shown
from scan_core.model.ids import OrganisationName
from scan_core.onboarding.order import Organisation
from scan_core.onboarding.patience import Patience
from scan_core.registry.access import ENTRA_SCOPE
from scan_core.registry.client import RegistryClient
from scan_core.settings.deployment import Settings
from scan_core.settings.loading import SettingsInvalid, load
from scan_core.settings.organisation import RegistrySettings
from scan_core.store.connection import Storage, from_connection_string, from_identity
from scan_core.telemetry import redact_logs

FAILED = 1
"""Exit status: something was begun and not all of it came about, or a check is bad."""
NOT_BEGUN = 2
"""Exit status: nothing was begun, because what was asked for or configured cannot be."""
_FEDERATED = "AZURE_FEDERATED_TOKEN_FILE"


def read_settings() -> Settings:
    """Read the settings; a missing or wrong one ends the command.

    Returns:
        The settings.
    """
    try:
        found = load()
    except SettingsInvalid as invalid:
        refuse(f"{invalid}. Commands need the app's settings: set it in the environment (docs/configuration.md).")
    redact_logs(found.secrets())
    # Pauses and failures are told in words of our own; without any handler, Python would print warnings besides.
    logging.getLogger().addHandler(logging.NullHandler())
    return found


def named(settings: Settings, name: str | None) -> OrganisationName:
    """Find the organisation that is meant; where it cannot be told, the command ends.

    Args:
        settings: Name the organisations.
        name: As given; None for the only one.

    Returns:
        Its name in lower case.
    """
    known = sorted(settings.organisations)
    if name is None and len(known) > 1:
        refuse(f"Several organisations are configured ({', '.join(known)}): choose one with --organisation.")
    wanted = OrganisationName(known[0] if name is None else name.lower())
    if wanted not in known:
        refuse(f"{shown(wanted)!r} is not configured in SCANGATE_ORGANISATIONS; known are: {', '.join(known)}.")
    return wanted


@contextmanager
def reached(settings: Settings, name: OrganisationName) -> Iterator[Organisation]:
    """Prepare to call an organisation as the identity that the settings name.

    Args:
        settings: The settings.
        name: Which organisation.

    Yields:
        The organisation; its connections are closed afterwards.
    """
    described = settings.organisations[name]
    administration = Administration(
        described.url, _authorization(settings), total_seconds=settings.devops_timeout_seconds
    )
    with closing(administration):
        patience = Patience(administration.slow_down_seconds, lambda words: typer.echo(f"  {words}"))
        yield Organisation(name, described, settings, administration, patience)


def refuse(sentence: str) -> NoReturn:
    """End the command before anything was begun.

    Args:
        sentence: Why, and the next step.

    Raises:
        typer.Exit: Always.
    """
    typer.echo(sentence, err=True)
    raise typer.Exit(NOT_BEGUN)


def registry_client(settings: Settings, registry: RegistrySettings) -> RegistryClient:
    """Prepare to ask a registry as the app would.

    Args:
        settings: The settings.
        registry: One of those that an organisation lists.

    Returns:
        What asks it. In trials with a personal access token it has no identity, unless this environment has one.
    """
    has_identity = settings.devops_pat is None or "IDENTITY_ENDPOINT" in os.environ
    return RegistryClient(
        [registry.access()],
        (lambda: storage_credential(settings).get_token(ENTRA_SCOPE).token) if has_identity else None,
    )


def storage_credential(settings: Settings) -> TokenCredential:
    """Choose who calls storage and registries, as for Azure DevOps.

    Args:
        settings: The settings.

    Returns:
        The credential.

    Raises:
        ValueError: A federated token is there, and not all that belongs to it.
    """
    from azure.identity import ManagedIdentityCredential, WorkloadIdentityCredential  # noqa: PLC0415 - slow to import

    if os.environ.get(_FEDERATED):
        named_client = {} if settings.identity_client_id is None else {"client_id": settings.identity_client_id}
        return WorkloadIdentityCredential(**named_client)
    return ManagedIdentityCredential(client_id=settings.identity_client_id)


def storage_of(settings: Settings) -> Storage:
    """Prepare to call the storage that the settings name.

    Args:
        settings: The settings.

    Returns:
        The account.

    Raises:
        ValueError: The connection string is none, or a federated token is there and not all that belongs to it.
    """
    if settings.storage_connection is not None:
        return from_connection_string(settings.storage_connection.get_secret_value())
    return from_identity(str(settings.storage_account), storage_credential(settings))


def _authorization(settings: Settings) -> Authorization:
    if settings.devops_pat is not None:
        return personal_access_token(settings.devops_pat)
    if os.environ.get(_FEDERATED):
        try:
            return federated_identity(settings.identity_client_id)
        except ValueError:
            refuse(f"{_FEDERATED} is set: set AZURE_TENANT_ID and SCANGATE_IDENTITY_CLIENT_ID too.")
    return managed_identity(settings.identity_client_id)
