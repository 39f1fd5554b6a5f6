"""Git's smart HTTP protocol, by git's own ``http-backend`` program run as CGI."""

import gzip
import subprocess
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Final

from local.devops.errors import ServiceError, repository_not_found
from local.devops.git import clean_environment
from local.devops.policies import is_protected
from local.devops.pushes import take_in_push
from local.devops.records import ZERO_SHA, Repository, Token
from local.devops.state import Organisation

SPOOLED_BYTES: Final = 1 << 20
"""Request bodies up to this size stay in memory; larger ones go to a file."""

_CHUNK_BYTES: Final = 1 << 16
_SERVICES: Final = ("git-upload-pack", "git-receive-pack")


@dataclass(frozen=True)
class GitRequest:
    """One request of a git client.

    Attributes:
        method: GET or POST.
        path: what follows the repository's name, for example ``info/refs``.
        query: as it stood in the URL.
        headers: by lower-case name.
        body: the body, at its beginning; git itself unpacks gzip.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: IO[bytes]

    @property
    def is_push(self) -> bool:
        """Whether it needs the right to write."""
        return self.path == "git-receive-pack" or "service=git-receive-pack" in self.query


@dataclass(frozen=True)
class GitAnswer:
    """What goes back, the body in pieces."""

    status: int
    headers: dict[str, str]
    body: Iterator[bytes]


def serve(organisation: Organisation, repository: Repository, token: Token, request: GitRequest) -> GitAnswer:
    """Answer a git client.

    Args:
        organisation: where.
        repository: which repository.
        token: the caller's.
        request: what it asks.

    Raises:
        ServiceError: 403 or 404 for who may not read or write, 404 for a path that git does not know.
    """
    if request.path != "info/refs" and request.path not in _SERVICES:
        raise repository_not_found(repository.name)
    if "code_read" not in token.rights:
        raise repository_not_found(repository.name)
    if request.is_push and "code_write" not in token.rights:
        message = (
            "TF401027: You need the Git 'GenericContribute' permission to perform this action. "
            f"Details: identity '{token.identity.id}', scope 'repository'."
        )
        raise ServiceError(403, "GitNeedsPermissionException", message)
    if request.path == "git-receive-pack":
        return _receive(organisation, repository, token, request)
    return _run(organisation, repository, request, {})


def _receive(organisation: Organisation, repository: Repository, token: Token, request: GitRequest) -> GitAnswer:
    # A push is carried out, taken in and only then answered, one at a time for each repository.
    extra = {"SIMULATOR_REFUSED": "\n".join(_refused(organisation, repository, token, request))}
    if "force_push" not in token.rights:
        extra |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "receive.denyNonFastForwards",
            "GIT_CONFIG_VALUE_0": "true",
        }
    with organisation.git_lock(repository.id):
        answer = _run(organisation, repository, request, extra)
        whole = b"".join(answer.body)
        take_in_push(organisation, repository.id, token.identity)
    return GitAnswer(answer.status, answer.headers, iter((whole,)))


def _refused(organisation: Organisation, repository: Repository, token: Token, request: GitRequest) -> list[str]:
    # Branches under a required policy take no direct pushes; new branches may be made.
    if "bypass_push" in token.rights:
        return []
    updates = commands(request.body, zipped="gzip" in request.headers.get("content-encoding", ""))
    current = organisation.repository_by_id(repository.id)
    return [ref for old, ref in updates if old != ZERO_SHA and is_protected(organisation, current, ref)]


def commands(body: IO[bytes], *, zipped: bool) -> list[tuple[str, str]]:
    """Read the ref updates at the beginning of a push, and go back to its beginning.

    Args:
        body: a ``git-receive-pack`` request.
        zipped: whether it is compressed.

    Returns:
        The old object and the full name of each ref; what cannot be read is left out, for git to refuse.
    """
    stream: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=body, mode="rb") if zipped else body
    found = []
    try:
        while (length := int(stream.read(4), 16)) > 4:
            words = stream.read(length - 4).partition(b"\0")[0].decode(errors="replace").strip().split(" ", 2)
            if len(words) == 3:
                found.append((words[0], words[2]))
    except (ValueError, OSError, EOFError, zlib.error):
        # Not a list of commands, or cut off.
        return found
    finally:
        body.seek(0)
    return found


def _run(organisation: Organisation, repository: Repository, request: GitRequest, extra: dict[str, str]) -> GitAnswer:
    root = organisation.config.data / "git"
    headers = request.headers
    environment = {
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repository.id}.git/{request.path}",
        "REMOTE_USER": "simulator",
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
        **extra,
    }
    # Standard input is read by descriptor, so the body must be a real file.
    with tempfile.TemporaryFile() as file:
        while chunk := request.body.read(_CHUNK_BYTES):
            file.write(chunk)
        file.seek(0)
        process = subprocess.Popen(
            ["git", "http-backend"],
            env=clean_environment(environment),
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    output = process.stdout
    if output is None:
        raise RuntimeError("git http-backend has no output")
    status, answer_headers = _cgi_head(output)
    return GitAnswer(status, answer_headers, _rest(process, output))


def _cgi_head(output: IO[bytes]) -> tuple[int, dict[str, str]]:
    status, headers = 200, {}
    while (line := output.readline().strip()) != b"":
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value.strip()
    return status, headers


def _rest(process: subprocess.Popen[bytes], output: IO[bytes]) -> Iterator[bytes]:
    try:
        while chunk := output.read(_CHUNK_BYTES):
            yield chunk
    finally:
        # A client that went away closes the pipe, on which git ends.
        output.close()
        process.wait()
