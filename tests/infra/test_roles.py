"""Who may do what: every role assignment stands in one file, and in the table of docs/security.md."""

import re

from tests.infra.bicep_text import INFRA, bicep_file, bicep_files, properties

DOCUMENT = (INFRA.parent / "docs" / "security.md").read_text()
Assignment = tuple[str, str, str, str]


def assigned() -> set[Assignment]:
    """Return every assignment of rbac.bicep: its name, the identity, the role and the scope."""
    found = set()
    for resource in bicep_file("rbac.bicep").of("resource"):
        if not resource.resource_type.startswith("Microsoft.Authorization/roleAssignments@"):
            continue
        inner = properties(resource.body["properties"])
        role = re.search(r"roles\.(\w+)|^(\w+)\.id$", inner["roleDefinitionId"])
        assert role
        identity = inner["principalId"].removeprefix("principals.")
        found.add((resource.name, identity, role[1] or role[2], resource.body["scope"]))
    return found


def documented() -> set[Assignment]:
    """Return every row of the table."""
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| `(\w+)` \| (\w+) \|", DOCUMENT, re.MULTILINE)
    return {(name, identity, role, scope) for name, identity, role, scope in rows}


def test_the_table_lists_every_role_assignment_and_no_other() -> None:
    """With the same identity, role and scope."""
    assert assigned()
    assert documented() == assigned()


def test_no_other_file_gives_a_role() -> None:
    """Whoever reviews rights reads one file."""
    places = {
        file.path.name
        for file in bicep_files()
        for resource in file.of("resource")
        if resource.resource_type.startswith("Microsoft.Authorization/")
    }
    assert places == {"rbac.bicep"}


def test_assignments_have_names_that_do_not_change() -> None:
    """Made from scope, identity and role, so that a second deployment finds them."""
    for resource in bicep_file("rbac.bicep").of("resource"):
        if resource.resource_type.startswith("Microsoft.Authorization/roleAssignments@"):
            inner = properties(resource.body["properties"])
            name = resource.body["name"]
            assert name.startswith(f"guid({resource.body['scope']}.id, {inner['principalId']}, "), resource.name


def test_every_role_that_is_named_is_given() -> None:
    """A role nobody gets would only mislead."""
    roles = properties(bicep_file("rbac.bicep").get("roles").rest[1:].strip())
    assert set(roles) == {role for _, _, role, _ in assigned()} - {"workerStarter"}
    assert all(re.fullmatch(r"'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'", role) for role in roles.values())


def test_the_app_cannot_read_the_scanner_s_token() -> None:
    """It has a role on its own vault only, and the fetch identity on none."""
    readers = {(identity, scope) for _, identity, role, scope in assigned() if role.startswith("keyVault")}
    assert {scope for identity, scope in readers if identity == "app"} == {"appVault"}
    assert not [identity for identity, _ in readers if identity == "fetch"]


def test_the_fetch_identity_may_take_attempts_and_pull_images_and_nothing_else() -> None:
    """From one queue, and from the registries that are named."""
    mine = {(role, scope) for _, identity, role, scope in assigned() if identity == "fetch"}
    assert mine == {("storageQueueDataMessageProcessor", "attemptsQueue"), ("acrPull", "registry")}


def test_images_may_be_pulled_only_where_somebody_named_the_registry() -> None:
    """Not from the one of the scanner image by itself; and each part of the roles is deployed."""
    conditions = {one.name: one.rest for one in bicep_file("rbac.bicep").of("resource")}
    for name in ("appImages", "fetchImages"):
        assert "= if (part == 'images') {" in conditions[name]
    workload = bicep_file("workload.bicep")
    assert "for id in imageRegistries" in workload.get("rolesOnImages").rest
    (allowed,) = (text for text in bicep_file("rbac.bicep").get("part").decorators if text.startswith("@allowed"))
    parts = re.findall(r"'(\w+)'", allowed)
    assert sorted(re.findall(r"part: '(\w+)'", workload.source)) == sorted(parts)
    assert bicep_file("main.bicep").get("imageRegistryIds").rest.partition("=")[2].strip() == "''"


def test_the_right_to_start_covers_one_job() -> None:
    """And not the environment or the resource group."""
    assert [scope for _, _, role, scope in assigned() if role == "workerStarter"] == ["job"]
