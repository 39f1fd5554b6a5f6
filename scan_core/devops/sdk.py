"""The azure-devops SDK, imported and built so that it only makes URLs and (de)serialises.

Its file cache, discovery, transport and version negotiation are replaced; nothing else of ours imports it.
"""

import logging
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_CACHE_FOLDER = "AZURE_DEVOPS_CACHE_DIR"
_before = os.environ.get(_CACHE_FOLDER)
# The SDK makes its cache folder while it is imported, under HOME, which need not be writable. Any folder that exists
# prevents that; nothing is written to it, because the caches lose their file names below.
os.environ[_CACHE_FOLDER] = str(Path(__file__).parent)
try:
    from azure.core.exceptions import DeserializationError
    from azure.devops import _file_cache
    from azure.devops._models import ApiResourceLocation
    from azure.devops.client import Client
    from azure.devops.v7_1.git import GitClient, models
    from azure.devops.v7_1.location import LocationClient
    from msrest.exceptions import ClientException
    from msrest.pipeline import HTTPSender, Pipeline
    from msrest.serialization import Deserializer
    from msrest.universal_http import ClientRequest
    from msrest.universal_http.requests import RequestsClientResponse
finally:
    if _before is None:
        del os.environ[_CACHE_FOLDER]
    else:
        os.environ[_CACHE_FOLDER] = _before

from scan_core.devops.locations import LOCATIONS  # noqa: E402 (the SDK's import needs its environment set before)

__all__ = [
    "ClientException",
    "Git",
    "HTTPSender",
    "Hardened",
    "Location",
    "Sender",
    "Unreadable",
    "models",
]

_file_cache.OPTIONS_CACHE.file_name = ""
_file_cache.RESOURCE_CACHE.file_name = ""

# At DEBUG these write request and answer bodies.
for _name in ("azure.devops", "msrest"):
    logging.getLogger(_name).setLevel(logging.WARNING)

type Sender = HTTPSender[ClientRequest, RequestsClientResponse]
"""What makes the requests that the SDK prepares."""

_API_VERSION = "7.1"
_RELEASED = {location.location_id for location in LOCATIONS if location.released}
_RESOURCE_LOCATIONS = [
    ApiResourceLocation(
        id=location.location_id,
        area=location.area,
        resource_name=location.resource,
        route_template=location.route,
        resource_version=2,
        min_version=1.0,
        max_version=7.2,
        released_version=_API_VERSION,
    )
    for location in LOCATIONS
]


class Unreadable:
    """Stands where a field's value is not of the type that the specification gives it.

    The SDK fails a whole list for one bad date in a field nobody reads. This way only a field that is read can fail,
    and it can be named.
    """


class _FieldByField(Deserializer):
    def __init__(self, classes: dict[str, type]) -> None:
        super().__init__(classes)  # type: ignore[no-untyped-call]  # msrest types a part of itself
        self.deserialize_type["iso-8601"] = _moment

    def deserialize_data(self, data: Any, data_type: str) -> Any:  # noqa: ANN401 (parsed JSON)
        try:
            return super().deserialize_data(data, data_type)  # type: ignore[no-untyped-call]  # as above
        except DeserializationError:
            return Unreadable()


def _moment(text: str) -> datetime:
    """Read a date as Azure DevOps writes it: in UTC, also where it names no zone (``0001-01-01T00:00:00``)."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Hardened:
    """Goes before one of the SDK's clients, which may then be used by several threads at once.

    Transport, retries, discovery and lenient reading are in our own hands. The released API version is asked for where
    there is one, and not the preview that the SDK was generated from.
    """

    def __init__(self, url: str, sender: Sender) -> None:
        """Build the client.

        Args:
            url: Where its service is, without a slash at its end.
            sender: What makes the requests.
        """
        super().__init__(url, None)  # type: ignore[call-arg]  # the SDK's Client
        _harden(self, sender)

    def _send(self, http_method: str, location_id: str, version: str, **request: Any) -> Any:  # noqa: ANN401 (SDK's own)
        asked = _API_VERSION if location_id in _RELEASED else version
        return super()._send(http_method, location_id, asked, **request)  # type: ignore[misc]  # the SDK's Client


def _harden(client: Any, sender: Sender) -> None:  # noqa: ANN401 (the SDK's clients share no type of their own)
    client.add_user_agent("scangate")
    client.config.pipeline = Pipeline([client.config.user_agent_policy], sender)
    # Otherwise msrest closes the sender's session after each call.
    client.config.keep_alive = True
    client._deserialize = _FieldByField(client._deserialize.dependencies)  # noqa: SLF001 (there is no other way in)
    client._base_deserialize = _FieldByField(client._base_deserialize.dependencies)  # noqa: SLF001 (as above)
    Client._locations_cache[client.normalized_url] = _RESOURCE_LOCATIONS  # noqa: SLF001 (as above)


class Git(Hardened, GitClient):  # type: ignore[misc]  # published without types
    """Repositories and pull requests."""


class Location(Hardened, LocationClient):  # type: ignore[misc]  # as above
    """Who one is."""
