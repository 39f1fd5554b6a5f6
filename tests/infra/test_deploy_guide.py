"""The deploy guide says what the code says: its cost table, its outputs and roles, and a pipeline that is one."""

import re
import subprocess
import sys

import pytest
import yaml

from bench import cost
from scan_core.cli.main import app
from scan_core.intake.bearer import ROLE
from tests.infra.bicep_text import INFRA, bicep_file

DOCS = INFRA.parent / "docs"
GUIDE = (DOCS / "deploy.md").read_text()
PIPELINE = DOCS / "pipelines" / "deploy.yml"


def test_the_cost_table_is_what_the_script_works_out() -> None:
    """Whoever changes a price or a quantity writes the table anew."""
    (table,) = re.findall(r"<!-- python -m bench\.cost -->\n(.*?)\n<!-- end -->", GUIDE, re.DOTALL)
    assert table.splitlines() == list(cost.table())


def test_the_quantities_in_words_are_those_of_the_script() -> None:
    """Seconds, cores, operations, alarms."""
    use = cost.Load()
    for words in (
        f"{use.vcpu:g} cores and {use.gib:g} GiB for {use.replica_seconds:g} seconds",
        f"{use.blob_writes:g} blob writes, {use.blob_reads:g} reads, {use.table_operations:g} table",
        f"keeps {use.stored_mb:g} MB for {use.kept_days:g} days",
        f"{use.logs_kb:g} KB for a scan and {use.idle_logs_gb:g} GB a month",
        f"{use.alarms:g} rules",
    ):
        assert words in " ".join(GUIDE.split()), words


def test_what_is_counted_is_what_is_deployed() -> None:
    """Alarms, retention, the job's size, the app's memory."""
    use, main = cost.Load(), bicep_file("main.bicep")

    def default(name: str) -> str:
        return main.get(name).rest.partition("=")[2].strip().strip("'")

    assert use.alarms == len(list((INFRA / "queries").glob("*.kql")))
    assert use.kept_days == float(default("scanRetentionDays"))
    assert use.log_kept_months * 30 == float(default("logRetentionDays"))
    assert use.vcpu == float(default("scanCpu"))
    assert use.instance_gb * 1024 == float(default("instanceMemoryMB"))
    queues = re.findall(r"queue_name=", (INFRA.parent / "function_app.py").read_text())
    assert use.queues >= len(queues)


@pytest.mark.parametrize("scans", [0, 100, 10_000])
def test_no_line_of_a_bill_is_negative(scans: int) -> None:
    """What is free is never paid out; and more scans never cost less."""
    lines, more = cost.bill(scans), cost.bill(scans + 1000)
    assert all(0 <= line.dollars <= other.dollars for line, other in zip(lines, more, strict=True))


def test_the_guide_uses_outputs_that_exist() -> None:
    """`azd env get-values` gives them under their names."""
    outputs = {one.name for one in bicep_file("main.bicep").of("output")}
    own = {"BASE_IMAGE", "QSCANNER_VERSION", "QSCANNER_URL", "QSCANNER_SHA256", "IMAGE", "ADMIN_CLIENT_ID"}
    used = set(re.findall(r'"?\$\{?([A-Z][A-Z_0-9]+)', GUIDE))
    assert used
    assert used - own <= outputs


def test_variables_that_azd_is_told_are_parameters() -> None:
    """One that nothing reads would do nothing."""
    parameters = (INFRA / "main.parameters.json").read_text()
    told = set(re.findall(r"azd env set ([A-Z_]+)", GUIDE))
    assert told
    assert {name for name in told if f"${{{name}" not in parameters} == set()


def test_the_guide_makes_the_role_that_the_app_asks_for() -> None:
    """By the same name, in tokens of the version that is taken."""
    assert f'"value": "{ROLE}"' in GUIDE
    assert '"requestedAccessTokenVersion": 2' in GUIDE


def test_the_guide_calls_commands_that_exist() -> None:
    """With the names they have."""
    groups = {group.name for group in app.registered_groups}
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    called = set(re.findall(r"scangate ([a-z]+)", GUIDE)) - {"for", "does", "and"}
    assert {"onboard", "identities", "doctor"} <= called
    assert {name for name in called if name not in groups | commands} <= {"cd"}


def test_the_pipeline_is_one() -> None:
    """By the schema of Azure Pipelines; its one expression that Rust cannot read needs the older dialect."""
    command = [sys.executable, "-m", "check_jsonschema", "--regex-variant", "nonunicode"]
    checked = subprocess.run(
        [*command, "--builtin-schema", "vendor.azure-pipelines", PIPELINE], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, (checked.stdout + checked.stderr)[:2000]


def test_the_pipeline_shows_before_it_deploys_and_holds_no_secret() -> None:
    """Lint, validate, what-if; then an environment, where the approval is."""
    text = PIPELINE.read_text()
    pipeline = yaml.safe_load(text)
    stages = {stage["stage"]: stage for stage in pipeline["stages"]}
    assert list(stages) == ["check", "show", "deploy"]
    assert (stages["show"]["dependsOn"], stages["deploy"]["dependsOn"]) == ("check", "show")
    assert stages["deploy"]["jobs"][0]["environment"] == "scangate"
    order = [text.index(words) for words in ("bicep lint", "sub validate", "sub what-if", "sub create", "config-zip")]
    assert order == sorted(order)
    assert not re.search(r"(?i)(secret|password|token|key)\s*[:=]", text)


def test_the_pipeline_names_parameters_that_exist() -> None:
    """Each time the same ones, or what-if would show something else than is deployed."""
    known = {param.name for param in bicep_file("main.bicep").of("param")}
    blocks = PIPELINE.read_text().split("--parameters")[1:]
    given = [set(re.findall(r"\b([a-zA-Z]+)=\"", block.split("--output")[0].split("- stage")[0])) for block in blocks]
    assert len(given) == 3
    assert given[0] == given[1] == given[2] <= known


def test_the_pipeline_packs_what_the_app_is() -> None:
    """And leaves the worker out, as .funcignore does."""
    text = PIPELINE.read_text()
    assert "function_app.py host.json requirements.txt scan_core" in text
    assert "--exclude 'scan_core/worker/*'" in text
    assert "/scan_core/worker/" in (INFRA.parent / ".funcignore").read_text().splitlines()
