"""The distribution API: what each path and method does ("OCI Distribution Specification", 1.1, "Endpoints")."""

import re
from typing import Any, Final
from urllib.parse import urlencode

from local.registry.answers import Answer, Call, json_answer
from local.registry.catalog import Catalog, OutOfOrder, Stored
from local.registry.errors import Refused, digest_invalid, name_unknown
from local.registry.guard import Guard
from local.registry.manifests import LIMIT_BYTES, OCI_INDEX, Manifest, accepts, parse_manifest
from local.registry.names import (
    CATALOG,
    Scope,
    checked_digest,
    checked_reference,
    checked_repository,
    digest_of,
    repository_scope,
)
from local.registry.ranges import file_answer

PREFIX: Final = "/v2/"
VERSION: Final = {"Docker-Distribution-Api-Version": "registry/2.0"}
_CONTENT_RANGE: Final = re.compile(r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/(?:[0-9]+|\*))?")
_NOT_REUSABLE: Final = {"Cache-Control": "no-store"}
_NUMBER: Final = re.compile("[0-9]{1,9}")
_PAGE: Final = 100


class Distribution:
    """Carries out calls below ``/v2/``."""

    def __init__(self, catalog: Catalog, guard: Guard) -> None:
        """Put it together.

        Args:
            catalog: what repositories hold.
            guard: who may do what.
        """
        self._catalog = catalog
        self._guard = guard
        self._routes = (
            (re.compile(r"(.+)/manifests/([^/]+)"), self._manifests),
            (re.compile(r"(.+)/blobs/uploads/([^/]*)"), self._uploads),
            (re.compile(r"(.+)/blobs/([^/]+)"), self._blobs),
            (re.compile(r"(.+)/tags/(list)"), self._tags),
            (re.compile(r"(.+)/referrers/([^/]+)"), self._referrers),
        )

    def answer(self, call: Call) -> Answer:
        """Carry out a call.

        Args:
            call: its path begins with ``/v2``.

        Raises:
            Refused: it is not carried out.
        """
        rest = call.path.removeprefix("/v2").removeprefix("/")
        if not rest:
            self._demand(call)
            return json_answer({}, headers=VERSION)
        if rest == "_catalog":
            return self._catalogue(call)
        for pattern, handler in self._routes:
            if match := pattern.fullmatch(rest):
                return handler(call, checked_repository(match[1]), match[2])
        self._demand(call)
        raise Refused(404, "NAME_INVALID", "there is nothing at this path")

    def _demand(self, call: Call, *needed: Scope) -> None:
        self._guard.demand(call.authorization, needed)

    # ------------------------------------------------------------------------------------------------ manifests
    def _manifests(self, call: Call, repository: str, reference: str) -> Answer:
        match call.method:
            case "GET" | "HEAD":
                self._demand(call, repository_scope(repository, "pull"))
                return self._get_manifest(call, repository, checked_reference(reference))
            case "PUT":
                self._demand(call, repository_scope(repository, "pull", "push"))
                return self._put_manifest(call, repository, checked_reference(reference))
        raise _not_for(call)

    def _get_manifest(self, call: Call, repository: str, reference: str) -> Answer:
        found = self._catalog.manifest(repository, reference)
        if found is None:
            self._check_known(repository)
            unknown = {"name": repository, "reference": reference}
            raise Refused(404, "MANIFEST_UNKNOWN", "manifest unknown to registry", details=[unknown])
        if not accepts(call.headers.get("accept", ""), found.media_type):
            message = f"a manifest of type {found.media_type} was found, but the Accept header does not allow it"
            raise Refused(404, "MANIFEST_UNKNOWN", message)
        return Answer(200, found.content, {"Content-Type": found.media_type, **_named(found.digest)})

    def _put_manifest(self, call: Call, repository: str, reference: str) -> Answer:
        content = call.body.read(LIMIT_BYTES + 1)
        manifest = parse_manifest(content, call.headers.get("content-type", ""))
        digest = digest_of(content)
        tag = None if ":" in reference else reference
        if tag is None and reference != digest:
            raise digest_invalid(f"provided digest {reference} did not match uploaded content {digest}")
        self._check_parts(repository, manifest)
        stored = Stored(digest, manifest.media_type, content)
        self._catalog.put_manifest(repository, tag, stored, manifest.subject)
        place = {"Location": f"{PREFIX}{repository}/manifests/{digest}", **_named(digest)}
        return Answer(201, headers=place | ({"OCI-Subject": manifest.subject} if manifest.subject else {}))

    def _check_parts(self, repository: str, manifest: Manifest) -> None:
        """Refuse a manifest whose parts are not there, or not as large as it says."""
        missing = self._catalog.missing(
            repository, [one.digest for one in manifest.blobs], [one.digest for one in manifest.children]
        )
        if missing:
            message = "manifest references a manifest or blob unknown to registry"
            raise Refused(400, "MANIFEST_BLOB_UNKNOWN", message, details=[{"digest": one} for one in missing])
        for one in manifest.blobs:
            there = self._catalog.blob(repository, one.digest)
            if there is not None and there.stat().st_size != one.size:
                raise Refused(400, "SIZE_INVALID", f"{one.digest} has {there.stat().st_size} bytes, not {one.size}")

    def _referrers(self, call: Call, repository: str, reference: str) -> Answer:
        if call.method not in {"GET", "HEAD"}:
            raise _not_for(call)
        self._demand(call, repository_scope(repository, "pull"))
        listed = [_described(one) for one in self._catalog.referrers(repository, checked_digest(reference))]
        headers = {"Content-Type": OCI_INDEX, **VERSION}
        if wanted := call.query.get("artifactType"):
            listed = [one for one in listed if one["artifactType"] == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        return json_answer({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}, headers=headers)

    # ------------------------------------------------------------------------------------------------ lists
    def _tags(self, call: Call, repository: str, _: str) -> Answer:
        if call.method not in {"GET", "HEAD"}:
            raise _not_for(call)
        self._demand(call, repository_scope(repository, "pull"))
        self._check_known(repository)
        page, link = _page(call, self._catalog.tags(repository))
        return json_answer({"name": repository, "tags": page}, headers={**VERSION, **link})

    def _catalogue(self, call: Call) -> Answer:
        if call.method not in {"GET", "HEAD"}:
            raise _not_for(call)
        self._demand(call, Scope(*CATALOG))
        page, link = _page(call, self._catalog.repositories())
        return json_answer({"repositories": page}, headers={**VERSION, **link})

    # ------------------------------------------------------------------------------------------------ blobs
    def _blobs(self, call: Call, repository: str, digest: str) -> Answer:
        if call.method not in {"GET", "HEAD"}:
            raise _not_for(call)
        self._demand(call, repository_scope(repository, "pull"))
        path = self._catalog.blob(repository, checked_digest(digest))
        if path is None:
            self._check_known(repository)
            raise Refused(404, "BLOB_UNKNOWN", "blob unknown to registry", details=[{"digest": digest}])
        return file_answer(call, path, _named(digest))

    def _uploads(self, call: Call, repository: str, identifier: str) -> Answer:
        self._demand(call, repository_scope(repository, "pull", "push"))
        match call.method, bool(identifier):
            case "POST", False:
                return self._start(call, repository)
            case "GET", True:
                there = self._catalog.uploaded_bytes(repository, identifier)
                return Answer(204, headers=_progress(repository, identifier, there))
            case "PATCH", True:
                return Answer(
                    202, headers=_progress(repository, identifier, self._append(call, repository, identifier))
                )
            case "PUT", True:
                digest = checked_digest(call.query.get("digest", ""))
                self._append(call, repository, identifier)
                return self._finish(repository, identifier, digest)
            case "DELETE", True:
                self._catalog.cancel_upload(repository, identifier)
                return Answer(204)
        raise _not_for(call)

    def _start(self, call: Call, repository: str) -> Answer:
        """Begin an upload; with a mount or a digest it is over at once."""
        if mounted := call.query.get("mount"):
            source = checked_repository(call.query.get("from", ""))
            readable = self._guard.can_pull(call.authorization, repository_scope(source, "pull"))
            if readable and self._catalog.blob(source, checked_digest(mounted)):
                self._catalog.link_blob(repository, mounted)
                return _created(repository, mounted)
        digest = call.query.get("digest")
        if digest is not None:
            checked_digest(digest)
        identifier = self._catalog.start_upload(repository)
        if digest is None:
            return Answer(202, headers=_progress(repository, identifier, 0))
        self._catalog.append(repository, identifier, call.body, None)
        return self._finish(repository, identifier, digest)

    def _append(self, call: Call, repository: str, identifier: str) -> int:
        named, start = call.headers.get("content-range"), None
        there = self._catalog.uploaded_bytes(repository, identifier)
        if named is not None:
            match = _CONTENT_RANGE.fullmatch(named.strip())
            length = call.headers.get("content-length")
            if match is None or (length is not None and int(match[2]) - int(match[1]) + 1 != int(length)):
                raise _out_of_order(repository, identifier, there)
            start = int(match[1])
        try:
            return self._catalog.append(repository, identifier, call.body, start)
        except OutOfOrder:
            raise _out_of_order(repository, identifier, there) from None

    def _finish(self, repository: str, identifier: str, digest: str) -> Answer:
        self._catalog.finish_upload(repository, identifier, digest)
        return _created(repository, digest)

    def _check_known(self, repository: str) -> None:
        if not self._catalog.knows(repository):
            raise name_unknown(repository)


def _created(repository: str, digest: str) -> Answer:
    return Answer(201, headers={"Location": f"{PREFIX}{repository}/blobs/{digest}", **_named(digest)})


def _named(digest: str) -> dict[str, str]:
    return {"Docker-Content-Digest": digest, "ETag": f'"{digest}"', **VERSION}


def _progress(repository: str, identifier: str, there: int) -> dict[str, str]:
    return {
        "Location": f"{PREFIX}{repository}/blobs/uploads/{identifier}",
        "Range": f"0-{max(0, there - 1)}",
        "Docker-Upload-UUID": identifier,
        **_NOT_REUSABLE,
        **VERSION,
    }


def _out_of_order(repository: str, identifier: str, there: int) -> Refused:
    message = "the chunk does not begin where the last one ended"
    return Refused(416, "BLOB_UPLOAD_INVALID", message, headers=_progress(repository, identifier, there))


def _described(stored: Stored) -> dict[str, Any]:
    manifest = parse_manifest(stored.content, stored.media_type)
    return {
        "mediaType": stored.media_type,
        "digest": stored.digest,
        "size": len(stored.content),
        "artifactType": manifest.artifact_type,
        "annotations": manifest.annotations,
    }


def _page(call: Call, every: list[str]) -> tuple[list[str], dict[str, str]]:
    """Give what follows ``last``, at most ``n``, and the header that leads to the next page."""
    asked = call.query.get("n", str(_PAGE))
    if not _NUMBER.fullmatch(asked):
        raise Refused(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
    after = [one for one in every if one > call.query.get("last", "")]
    page = after[: int(asked)]
    if len(page) == len(after) or not page:
        return page, {}
    following = urlencode({"last": page[-1], "n": asked})
    return page, {"Link": f'<{call.path}?{following}>; rel="next"'}


def _not_for(call: Call) -> Refused:
    return Refused(405, "UNSUPPORTED", f"the operation is unsupported: {call.method}")
