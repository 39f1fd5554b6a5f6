"""Pushes images through a registry's own API, as ``docker push`` does: challenge, token, blobs, manifest."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import httpx2

from local.registry.images import Built, Image, build, build_index

_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')
_TIMEOUT_SECONDS: Final = 60.0

type Credentials = tuple[str, str]
"""A user name and a password."""


class PushRefused(RuntimeError):
    """The registry does not take something; the message says what and why."""


def push_image(registry_url: str, name: str, tag: str, image: Image | Built, credentials: Credentials) -> str:
    """Push an image under a tag.

    Args:
        registry_url: the registry's address.
        name: the repository.
        tag: the tag; it moves if it is there.
        image: the image, or the bytes of one.
        credentials: of somebody who may push there.

    Returns:
        The image's digest.

    Raises:
        PushRefused: the registry does not take it.
        httpx2.TransportError: the registry does not answer.
    """
    built = image if isinstance(image, Built) else build(image)
    with _pusher(registry_url, name, credentials) as pusher:
        pusher.push(built, tag)
    return built.digest


def push_index(
    registry_url: str, name: str, tag: str, images: Sequence[Image | Built], credentials: Credentials
) -> str:
    """Push images for several platforms, and their index under a tag.

    Args:
        registry_url: the registry's address.
        name: the repository.
        tag: the tag; it moves if it is there.
        images: one for each platform.
        credentials: of somebody who may push there.

    Returns:
        The index's digest.

    Raises:
        PushRefused: the registry does not take it.
        httpx2.TransportError: the registry does not answer.
    """
    index = build_index([one if isinstance(one, Built) else build(one) for one in images])
    return push_image(registry_url, name, tag, index, credentials)


class _Pusher:
    """Pushes to one repository."""

    def __init__(self, client: httpx2.Client, name: str) -> None:
        self._client = client
        self._name = name

    def push(self, built: Built, tag: str | None) -> None:
        """Push what a manifest refers to, then the manifest."""
        for part in built.parts:
            self.push(part, None)
        for digest, content in built.blobs.items():
            self._push_blob(digest, content)
        path = f"/v2/{self._name}/manifests/{tag or built.digest}"
        _expect(self._client.put(path, content=built.manifest, headers={"Content-Type": built.media_type}), 201)

    def _push_blob(self, digest: str, content: bytes) -> None:
        if self._client.head(f"/v2/{self._name}/blobs/{digest}").status_code == 200:
            return
        started = _expect(self._client.post(f"/v2/{self._name}/blobs/uploads/"), 202)
        headers = {"Content-Type": "application/octet-stream"}
        place = started.headers["Location"]
        _expect(self._client.put(place, params={"digest": digest}, content=content, headers=headers), 201)


@contextmanager
def _pusher(registry_url: str, name: str, credentials: Credentials) -> Iterator[_Pusher]:
    with httpx2.Client(base_url=registry_url.rstrip("/"), trust_env=False, timeout=_TIMEOUT_SECONDS) as client:
        client.headers["Authorization"] = f"Bearer {_token(client, name, credentials)}"
        yield _Pusher(client, name)


def _token(client: httpx2.Client, name: str, credentials: Credentials) -> str:
    challenged = _expect(client.get("/v2/"), 401)
    named = dict(_PARAMETER.findall(challenged.headers.get("WWW-Authenticate", "")))
    realm = named.get("realm", "")
    # The password is for this registry and nobody else.
    if urlsplit(realm)[:2] != urlsplit(str(client.base_url))[:2]:
        raise PushRefused(f"the registry sends for a token to another place: {realm!r}")
    wanted = {"service": named.get("service", ""), "scope": f"repository:{name}:pull,push"}
    answer = _expect(client.get(realm, params=wanted, auth=credentials), 200).json()
    return str(answer.get("access_token") or answer["token"])


def _expect(response: httpx2.Response, status: int) -> httpx2.Response:
    if response.status_code != status:
        request = response.request
        raise PushRefused(f"{request.method} {request.url.path}: {response.status_code} {response.text[:500]}")
    return response
