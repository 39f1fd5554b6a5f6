"""Calling one organisation as one identity: what is the same whatever is asked."""

import math
from typing import Annotated

from pydantic import TypeAdapter

from scan_core.devops.asking import ask
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.identity import Authorization
from scan_core.devops.naming import plain_url
from scan_core.devops.pace import Pace
from scan_core.devops.reading import malformed
from scan_core.devops.sdk import Location
from scan_core.devops.transport import Clocks, Errand, Transport
from scan_core.model.ids import Guid

_ANONYMOUS = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
"""Who Azure DevOps takes a caller without credentials for, where an organisation has public projects."""

_guid: TypeAdapter[str] = TypeAdapter(Annotated[str, Guid])


class Caller:
    """One organisation, called as one identity. May be used by several threads at once.

    Each request is made once: no retries, no redirects. Every failure of a call is a DevOpsError.
    """

    def __init__(
        self,
        url: str,
        authorization: Authorization,
        *,
        connect_seconds: float = 5.0,
        read_seconds: float = math.inf,
        total_seconds: float = 30.0,
    ) -> None:
        """Prepare to call; nothing is sent yet.

        Args:
            url: The organisation's URL, such as ``https://dev.azure.com/contoso``.
            authorization: Gives the ``Authorization`` header for each request.
            connect_seconds: How long a connection may take to stand.
            read_seconds: How long Azure DevOps may be silent, within one call.
            total_seconds: How long one call may take in all.

        Raises:
            ValueError: The URL is not a plain http or https URL.
        """
        self._url = plain_url(url)
        self._pace = Pace()
        self._transport = Transport(authorization, self._pace, Clocks(connect_seconds, read_seconds, total_seconds))
        self._location = Location(self._url, self._transport)

    def close(self) -> None:
        """Close the idle connections. Calls may still be made afterwards."""
        self._transport.close()

    def slow_down_seconds(self) -> float:
        """Say how long a call that can wait should wait, because Azure DevOps asked for it.

        Returns:
            Seconds, 0 where there is no need.
        """
        return self._pace.slow_down_seconds()

    def requests_sent(self) -> int:
        """Count what was asked of Azure DevOps.

        Returns:
            How many requests the calling thread has sent, whatever became of them.
        """
        return self._transport.requests_sent()

    def authenticated_id(self) -> str:
        """Ask who Azure DevOps takes the caller for.

        Returns:
            The identity's id in Azure DevOps, as it stands in a status' author and in a policy's ``authorId``.

        Raises:
            DevOpsError: The call failed; SIGNED_OUT also where Azure DevOps takes the caller for nobody.
        """
        doing = "asking who is signed in"
        answer = ask(Errand(doing), self._location.get_connection_data)
        identity = str(getattr(answer.authenticated_user, "id", None) or "").lower()
        if identity == _ANONYMOUS:
            raise DevOpsError(DevOpsErrorKind.SIGNED_OUT, f"{doing}: Azure DevOps takes the caller for nobody")
        try:
            return _guid.validate_python(identity)
        except ValueError:
            raise malformed(doing, "Azure DevOps gave no usable value for authenticatedUser.id") from None
