"""What the caller may do, asked without doing it (Security, Has Permissions Batch of the 7.1 REST API reference)."""

import re
from typing import Any, Final

from local.devops.calls import Answer, Call
from local.devops.directory import BUILDS as _BUILDS
from local.devops.directory import GIT as _GIT
from local.devops.directory import HOOKS as _HOOKS
from local.devops.errors import invalid_argument
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape

_BATCH = Resource(
    "cf1faa59-1b63-4448-bf04-13d981a46f5d",
    "Security",
    "PermissionEvaluationBatch",
    "_apis/security/permissionevaluationbatch",
)
_WANTED: Final[dict[str, Shape]] = {
    "alwaysAllowAdministrators": bool,
    "evaluations": [{"securityNamespaceId": str, "token": str, "permissions": int}],
}
_RIGHTS: Final = {
    (_GIT, 2): "code_read",
    (_GIT, 4): "code_write",
    (_GIT, 2048): "policies",
    (_GIT, 16384): "pull_request_contribute",
    (_HOOKS, 1): "hooks",
    (_HOOKS, 2): "hooks",
    (_HOOKS, 4): "hooks",
    (_BUILDS, 1): "builds_read",
    (_BUILDS, 2): "builds_write",
}
"""Namespace and bit ("Security namespace and permission reference") to what a token of this simulator may do."""
_TOKENS: Final = {
    _GIT: re.compile(r"repoV2/([0-9a-f-]{36})(?:/[0-9a-f-]{36})?", re.IGNORECASE),
    _HOOKS: re.compile(r"PublisherSecurity/([0-9a-f-]{36})", re.IGNORECASE),
    _BUILDS: re.compile(r"([0-9a-f-]{36})(?:/[0-9]+)?", re.IGNORECASE),
}


def _evaluate(call: Call) -> Answer:
    wanted = call.json(_WANTED)
    evaluations = wanted.get("evaluations") or []
    return Answer({**wanted, "evaluations": [one | {"value": _holds(call, one)} for one in evaluations]})


def _holds(call: Call, wanted: dict[str, Any]) -> bool:
    namespace, bit = wanted.get("securityNamespaceId", "").lower(), wanted.get("permissions", 0)
    if namespace not in _TOKENS:
        raise invalid_argument("securityNamespaceId", f"The security namespace {namespace} could not be found.")
    place = _TOKENS[namespace].fullmatch(wanted.get("token", ""))
    known = {project.id for project in call.organisation.projects.all()}
    if place is None or place[1].lower() not in known:
        return False
    # A service principal has what its groups have; a token of any other identity says itself what it may do.
    granted = call.organisation.directory.may(call.token.identity.id, namespace, place[0], bit)
    return _RIGHTS.get((namespace, bit)) in call.token.rights if granted is None else granted


ROUTES = (Route("POST", "_apis/security/permissionevaluationbatch", _BATCH, _evaluate),)
