"""Graph, identities, member entitlements and access control lists over HTTP (7.1 REST API reference).

The real service has Graph at vssps and entitlements at vsaex; here everything has one host.
"""

from dataclasses import replace
from typing import Any, Final

from local.devops.auth import demand
from local.devops.calls import Answer, Call, collection
from local.devops.directory import BUILT_IN, NAMESPACES, Directory, Group, ServicePrincipal
from local.devops.errors import ServiceError, invalid_argument
from local.devops.render import Json
from local.devops.routing import Resource, Route
from local.devops.shapes import Shape
from local.devops.versions import ResourceVersion

_PREVIEW = ResourceVersion(1, released=False)
_GROUPS = Resource(
    "ebbe6af8-0b91-4c13-8cf1-777c14858188", "Graph", "Groups", "_apis/graph/groups/{groupDescriptor}", _PREVIEW
)
_MEMBERSHIPS = Resource(
    "3fd2e6ca-fb30-443a-b579-95b19ed0934c",
    "Graph",
    "Memberships",
    "_apis/graph/memberships/{subjectDescriptor}/{containerDescriptor}",
    _PREVIEW,
)
_MEMBERSHIP_LIST = Resource(
    "e34b6394-6b30-4435-94a9-409a5eef3e31",
    "Graph",
    "MembershipsBatch",
    "_apis/graph/memberships/{subjectDescriptor}",
    _PREVIEW,
)
_PRINCIPALS = Resource(
    "e1dbb0ae-49cb-4532-95a1-86cd89cfcab4",
    "Graph",
    "ServicePrincipals",
    "_apis/graph/serviceprincipals/{servicePrincipalDescriptor}",
    _PREVIEW,
)
_ENTITLEMENTS = Resource(
    "f03dbf50-80f8-41b7-8ca2-65b6a178caba",
    "MemberEntitlementManagement",
    "ServicePrincipalEntitlements",
    "_apis/serviceprincipalentitlements",
    _PREVIEW,
)
_ENTITLEMENT = Resource(
    "1d491a66-190b-43ae-86b8-9c2688c55186",
    "MemberEntitlementManagement",
    "ServicePrincipalEntitlements",
    "_apis/serviceprincipalentitlements/{servicePrincipalId}",
    _PREVIEW,
)
_IDENTITIES = Resource("28010c54-d0c0-4c89-a5b0-1c9e188b9fb7", "IMS", "Identities", "_apis/identities/{identityId}")
_ENTRIES = Resource(
    "ac08c8ff-4323-4b08-af90-bcd018d380ce",
    "Security",
    "AccessControlEntries",
    "_apis/accesscontrolentries/{securityNamespaceId}",
)
_LISTS = Resource(
    "18a2ad18-7571-46ae-bec7-0c7da1495885",
    "Security",
    "AccessControlLists",
    "_apis/accesscontrollists/{securityNamespaceId}",
)

_LICENCES: Final = frozenset({"earlyAdopter", "express", "professional", "advanced", "stakeholder", "none"})
_NEW_GROUP: Final[dict[str, Shape]] = {"displayName": str, "description": str}
_NEW_MEMBER: Final[dict[str, Shape]] = {
    "accessLevel": {"accountLicenseType": str, "licensingSource": str},
    "servicePrincipal": {"origin": str, "originId": str, "subjectKind": str},
}
_OPERATION: Final[Shape] = {"op": str, "path": str, "value": dict}
_NEW_ENTRIES: Final[dict[str, Shape]] = {
    "token": str,
    "merge": bool,
    "accessControlEntries": [{"descriptor": str, "allow": int, "deny": int}],
}
_PAGE: Final = 5
"""Small, so that a handful of projects makes several pages of groups."""


def _directory(call: Call) -> Directory:
    return call.organisation.directory


def _administrators_only(call: Call) -> Directory:
    demand(call.token, "members")
    return _directory(call)


def _list_groups(call: Call) -> Answer:
    directory, organisation = _administrators_only(call), call.organisation
    listed: list[Json] = [_group_json(call, group) for group in directory.groups.all()]
    for project in organisation.projects.all():
        domain = f"vstfs:///Classification/TeamProject/{project.id}"
        for name in BUILT_IN:
            group = Group(organisation.derived_id("group", project.id, name), name, "")
            listed.append(_group_json(call, group) | {"domain": domain, "principalName": f"[{project.name}]\\{name}"})
    start = call.number("continuationToken", 0)
    more = {"X-MS-ContinuationToken": str(start + _PAGE)} if start + _PAGE < len(listed) else {}
    return collection(listed[start : start + _PAGE], more)


def _create_group(call: Call) -> Answer:
    directory, wanted = _administrators_only(call), call.json(_NEW_GROUP)
    name = str(wanted.get("displayName", "")).strip()
    if not name:
        raise invalid_argument("displayName", "A display name is needed.")
    return Answer(_group_json(call, directory.make_group(name, str(wanted.get("description", "")))), status=201)


def _delete_group(call: Call) -> Answer:
    directory = _administrators_only(call)
    directory.delete_group(directory.group(call.route["groupDescriptor"]))
    return Answer(status=204)


def _group_json(call: Call, group: Group) -> Json:
    return {
        "subjectKind": "group",
        "description": group.description,
        "domain": f"vstfs:///Framework/IdentityDomain/{call.organisation.id}",
        "principalName": f"[{call.organisation.name}]\\{group.name}",
        "mailAddress": None,
        "origin": "vsts",
        "originId": group.id,
        "displayName": group.name,
        "descriptor": group.descriptor,
    }


def _add_membership(call: Call) -> Answer:
    directory = _administrators_only(call)
    group, subject = directory.group(call.route["containerDescriptor"]), call.route["subjectDescriptor"]
    directory.join(subject, group)
    return Answer(_membership_json(group, subject), status=201)


def _remove_membership(call: Call) -> Answer:
    directory = _administrators_only(call)
    directory.leave(call.route["subjectDescriptor"], directory.group(call.route["containerDescriptor"]))
    return Answer(status=200)


def _list_memberships(call: Call) -> Answer:
    directory, named = _administrators_only(call), call.route["subjectDescriptor"]
    if (call.text("direction") or "up").lower() == "down":
        group = directory.group(named)
        return collection([_membership_json(group, member) for member in group.members])
    return collection([_membership_json(group, named) for group in directory.groups.all() if named in group.members])


def _membership_json(group: Group, member: str) -> Json:
    return {"containerDescriptor": group.descriptor, "memberDescriptor": member}


def _list_principals(call: Call) -> Answer:
    return collection([_principal_json(one) for one in _administrators_only(call).principals.all()])


def _principal_json(principal: ServicePrincipal) -> Json:
    return {
        "subjectKind": "servicePrincipal",
        "metaType": "application",
        "directoryAlias": principal.origin_id,
        "principalName": principal.origin_id,
        "mailAddress": None,
        "origin": "aad",
        "originId": principal.origin_id,
        "displayName": f"Service principal {principal.origin_id[:8]}",
        "descriptor": principal.descriptor,
    }


def _add_entitlement(call: Call) -> Answer:
    directory, wanted = _administrators_only(call), call.json(_NEW_MEMBER)
    principal, licence = wanted.get("servicePrincipal") or {}, _licence(wanted.get("accessLevel"))
    if principal.get("origin") != "aad" or principal.get("subjectKind") != "servicePrincipal":
        raise invalid_argument("servicePrincipal", "The origin aad and the kind servicePrincipal are needed.")
    made = directory.admit(str(principal.get("originId", "")).lower(), licence)
    if made is None:
        # The service says so with status 200.
        why = {"key": 5034, "value": "The service principal was not found in the organisation's tenant."}
        failed = {"isSuccess": False, "errors": [why]}
        return Answer({"isSuccess": False, "servicePrincipalEntitlement": None, "operationResult": failed})
    entitlement = _entitlement_json(made)
    done = {"isSuccess": True, "errors": [], "servicePrincipalId": made.id, "result": entitlement}
    return Answer({"isSuccess": True, "servicePrincipalEntitlement": entitlement, "operationResult": done})


def _get_entitlement(call: Call) -> Answer:
    return Answer(_entitlement_json(_administrators_only(call).member(call.route["servicePrincipalId"])))


def _change_entitlement(call: Call) -> Answer:
    directory = _administrators_only(call)
    if not call.headers.get("content-type", "").startswith("application/json-patch+json"):
        raise ServiceError(415, "UnsupportedMediaTypeException", "application/json-patch+json is expected.")
    (operation,) = call.json_list(_OPERATION)
    if (operation.get("op"), operation.get("path")) != ("replace", "/accessLevel"):
        raise invalid_argument("document", "Only a replacement of /accessLevel is known here.")
    member = directory.member(call.route["servicePrincipalId"])
    changed = directory.admit(member.origin_id, _licence(operation.get("value")))
    result = {"isSuccess": True, "errors": [], "servicePrincipalId": member.id, "result": None}
    entitlement = _entitlement_json(changed or member)
    return Answer({"isSuccess": True, "servicePrincipalEntitlement": entitlement, "operationResults": [result]})


def _delete_entitlement(call: Call) -> Answer:
    directory = _administrators_only(call)
    directory.dismiss(directory.member(call.route["servicePrincipalId"]))
    return Answer(status=204)


def _licence(level: Any) -> str:  # noqa: ANN401 - parsed JSON
    licence = str((level or {}).get("accountLicenseType"))
    if licence not in _LICENCES:
        raise invalid_argument("accessLevel", f"The licence '{licence}' is not known.")
    return licence


def _entitlement_json(principal: ServicePrincipal) -> Json:
    level = {
        "licensingSource": "account",
        "accountLicenseType": principal.licence,
        "msdnLicenseType": "none",
        "licenseDisplayName": "Basic" if principal.licence == "express" else principal.licence,
        "status": "active",
        "statusMessage": "",
        "assignmentSource": "unknown",
    }
    return {
        "id": principal.id,
        "servicePrincipal": _principal_json(principal),
        "accessLevel": level,
        "lastAccessedDate": "0001-01-01T00:00:00Z",
        "projectEntitlements": [],
        "groupAssignments": [],
    }


def _read_identities(call: Call) -> Answer:
    directory = _directory(call)
    asked = [one for one in (call.text("subjectDescriptors") or "").split(",") if one]
    if not asked:
        raise invalid_argument("subjectDescriptors", "Only subject descriptors are looked up here.")
    return collection([_identity_json(directory, one) for one in asked])


def _identity_json(directory: Directory, descriptor: str) -> Json | None:
    for group in directory.groups.all():
        if group.descriptor == descriptor:
            named = {"id": group.id, "descriptor": group.legacy, "providerDisplayName": group.name}
            return {**named, "subjectDescriptor": descriptor, "isActive": True, "isContainer": True}
    for one in directory.principals.all():
        if one.descriptor == descriptor:
            legacy = f"Microsoft.VisualStudio.Services.Claims.AadServicePrincipal;{one.origin_id}"
            named = {"id": one.id, "descriptor": legacy, "providerDisplayName": one.origin_id}
            return {**named, "subjectDescriptor": descriptor, "isActive": one.licence is not None}
    return None


def _set_entries(call: Call) -> Answer:
    directory, namespace = _administrators_only(call), _namespace(call)
    wanted = call.json(_NEW_ENTRIES)
    if not wanted.get("token"):
        raise invalid_argument("token", "A token is needed.")
    acl = directory.acl(namespace, wanted["token"])
    entries = dict(acl.entries)
    known = {group.legacy for group in directory.groups.all()}
    asked = wanted.get("accessControlEntries") or []
    for entry in asked:
        if entry.get("descriptor") not in known:
            message = f"TF14045: The identity {entry.get('descriptor')} could not be found."
            raise ServiceError(404, "IdentityNotFoundException", message)
        allow, deny = entries.get(entry["descriptor"], (0, 0)) if wanted.get("merge") else (0, 0)
        entries[entry["descriptor"]] = (allow | (entry.get("allow") or 0), deny | (entry.get("deny") or 0))
    directory.say(replace(acl, entries=entries))
    return collection([_entry_json(entry["descriptor"], entries[entry["descriptor"]]) for entry in asked])


def _remove_entries(call: Call) -> Answer:
    directory, namespace = _administrators_only(call), _namespace(call)
    gone = (call.text("descriptors") or "").split(",")
    acl = directory.acl(namespace, call.text("token") or "")
    left = {descriptor: bits for descriptor, bits in acl.entries.items() if descriptor not in gone}
    directory.say(replace(acl, entries=left))
    return Answer(len(left) < len(acl.entries))


def _query_lists(call: Call) -> Answer:
    directory, namespace = _administrators_only(call), _namespace(call)
    token = call.text("token")
    if token is None:
        raise invalid_argument("token", "A listing of every token is not made here.")
    acl = directory.acl(namespace, token)
    asked = call.text("descriptors")
    shown = {one: bits for one, bits in acl.entries.items() if asked is None or one in asked.split(",")}
    if not shown:
        return collection([])
    entries = {one: _entry_json(one, bits) for one, bits in shown.items()}
    return collection(
        [{"inheritPermissions": True, "token": acl.token, "acesDictionary": entries, "includeExtendedInfo": False}]
    )


def _namespace(call: Call) -> str:
    namespace = call.route["securityNamespaceId"].lower()
    if namespace not in NAMESPACES:
        message = f"The security namespace {namespace} could not be found."
        raise ServiceError(404, "InvalidSecurityNamespaceException", message)
    return namespace


def _entry_json(descriptor: str, bits: tuple[int, int]) -> Json:
    return {"descriptor": descriptor, "allow": bits[0], "deny": bits[1], "extendedInfo": {}}


ROUTES = (
    Route("GET", "_apis/graph/groups", _GROUPS, _list_groups),
    Route("POST", "_apis/graph/groups", _GROUPS, _create_group),
    Route("DELETE", "_apis/graph/groups/{groupDescriptor}", _GROUPS, _delete_group),
    Route("PUT", "_apis/graph/memberships/{subjectDescriptor}/{containerDescriptor}", _MEMBERSHIPS, _add_membership),
    Route(
        "DELETE", "_apis/graph/memberships/{subjectDescriptor}/{containerDescriptor}", _MEMBERSHIPS, _remove_membership
    ),
    Route("GET", "_apis/graph/memberships/{subjectDescriptor}", _MEMBERSHIP_LIST, _list_memberships),
    Route("GET", "_apis/graph/serviceprincipals", _PRINCIPALS, _list_principals),
    Route("POST", "_apis/serviceprincipalentitlements", _ENTITLEMENTS, _add_entitlement),
    Route("GET", "_apis/serviceprincipalentitlements/{servicePrincipalId}", _ENTITLEMENT, _get_entitlement),
    Route("PATCH", "_apis/serviceprincipalentitlements/{servicePrincipalId}", _ENTITLEMENT, _change_entitlement),
    Route("DELETE", "_apis/serviceprincipalentitlements/{servicePrincipalId}", _ENTITLEMENT, _delete_entitlement),
    Route("GET", "_apis/identities", _IDENTITIES, _read_identities),
    Route("POST", "_apis/accesscontrolentries/{securityNamespaceId}", _ENTRIES, _set_entries),
    Route("DELETE", "_apis/accesscontrolentries/{securityNamespaceId}", _ENTRIES, _remove_entries),
    Route("GET", "_apis/accesscontrollists/{securityNamespaceId}", _LISTS, _query_lists),
)
