"""Who Azure DevOps takes the caller for."""

from typing import Annotated

from pydantic import TypeAdapter

from scan_core.devops.asking import ask
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.reading import malformed
from scan_core.devops.sdk import LocationClient
from scan_core.devops.transport import Errand
from scan_core.model.ids import Guid

_ANONYMOUS = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
"""Who Azure DevOps takes a caller without credentials for, where an organisation has public projects."""

_guid: TypeAdapter[str] = TypeAdapter(Annotated[str, Guid])


def signed_in_as(location: LocationClient) -> str:
    """Ask who is signed in.

    Args:
        location: The SDK's client, which calls as whoever is asked about.

    Returns:
        The identity's id in Azure DevOps, as it stands in a status' author and in a policy's ``authorId``.

    Raises:
        DevOpsError: The call failed; SIGNED_OUT also where Azure DevOps takes the caller for nobody.
    """
    doing = "asking who is signed in"
    answer = ask(Errand(doing), location.get_connection_data)
    identity = str(getattr(answer.authenticated_user, "id", None) or "").lower()
    if identity == _ANONYMOUS:
        raise DevOpsError(DevOpsErrorKind.SIGNED_OUT, f"{doing}: Azure DevOps takes the caller for nobody")
    try:
        return _guid.validate_python(identity)
    except ValueError:
        raise malformed(doing, "Azure DevOps gave no usable value for authenticatedUser.id") from None
