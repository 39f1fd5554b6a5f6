"""What the caller may do, asked without doing it (Security, Has Permissions Batch of the 7.1 REST API reference)."""

import re
from typing import Any, Final

from local.devops.calls import Answer, Call
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
_GIT, _HOOKS = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87", "cb594ebe-87dd-4fc9-ac2c-6a10a4c92046"
_RIGHTS: Final = {
    (_GIT, 2): "code_read",
    (_GIT, 4): "code_write",
    (_GIT, 2048): "policies",
    (_GIT, 16384): "pull_request_contribute",
    (_HOOKS, 1): "hooks",
    (_HOOKS, 2): "hooks",
    (_HOOKS, 4): "hooks",
}
"""Namespace and bit ("Security namespace and permission reference") to what a token of this simulator may do."""
_TOKENS: Final = {
    _GIT: re.compile(r"repoV2/([0-9a-f-]{36})(?:/[0-9a-f-]{36})?", re.IGNORECASE),
    _HOOKS: re.compile(r"PublisherSecurity/([0-9a-f-]{36})", re.IGNORECASE),
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
    return place is not None and place[1].lower() in known and _RIGHTS.get((namespace, bit)) in call.token.rights


ROUTES = (Route("POST", "_apis/security/permissionevaluationbatch", _BATCH, _evaluate),)
