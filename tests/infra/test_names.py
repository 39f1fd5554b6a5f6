"""Names that infrastructure and code share: settings, queues, tables, containers, and what a worker is told."""

import ast
import re

import pytest

from scan_core.settings.deployment import Settings
from scan_core.store import connection
from scan_core.worker import environment
from tests.infra.bicep_text import INFRA, bicep_file, bicep_files, items, literal, properties

ROOT = INFRA.parent


def names(symbol: str) -> list[str]:
    """Return the strings of an array in storage.bicep."""
    return [literal(item) for item in items(bicep_file("storage.bicep").get(symbol).rest.partition("=")[2])]


def app_settings() -> set[str]:
    """Return the names of our own app settings."""
    return set(re.findall(r"\b(SCANGATE_[A-Z0-9_]+)(?=:)", bicep_file("function-app.bicep").source))


def test_every_setting_of_the_app_exists() -> None:
    """A misspelt setting would be ignored without a word."""
    known = {f"SCANGATE_{name.upper()}" for name in Settings.model_fields}
    assert app_settings() <= known


def test_every_setting_without_a_default_is_given() -> None:
    """Or the app would not start."""
    required = {f"SCANGATE_{name.upper()}" for name, field in Settings.model_fields.items() if field.is_required()}
    assert required | {"SCANGATE_STORAGE_ACCOUNT", "SCANGATE_IDENTITY_CLIENT_ID"} <= app_settings()


def test_settings_that_are_secret_come_from_the_vault() -> None:
    """By reference, without a version, so that a new one is taken by itself."""
    given = properties(bicep_file("function-app.bicep").get("appSettings").rest.partition("=")[2].strip())
    for name in ("SCANGATE_ORGANISATIONS", "SCANGATE_SIGNING_KEYS", "SCANGATE_SEALING_KEYS"):
        assert re.fullmatch(r"'@Microsoft\.KeyVault\(SecretUri=\$\{vaultUri\}secrets/[a-z-]+\)'", given[name])
    assert not {"SCANGATE_STORAGE_CONNECTION", "SCANGATE_DEVOPS_PAT"} & app_settings()


@pytest.mark.parametrize(
    "forbidden",
    ["FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE", "SCM_DO_BUILD"],
)
def test_nothing_is_set_that_flex_consumption_refuses(forbidden: str) -> None:
    """It takes these from functionAppConfig."""
    assert not re.search(rf"\b{forbidden}\w*:", bicep_file("function-app.bicep").source)


def test_queues_tables_and_containers_are_those_of_the_code() -> None:
    """And every queue that a trigger reads has its poison queue."""
    assert names("queues") == list(connection.QUEUES)
    assert names("tables") == list(connection.TABLES)
    assert names("containers") == list(connection.CONTAINERS)
    triggers = re.findall(r'queue_name="([a-z-]+)"', (ROOT / "function_app.py").read_text())
    assert set(names("poisonQueues")) == {name for name in triggers if name.endswith("-poison")}


def test_retention_covers_every_container() -> None:
    """Nothing but rows is kept for ever."""
    prefixes = re.findall(r"'([a-z]+)/'", bicep_file("storage.bicep").get("retention").rest)
    assert sorted(prefixes) == sorted(connection.CONTAINERS)


def test_links_do_not_outlive_what_they_show() -> None:
    """By default."""
    kept = int(bicep_file("main.bicep").get("scanRetentionDays").rest.partition("=")[2])
    assert kept > Settings.model_fields["link_days"].default


def test_limits_are_those_of_the_code_by_default() -> None:
    """And the platform ends a worker only after both."""
    main, workload = bicep_file("main.bicep"), bicep_file("workload.bicep")
    for param, field in (("fetchLimitSeconds", "fetch_limit_seconds"), ("scanLimitSeconds", "scan_limit_seconds")):
        assert int(main.get(param).rest.partition("=")[2]) == Settings.model_fields[field].default
    assert "fetchLimitSeconds + scanLimitSeconds +" in workload.get("workerLimitSeconds").rest


def test_the_worker_understands_everything_it_is_told() -> None:
    """Each variable of the job is one that a step reads."""
    source = ast.parse((ROOT / str(environment.__name__).replace(".", "/")).with_suffix(".py").read_text())
    read = {node.value for node in ast.walk(source) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    job = bicep_file("scan-job.bicep")
    variables = ("folderVariable", "fetchVariables", "registriesVariable", "tokenVariable", "sumVariable")
    given = {literal(name) for one in variables for name in re.findall(r"name: ('[A-Z0-9_]+')", job.get(one).rest)}
    assert given == {
        "AZURE_CLIENT_ID",
        "QUALYS_ACCESS_TOKEN",
        "SCANGATE_ATTEMPTS_QUEUE",
        "SCANGATE_DEVOPS_ORIGINS",
        "SCANGATE_QSCANNER_SHA256",
        "SCANGATE_REGISTRIES",
        "SCANGATE_WORKER_DIR",
    }
    assert given <= read


def test_only_the_scan_step_gets_the_token_and_only_fetch_the_origins() -> None:
    """Each step is told what it needs."""
    template = properties(properties(bicep_file("scan-job.bicep").get("job").body["properties"])["template"])
    (fetch,) = (properties(one) for one in items(template["initContainers"]))
    (scan,) = (properties(one) for one in items(template["containers"]))
    assert (literal(fetch["name"]), literal(scan["name"])) == ("fetch", "scan")
    assert "fetchVariables" in fetch["env"]
    assert "asksRegistries ? registriesVariable : []" in fetch["env"]
    assert "token" not in fetch["env"]
    assert "tokenVariable" in scan["env"]
    assert "fetch" not in scan["env"]
    assert "registries" not in scan["env"]


def test_what_is_secret_reaches_the_job_by_reference() -> None:
    """A value in the job's template could be read by whoever may read the job."""
    job = bicep_file("scan-job.bicep")
    for symbol in ("tokenVariable", "registriesVariable"):
        (variable,) = items(job.get(symbol).rest.partition("=")[2].strip())
        assert set(properties(variable)) == {"name", "secretRef"}
    configuration = properties(properties(job.get("job").body["properties"])["configuration"])
    secrets = configuration["secrets"]
    assert re.findall(r"name: (\w+)", secrets) == ["tokenName", "registriesName"]
    assert len(re.findall(r"keyVaultUrl: ", secrets)) == 2
    assert "value:" not in secrets
    urls = re.findall(r"secrets/([a-z-]+)'", bicep_file("workload.bicep").get("scanJob").rest)
    assert urls == ["qualys-access-token", "registries"]


def test_every_secret_that_is_referred_to_is_one_that_the_document_has_put() -> None:
    """In the vault from which it is taken; the guide puts all but the last two by the same names."""
    referred = {
        ("APP_VAULT_NAME", name) for name in re.findall(r"secrets/([a-z-]+)\)", bicep_file("function-app.bicep").source)
    } | {
        ("JOB_VAULT_NAME", name)
        for name in re.findall(r"\$\{jobVaultUri\}secrets/([a-z-]+)'", bicep_file("workload.bicep").source)
    }
    document = (ROOT / "docs" / "infrastructure.md").read_text()
    told = set(re.findall(r"^   \| `(\w+_VAULT_NAME)` \| `([a-z-]+)` \|", document, re.MULTILINE))
    assert told == referred


def test_every_module_is_used() -> None:
    """No file is left behind."""
    modules = [declared for file in bicep_files() for declared in file.of("module")]
    used = {declared.rest.split("'")[1].rpartition("/")[2] for declared in modules}
    assert {file.path.name for file in bicep_files()} - {"main.bicep"} == used


def test_azd_finds_the_app_by_its_tag() -> None:
    """The service in azure.yaml and the tag have one name."""
    (service,) = re.findall(r"^services:\n  (\w+):", (ROOT / "azure.yaml").read_text(), re.MULTILINE)
    assert f"'azd-service-name': '{service}'" in bicep_file("function-app.bicep").source
