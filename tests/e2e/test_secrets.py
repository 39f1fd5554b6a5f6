"""A secret that is planted anywhere is found nowhere afterwards."""

import base64
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import httpx2

from local.registry.applications import planted_secret, secret_layer
from local.storage.account import recall
from tests.e2e.pipeline import VULNERABLE_IMAGE, Deployment, Shipyard
from tests.e2e.polling import until
from tests.e2e.repository import PullRequest
from tests.e2e.scanner import fault
from tests.e2e.site import PLANTED, VULNERABLE, Site
from tests.local.devops.driver import Receiver

_AWS_KEY = "AKIA" + "Q4XWM7RZ2LPKC3TV"
_PASSWORD = "zq8/Wm+3=kT&x5%4yR-p"
_PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n".format(
    "MIIEpAIBAAKCAQEAq7mN2vXcB1sKjH4gF8dSaP0oIuYtReWqLkJhGfDsAzXcVbNm\nQwErTyUiOpAsDfGhJkLzXcVbNm1234567890plokmijn"
)
_SOURCE = {
    "config/settings.py": f'aws = "{_AWS_KEY}"\npassword = "{_PASSWORD}"\n',
    "keys/id_rsa": _PRIVATE_KEY,
}
_IN_SOURCE = (_AWS_KEY, _PASSWORD, "QwErTyUiOpAsDfGhJkLzXcVbNm1234567890plokmijn")
_OF_THE_REGISTRY = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9"
"""What every token of the registry begins with, those to pull and those that are exchanged for them."""
_OWN_FILES = {"stack.json", "scan-environment.json", "account.json"}
"""Where the settings themselves are kept by the local stack, readable by its user alone."""


def test_no_planted_secret_is_found_anywhere_afterwards(site: Site) -> None:
    """Neither those of the settings nor those of a scanned commit stand in storage, logs, worker folders or pages."""
    repository = site.new_repository()
    found = repository.propose({**VULNERABLE, **_SOURCE})
    loud = repository.propose({**_SOURCE, **fault("print_token")}, "loud")
    broken = repository.propose({**_SOURCE, **fault("print_token,exit:99")}, "broken")
    assert found.await_state("failed")
    assert "3 secrets in the source" in found.page()
    assert loud.await_state("failed")
    assert broken.await_state("error")
    site.ask("GET", f"/api/health?code={quote(PLANTED['hook_secret'])}")
    deployment, token = _held_back(site)
    until(lambda: not site.workers(), "the workers to end")

    key = recall(site.stack.data / "storage")
    assert key is not None
    secrets = [*PLANTED.values(), *_IN_SOURCE, key.key, planted_secret(), token, _OF_THE_REGISTRY]
    pages = (*_shown((found, loud, broken)), *_told(deployment))
    places = [*_blobs(site), *_rows(site), *_messages(site), *_files(site), *pages]
    for part in (
        "scans/",
        "gates/",
        "audit/",
        "table gates",
        "table scans",
        "/logs/app.log",
        "worker.log",
        "page",
        "statuses",
        "run",
    ):
        assert any(part in place and content for place, content in places), part
    hits = [(place, secret) for place, content in places for secret in secrets if _holds(content, secret)]
    assert hits == []


def _held_back(site: Site) -> tuple[Deployment, str]:
    """Have an image with a secret in it held back by a check; give the token too that the check was sent with."""
    shipyard = Shipyard.opened(site)
    build = shipyard.build(VULNERABLE_IMAGE.then(secret_layer()))
    path = f"/api/checks/{site.plan.org}?code={quote(PLANTED['check_secret'], safe='')}"
    with Receiver() as between:
        deployment = shipyard.reach(build, function=between.url)
        between.waited(1)
    # What Azure Pipelines sent is handed on as it came, for nobody else gets to see the token.
    (headers,) = between.headers
    taken = site.ask("POST", path, json=between.bodies[0], headers=headers)
    assert taken.status_code == 200, taken.text
    assert deployment.await_end() == "failed"
    assert any("1 secret" in line for line in deployment.words()), deployment.words()
    return deployment, headers["AuthToken"]


def test_the_search_finds_what_is_there() -> None:
    """In plain, in base64 at any offset, and percent-encoded; with and without JSON's escapes."""
    secret = _PASSWORD
    for written in (
        secret,
        f"x{secret}",
        base64.b64encode(f":{secret}".encode()).decode(),
        base64.b64encode(f"ab{secret}cd".encode()).decode(),
        base64.urlsafe_b64encode(f"a{secret}cd".encode()).decode(),
        quote(secret),
        quote(secret, safe="").lower(),
        json.dumps(secret),
    ):
        assert _holds(f"before {written} after".encode(), secret), written
    assert not _holds(b"before and after", secret)


def test_the_scanner_sees_no_credential_but_its_own(site: Site) -> None:
    """What it prints of its environment is kept, with the token blotted out and nothing else to blot out."""
    repository = site.new_repository()
    pull_request = repository.propose({**VULNERABLE, **fault("print_token")})
    pull_request.await_state("failed")
    logs = [content.decode() for name, content in _blobs(site) if name.endswith("qscanner.log")]
    printed = [log for log in logs if "fault print_token" in log and "QUALYS_ACCESS_TOKEN=" in log]
    assert printed
    for log in printed:
        names = {
            line.partition("=")[0] for line in log.splitlines() if "=" in line and line.partition("=")[0].isupper()
        }
        assert "QUALYS_ACCESS_TOKEN" in names
        assert not {name for name in names if name.startswith(("SCANGATE_", "AZURE", "GIT_", "LOCAL_HOST"))}


def _blobs(site: Site) -> Iterator[tuple[str, bytes]]:
    for container in site.storage.blobs.list_containers():
        client = site.storage.blobs.get_container_client(container.name)
        for name in client.list_blob_names():
            yield f"{container.name}/{name}", client.download_blob(name).readall()


def _rows(site: Site) -> Iterator[tuple[str, bytes]]:
    for table in site.storage.tables.list_tables():
        for entity in site.storage.tables.get_table_client(table.name).list_entities():
            values: Any = dict(entity)
            yield f"table {table.name}", json.dumps(values, default=str, ensure_ascii=False).encode()


def _messages(site: Site) -> Iterator[tuple[str, bytes]]:
    for queue in site.storage.queues.list_queues():
        for message in site.storage.queues.get_queue_client(queue.name).peek_messages(32):
            yield f"queue {queue.name}", base64.b64decode(message.content)


def _files(site: Site) -> Iterator[tuple[str, bytes]]:
    """Read every file of the app's data: storage's own files with what was deleted in them, logs, worker folders."""
    for part in ("storage", "logs", "workers"):
        for path in (site.stack.data / part).rglob("*"):
            if path.is_file() and path.name not in _OWN_FILES:
                yield str(path), _content(path)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # storage's own, replaced at this moment
        return b""


def _shown(pull_requests: tuple[PullRequest, ...]) -> Iterator[tuple[str, bytes]]:
    for pull_request in pull_requests:
        yield "statuses", json.dumps(pull_request.statuses(), ensure_ascii=False).encode()
        page = pull_request.page()
        yield "page", page.encode()
        for link in re.findall(r'href="([^"]*/api/[^"]+)"', page):
            url = urljoin(pull_request.repository.site.plan.app, unescape(link))
            yield url, httpx2.get(url, trust_env=False).content


def _told(deployment: Deployment) -> Iterator[tuple[str, bytes]]:
    shown = deployment.shipyard.await_verdict(deployment.build)
    yield "run", json.dumps([*deployment.build.log(), *shown], ensure_ascii=False).encode()
    yield "page of a build", httpx2.get(shown.page, trust_env=False).content


def _holds(content: bytes, secret: str) -> bool:
    return any(form in content for form in _forms(secret))


def _forms(secret: str) -> set[bytes]:
    """Write a secret in every way in which it could stand within something else."""
    plain = {secret, json.dumps(secret)[1:-1], json.dumps(secret)[1:-1].replace("/", "\\/")}
    percent = {quote(secret, safe=safe) for safe in ("", "/", "/=&+", "-._~")}
    percent |= {text.lower() for text in percent}
    forms = {text.encode() for text in plain | percent}
    for offset in range(3):
        # The first and last characters depend on what stands beside; those between do not.
        encoded = base64.b64encode(b"\0" * offset + secret.encode()).rstrip(b"=")[offset and offset + 1 : -1]
        forms |= {encoded, encoded.translate(bytes.maketrans(b"+/", b"-_"))}
    return {form for form in forms if len(form) >= 8}
