"""Attempts on images of the local registry, and what the fetch step is told of it."""

import json
from typing import Any

from local.registry.server import RegistryServer
from scan_core.model.attempt import AttemptSpec, RegistryLogin
from scan_core.model.ids import OrganisationName
from scan_core.model.image import DEFAULT_PLATFORM, ImageDigest, Login, Platform, RegistryHost, RepositoryName
from scan_core.model.target import ImageTarget
from tests.worker.conftest import Bench

REPOSITORY = "team/app"
NOWHERE = "127.0.0.1:1"
"""Where nothing listens."""
SOME_DIGEST = "sha256:" + "d" * 64


def spec_of(
    bench: Bench,
    host: str,
    digest: str,
    login: Login = Login.ENTRA,
    platform: Platform = DEFAULT_PLATFORM,
    **limits: Any,
) -> AttemptSpec:
    """An attempt of its own for an image."""
    target = ImageTarget(
        organisation=OrganisationName("contoso"),
        registry=RegistryHost(host),
        repository=RepositoryName(REPOSITORY),
        digest=ImageDigest(digest),
        platform=platform,
    )
    scheme = "http" if host.startswith("127.") else "https"
    told = {
        "target": target,
        "clone_url": None,
        "registry": RegistryLogin(url=f"{scheme}://{host}", login=login, private=scheme == "http"),
    }
    return bench.spec("0" * 40, **limits).model_copy(update=told)


def listed(registry: RegistryServer, login: Login = Login.ENTRA, **more: object) -> str:
    """The variable that lets the fetch step ask the registry."""
    username, password = registry.access.user
    credential = {"username": username, "password": password} if login is Login.BASIC else {}
    entry = {"organisation": "contoso", "url": registry.url, "private": True, "login": login.value}
    return json.dumps([{"url": "https://other.example"}, {**entry, **credential, **more}])
