"""Who runs a command that the service itself may not: an administrator of the organisation, or of the deployment."""

import os
from typing import Final

from scan_core.devops.identity import Authorization, personal_access_token, signed_in_developer

_TOKEN: Final = "AZURE_DEVOPS_EXT_PAT"  # noqa: S105 - the name of a variable
"""Where the Azure CLI's own extension for Azure DevOps looks for a token."""


def administrator() -> Authorization:
    """Choose who calls Azure DevOps for an administrator: a token of theirs where there is one, else the Azure CLI.

    Returns:
        The authorization.
    """
    token = os.environ.get(_TOKEN)
    return personal_access_token(token) if token else signed_in_developer()
