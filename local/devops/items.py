"""Files and folders of a repository over HTTP (``GET items``)."""

from local.devops.calls import Answer, Call, collection
from local.devops.errors import ServiceError, invalid_argument
from local.devops.git_objects import TreeEntry
from local.devops.records import Repository
from local.devops.render import Json, commit_json, quoted, repository_url
from local.devops.routing import Resource, Route
from local.devops.state import Organisation

_R = "{project}/_apis/git/repositories/{repositoryId}"
_ITEMS = Resource("fb93c0db-47ed-4a31-8c20-47552878fb44", "git", "items", f"{_R}/items/{{path}}")
_LABELS = {"branch": "Branch", "commit": "Commit", "tag": "Tag"}


def resolve(organisation: Organisation, repository: Repository, kind: str, version: str | None) -> str:
    """Return the commit that a version descriptor names.

    Args:
        organisation: where.
        repository: in which repository.
        kind: branch, commit or tag.
        version: a name or SHA; the default branch without one.

    Raises:
        ServiceError: 400 for an unknown kind, 404 when there is no such commit.
    """
    label = _LABELS.get(kind.lower())
    if label is None:
        raise invalid_argument("versionType", f"The version type '{kind}' is not supported.")
    if version is None:
        label, name = "Branch", repository.default_branch or ""
        ref = name
    else:
        name = version
        ref = {"Branch": f"refs/heads/{version}", "Tag": f"refs/tags/{version}", "Commit": version}[label]
        if label == "Commit" and not _is_sha(version):
            ref = ""
    found = organisation.git(repository.id).commit_of(ref) if ref and "\0" not in ref else None
    if found is None:
        raise ServiceError(
            404,
            "GitUnresolvableToCommitException",
            f"TF401175: The version descriptor <{label}: {name} > could not be resolved to a version in the "
            f"repository {repository.name}",
        )
    return found


def _is_sha(text: str) -> bool:
    return len(text) == 40 and all(letter in "0123456789abcdef" for letter in text.lower())


def _get_item(call: Call) -> Answer:
    repository = call.repository
    kind = call.text("versionDescriptor.versionType") or "branch"
    version = call.text("versionDescriptor.version")
    commit = resolve(call.organisation, repository, kind, version)
    scope = call.text("scopePath")
    path = call.text("path") or scope or "/"
    wanted = path.strip("/")
    entry = call.organisation.git(repository.id).entry(commit, wanted) if "\0" not in wanted else None
    if entry is None:
        raise ServiceError(
            404,
            "GitItemNotFoundException",
            f"TF401174: The item '{wanted}' could not be found in the repository '{repository.name}' at the version "
            f"specified by '<{_LABELS[kind.lower()]}: {version or repository.default_branch} >' "
            f"(resolved to commit '{commit}')\r\nParameter name: path",
        )
    if scope is not None or (call.text("recursionLevel") or "none").lower() != "none":
        return _listing(call, repository, commit, entry)
    if _wants_json(call) or entry.kind != "blob":
        return Answer(_metadata(call, repository, commit, entry, content=call.flag("includeContent")))
    return _raw(call, repository, entry)


def _wants_json(call: Call) -> bool:
    chosen = call.text("$format")
    return chosen.lower() == "json" if chosen else "application/json" in call.headers.get("accept", "")


def _raw(call: Call, repository: Repository, entry: TreeEntry) -> Answer:
    content = call.organisation.git(repository.id).blob(entry.sha)
    plain = "text/plain" in call.headers.get("accept", "") or (call.text("$format") or "").lower() == "text"
    name = quoted(entry.path.rpartition("/")[2])
    kept = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"} if call.flag("download") else {}
    return Answer(content, headers=kept, content_type="text/plain" if plain else "application/octet-stream")


def _listing(call: Call, repository: Repository, commit: str, entry: TreeEntry) -> Answer:
    level = (call.text("recursionLevel") or "none").lower()
    found = [entry]
    if entry.kind == "tree" and level != "none":
        found += call.organisation.git(repository.id).entries(commit, entry.path, deep=level == "full")
    return collection([_metadata(call, repository, commit, one, content=False) for one in found])


def _metadata(call: Call, repository: Repository, commit: str, entry: TreeEntry, *, content: bool) -> Json:
    url = f"{repository_url(call.organisation, repository)}/items//{quoted(entry.path)}"
    rendered: Json = {
        "objectId": entry.sha,
        "gitObjectType": entry.kind,
        "commitId": commit,
        "path": f"/{entry.path}",
        "url": f"{url}?versionType=Commit&version={commit}",
    }
    git = call.organisation.git(repository.id)
    if entry.kind == "tree":
        rendered["isFolder"] = True
    if entry.mode == "120000":
        rendered["isSymLink"] = True
    if call.flag("includeContentMetadata") and entry.kind == "blob":
        rendered["contentMetadata"] = {
            "fileName": entry.path.rpartition("/")[2],
            "isBinary": b"\0" in git.blob(entry.sha),
            "contentType": "application/octet-stream",
        }
    if call.flag("latestProcessedChange"):
        rendered["latestProcessedChange"] = commit_json(call.organisation, repository, git.info(commit), whole=False)
    if content and entry.kind == "blob":
        rendered["content"] = git.blob(entry.sha).decode("utf-8-sig", errors="replace")
    return rendered


ROUTES = (Route("GET", f"{_R}/items", _ITEMS, _get_item),)
