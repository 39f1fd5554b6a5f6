"""What a deployment must never be: open to keys, to everybody, or to whoever reads its outputs."""

import json
import re

import pytest

from tests.infra.bicep_text import INFRA, BicepFile, bicep_file, bicep_files, items, literal, properties

ALLOWED_VERSIONS = {
    "Microsoft.App": "2025-01-01",
    "Microsoft.Authorization": "2022-04-01",
    "Microsoft.ContainerRegistry": "2025-04-01",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    "Microsoft.Insights/scheduledQueryRules": "2023-12-01",
    "Microsoft.Insights/workbooks": "2023-06-01",
    "Microsoft.KeyVault": "2024-11-01",
    "Microsoft.ManagedIdentity": "2024-11-30",
    "Microsoft.Network": "2024-07-01",
    "Microsoft.Network/privateDnsZones": "2024-06-01",
    "Microsoft.OperationalInsights": "2025-02-01",
    "Microsoft.Resources": "2024-11-01",
    "Microsoft.Storage": "2025-01-01",
    "Microsoft.Web": "2024-11-01",
}
every_file = pytest.mark.parametrize("file", bicep_files(), ids=lambda file: file.path.name)


def version_of(resource_type: str) -> str:
    """Return the version that a type has to have: the longest entry that begins it counts."""
    return ALLOWED_VERSIONS[max((name for name in ALLOWED_VERSIONS if resource_type.startswith(name)), key=len)]


def deployed(file_name: str, symbol: str) -> dict[str, str]:
    """Return the `properties` of a resource."""
    return properties(bicep_file(file_name).get(symbol).body["properties"])


@every_file
def test_every_resource_has_the_version_it_was_checked_with(file: BicepFile) -> None:
    """Types of other versions have properties that nobody looked at."""
    types = [resource.resource_type.split("@") for resource in file.of("resource")]
    assert [(name, version) for name, version in types if version != version_of(name)] == []


@every_file
def test_every_parameter_and_output_is_described(file: BicepFile) -> None:
    """Whoever deploys reads what a parameter means, and where it matters in which unit."""
    told = [*file.of("param"), *file.of("output")]
    silent = [one.name for one in told if not any(text.startswith("@description(") for text in one.decorators)]
    assert silent == []


@every_file
def test_no_key_is_ever_read(file: BicepFile) -> None:
    """A deployment that lists keys leaves them in its history."""
    assert re.findall(r"\b(list[A-Z]\w*|getSecret)\s*\(", file.source) == []


@every_file
def test_no_output_is_a_secret(file: BicepFile) -> None:
    """Outputs stand in the deployment's history and in azd's environment, in plain text."""
    suspicious = re.compile(r"key|secret|token|password|connection|sas", re.IGNORECASE)
    bare = [output for output in file.of("output") if not output.name.endswith("VAULT_NAME")]
    assert [output.name for output in bare if suspicious.search(output.name + output.rest)] == []


@every_file
def test_no_action_is_a_wildcard(file: BicepFile) -> None:
    """A role that is ours names what it allows."""
    roles = [one for one in file.of("resource") if one.resource_type.startswith("Microsoft.Authorization/roleDef")]
    for role in roles:
        (permissions,) = items(properties(role.body["properties"])["permissions"])
        granted = properties(permissions)
        actions = [literal(action) for action in items(granted["actions"])]
        assert actions
        assert [action for action in actions if "*" in action or "listSecrets" in action or "/write" in action] == []
        assert items(granted["dataActions"]) == []


@every_file
def test_every_skipped_check_says_why(file: BicepFile) -> None:
    """A check that is skipped without a reason is a check that nobody made."""
    skips = re.findall(r"checkov:skip=(CKV2?_AZURE_\d+)(:.*)?", file.source)
    assert [check for check, reason in skips if len(reason) < 20] == []


def test_storage_takes_no_keys_and_shows_nothing_to_the_public() -> None:
    """Entra tokens alone, over TLS 1.2."""
    account = deployed("storage.bicep", "account")
    assert account["allowSharedKeyAccess"] == "false"
    assert account["allowBlobPublicAccess"] == "false"
    assert account["allowCrossTenantReplication"] == "false"
    assert account["defaultToOAuthAuthentication"] == "true"
    assert account["supportsHttpsTrafficOnly"] == "true"
    assert literal(account["minimumTlsVersion"]) == "TLS1_2"
    assert literal(deployed("storage.bicep", "blobContainers")["publicAccess"]) == "None"


def test_vaults_are_governed_by_roles_and_cannot_be_purged() -> None:
    """A deleted vault comes back; an access policy cannot open one."""
    vault = deployed("vault.bicep", "vault")
    assert vault["enableRbacAuthorization"] == vault["enablePurgeProtection"] == vault["enableSoftDelete"] == "true"
    assert "accessPolicies" not in vault


def test_no_secret_is_written_by_a_deployment() -> None:
    """Secrets are put by the operator; a redeployment that wrote them would undo that."""
    types = [resource.resource_type for file in bicep_files() for resource in file.of("resource")]
    assert [name for name in types if name.startswith("Microsoft.KeyVault/vaults/secrets")] == []


def test_monitoring_takes_no_keys() -> None:
    """Neither to send nor to read."""
    assert deployed("monitoring.bicep", "insights")["DisableLocalAuth"] == "true"
    assert properties(deployed("monitoring.bicep", "workspace")["features"])["disableLocalAuth"] == "true"
    assert properties(deployed("environment.bicep", "environment")["appLogsConfiguration"]) == {
        "destination": "'azure-monitor'"
    }


def test_the_registry_has_no_administrator_and_no_anonymous_pull() -> None:
    """Images are pulled by an identity."""
    registry = deployed("registry.bicep", "made")
    assert registry["adminUserEnabled"] == registry["anonymousPullEnabled"] == "false"


def test_the_app_is_reached_by_https_alone_and_published_without_a_password() -> None:
    """And stays reachable in a private network, since hooks come from outside."""
    app = deployed("function-app.bicep", "app")
    assert app["httpsOnly"] == "true"
    assert literal(app["publicNetworkAccess"]) == "Enabled"
    assert {deployed("function-app.bicep", one)["allow"] for one in ("noFtpPassword", "noPublishingPassword")} == {
        "false"
    }


def test_the_scan_container_can_use_no_identity() -> None:
    """The fetch identity ends with the init container, and no container gets the platform's."""
    configuration = properties(deployed("scan-job.bicep", "job")["configuration"])
    settings = [properties(item) for item in items(configuration["identitySettings"])]
    assert {one["identity"]: literal(one["lifecycle"]) for one in settings} == {
        "fetchIdentity.id": "Init",
        "pullIdentity.id": "None",
    }
    assigned = properties(bicep_file("scan-job.bicep").get("job").body["identity"])
    assert set(properties(assigned["userAssignedIdentities"])) == {"${fetchIdentity.id}", "${pullIdentity.id}"}


def test_a_worker_is_started_once_and_ended_in_time() -> None:
    """Retries are attempts of their own; the platform makes none."""
    configuration = properties(deployed("scan-job.bicep", "job")["configuration"])
    assert configuration["replicaRetryLimit"] == "0"
    assert configuration["replicaTimeout"] == "timeoutSeconds"
    assert len(re.findall(r"parallelism: 1\b", bicep_file("scan-job.bicep").source)) == 2


def test_files_of_the_subscription_only_put_modules_together() -> None:
    """What checkov cannot read has nothing in it for checkov to find."""
    composing = [file for file in bicep_files() if "targetScope = 'subscription'" in file.source]
    assert {file.path.name for file in composing} == {
        "main.bicep",
        "foundation.bicep",
        "watching.bicep",
        "workload.bicep",
    }
    types = [resource.resource_type.split("@")[0] for file in composing for resource in file.of("resource")]
    assert types == ["Microsoft.Resources/resourceGroups"]


def test_a_part_never_has_another_default_than_the_whole() -> None:
    """Defaults stand in main.bicep alone, and a parameter that is handed down is described once."""
    whole = {param.name: param for param in bicep_file("main.bicep").of("param")}
    for name in ("foundation.bicep", "watching.bicep", "workload.bicep"):
        for param in bicep_file(name).of("param"):
            assert "=" not in param.rest, param.name
            handed_down = whole.get(param.name)
            limits = {text for text in param.decorators if not text.startswith("@description")}
            known = set() if handed_down is None else {*handed_down.decorators}
            assert limits <= known, param.name


def test_no_file_is_too_long_to_be_read() -> None:
    """At most 400 lines."""
    assert {file.path.name for file in bicep_files() if file.source.count("\n") > 400} == set()


def test_nothing_changes_from_one_deployment_to_the_next() -> None:
    """No name or value depends on when it is deployed."""
    restless = re.compile(r"\b(newGuid|utcNow)\s*\(|deployment\(\)")
    assert [file.path.name for file in bicep_files() if restless.search(file.source)] == []


def test_parameters_of_azd_exist_and_hold_no_secret() -> None:
    """Each is a parameter of main.bicep; those without a default there are given here."""
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    known = bicep_file("main.bicep").of("param")
    assert set(given) <= {param.name for param in known}
    assert {param.name for param in known if "=" not in param.rest} <= set(given)
    assert not any("@secure()" in param.decorators for param in known)
