"""Who calls Azure DevOps: something that gives the ``Authorization`` header anew for each request."""

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import SecretStr

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

type Authorization = Callable[[], str]
"""Gives the value of the ``Authorization`` header. Called once per request, so that tokens refresh; may be slow."""

AZURE_DEVOPS_SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"
"""Azure DevOps as an Entra resource ("Use Microsoft Entra service principals & managed identities in Azure DevOps")."""

_IDENTITY_SECONDS = 5
_IDENTITY_RETRIES = 1


def personal_access_token(pat: SecretStr | str) -> Authorization:
    """Call with a personal access token, for trials on one machine.

    Args:
        pat: The token.

    Returns:
        An authorization by Basic with an empty user name ("Use personal access tokens", learn.microsoft.com).

    Raises:
        ValueError: The token is empty.
    """
    token = pat.get_secret_value() if isinstance(pat, SecretStr) else pat
    if not token:
        raise ValueError("a personal access token is wanted, and it is empty")
    header = "Basic " + b64encode(f":{token}".encode()).decode()
    return lambda: header


def managed_identity(client_id: str | None) -> Authorization:
    """Call with a token of the managed identity this process runs under; azure-identity caches and refreshes it.

    Args:
        client_id: The client id of a user-assigned identity; None for the system-assigned one.

    Returns:
        An authorization by Bearer. It raises DevOpsError (SIGNED_OUT) where no token can be had.
    """
    # Needs tens of megabytes of modules that a trial with a personal access token does without.
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415

    # The metadata endpoint is local: a call waits seconds for it, not the library's minute of retries.
    credential = ManagedIdentityCredential(
        client_id=client_id,
        connection_timeout=_IDENTITY_SECONDS,
        read_timeout=_IDENTITY_SECONDS,
        retry_total=_IDENTITY_RETRIES,
    )
    return _bearer(credential, "the managed identity", "check that the identity is assigned to this app")


def federated_identity(client_id: str | None) -> Authorization:
    """Call with a token that a pipeline's or a cluster's own token is exchanged for; no secret is kept anywhere.

    The file and the tenant are named by AZURE_FEDERATED_TOKEN_FILE and AZURE_TENANT_ID ("Workload identity federation",
    learn.microsoft.com).

    Args:
        client_id: The client id of the identity that trusts that token; None for the one in AZURE_CLIENT_ID.

    Returns:
        An authorization by Bearer. It raises DevOpsError (SIGNED_OUT) where no token can be had.

    Raises:
        ValueError: The environment names no tenant, client or file.
    """
    from azure.identity import WorkloadIdentityCredential  # noqa: PLC0415 - as above

    named = {} if client_id is None else {"client_id": client_id}
    return _bearer(WorkloadIdentityCredential(**named), "the federated token", "check the identity's federation")


def signed_in_developer() -> Authorization:
    """Call as whoever is signed in to the Azure CLI (``az login``), for what only an administrator may do.

    Returns:
        An authorization by Bearer. It raises DevOpsError (SIGNED_OUT) where nobody is signed in.
    """
    from azure.identity import AzureCliCredential  # noqa: PLC0415 - as above

    return _bearer(AzureCliCredential(), "the Azure CLI", "run 'az login' as an administrator of the organisation")


def _bearer(credential: "TokenCredential", source: str, advice: str) -> Authorization:
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - as above

    def authorize() -> str:
        try:
            token: str = credential.get_token(AZURE_DEVOPS_SCOPE).token
        except (AzureError, OSError, ValueError) as error:
            raise DevOpsError(
                DevOpsErrorKind.SIGNED_OUT,
                f"no token for Azure DevOps could be had from {source} ({type(error).__name__}); {advice}",
            ) from None
        return f"Bearer {token}"

    return authorize
