"""The pipelines to copy, and the pages that explain them, say what the code takes."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.devops.criteria import holds
from scan_core.intake.check_body import Mode, wishes_in
from scan_core.model import image_tag
from scan_core.model.finding import Severity
from scan_core.model.image import image_reference
from scan_core.model.rules import ImageRule, Rules, Thresholds
from scan_core.model.subject import StatusName
from scan_core.model.verdict import Outcome
from scan_core.rules.rules_file import read_rules
from scan_core.settings.deployment import Settings
from scan_core.settings.organisation import OrganisationSettings
from tests.intake.check_requests import CHECK_SECRET, JOB, PLAN, TASK, TIMELINE, TOKEN, URL, CheckPoint
from tests.intake.deliveries import PROJECT, basic

DOCS = Path(__file__).parents[2] / "docs"
PIPELINES = {file.stem: file.read_text() for file in sorted((DOCS / "pipelines").glob("*.yml"))}
IMAGES = (DOCS / "images.md").read_text()
MOVING = (DOCS / "moving.md").read_text()
TASKS = {"QualysSCAScan@2", "QualysContainerScan@2"}
"""From the marketplace: the schema knows Microsoft's own tasks only."""
VARIABLES = {
    "system.collectionuri": f"{URL}/",
    "system.teamprojectid": PROJECT,
    "system.hosttype": "build",
    "system.planid": PLAN,
    "system.jobid": JOB,
    "system.timelineid": TIMELINE,
    "system.taskinstanceid": TASK,
    "system.accesstoken": TOKEN,
    "build.buildid": "31",
    "image": "fabrikam.azurecr.io/candidates/shop@sha256:" + "a" * 64,
}


def filled(text: str) -> str:
    """Put a run's values where variables stand, as Azure Pipelines does; what it does not know stays."""
    return re.sub(r"\$\(([\w.]+)\)", lambda found: VARIABLES.get(found[1].lower(), found[0]), text)


def steps_of(pipeline: str) -> list[dict[str, Any]]:
    """List the steps of a pipeline, wherever they stand."""

    def found(part: Any) -> Iterator[dict[str, Any]]:
        if isinstance(part, dict):
            yield from part.get("steps") or ()
        for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            yield from found(value)

    return list(found(yaml.safe_load(PIPELINES[pipeline])))


def jobs_of(pipeline: str) -> dict[str, dict[str, Any]]:
    """List the jobs of a pipeline without stages."""
    return {job["job"]: job for job in yaml.safe_load(PIPELINES[pipeline])["jobs"]}


def blocks(page: str, language: str) -> list[str]:
    """List the blocks of code on a page, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", page, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"(?m)^{indent}", "", block) for indent, block in found]


def test_the_pipelines_are_pipelines(tmp_path: Path) -> None:
    """By the schema of Azure Pipelines; a task of the marketplace stands there as the schema would have to know it."""
    assert {"build-and-push", "gate-job", "tag-image", "moving-before", "moving-after"} <= PIPELINES.keys()
    for name in PIPELINES.keys() - {"deploy"}:  # which tests/infra looks at
        pipeline = yaml.safe_load(PIPELINES[name])
        pipeline["steps"] = [_known(step) for step in pipeline.get("steps", ())] or None
        pipeline = {key: value for key, value in pipeline.items() if value is not None}
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(pipeline))
    command = [sys.executable, "-m", "check_jsonschema", "--regex-variant", "nonunicode"]
    checked = subprocess.run(
        [*command, "--builtin-schema", "vendor.azure-pipelines", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, (checked.stdout + checked.stderr)[:2000]


def _known(step: dict[str, Any]) -> dict[str, Any]:
    return {"script": "exit 0", "displayName": step["displayName"]} if step.get("task") in TASKS else step


@pytest.mark.parametrize("name", PIPELINES)
def test_no_secret_stands_in_a_pipeline(name: str) -> None:
    """They are in service connections; the token of a run is a variable."""
    text = PIPELINES[name].replace('"AuthToken": "$(system.AccessToken)"', "")
    assert not re.search(r"(?i)(secret|password|token|key)\"?\s*[:=]", text)


@pytest.mark.parametrize("shell", ["echo", "Write-Host"])
def test_images_are_told_of_by_the_one_line(shell: str) -> None:
    """Byte by byte that of the code, which has its own tests, wherever it stands."""
    lines = [line.strip() for line in (image_tag.__doc__ or "").splitlines() if "build.addbuildtag]" in line]
    (line,) = [line for line in lines if line.startswith(shell)]
    page = [text for language in ("sh", "powershell") for text in blocks(IMAGES, language)]
    scripts = [step[key] for name in PIPELINES for step in steps_of(name) for key in ("bash", "pwsh") if key in step]
    told = [text.strip() for text in (*page, *scripts) if "addbuildtag" in text and text.startswith(shell)]
    assert told
    assert set(told) == {line}
    assert all(step["env"]["IMAGE"] for step in steps_of("tag-image") if "checkout" not in step)


def test_the_headers_to_paste_make_a_check() -> None:
    """Its build and its timeline are known, and its token is; by code or by password."""
    (written,) = [text for text in blocks(IMAGES, "json") if "PlanUrl" in text]
    headers = json.loads(filled(written))
    for whole, query in ((headers, {"code": CHECK_SECRET}), (headers | {"Authorization": basic(CHECK_SECRET)}, {})):
        point = CheckPoint()
        assert point.send(whole=whole, query=query).status == 200
        assert (point.check().build_id, point.check().timeline_id, point.token()) == (31, TIMELINE, TOKEN)


def test_the_headers_hold_where_there_is_no_timeline() -> None:
    """A check is not always told it."""
    (written,) = [text for text in blocks(IMAGES, "json") if "PlanUrl" in text]
    headers = json.loads(filled(written.replace("system.TimelineId", "system.NoTimelineId")))
    assert CheckPoint().send(whole=headers, query={"code": CHECK_SECRET}).status == 200


def test_the_gate_job_asks_as_the_page_says() -> None:
    """With the same headers, for the image that was built and its source, and patient enough."""
    gate = jobs_of("gate-job")["gate"]
    ((ask,), promote) = (gate["steps"], jobs_of("gate-job")["promote"])
    inputs = ask["inputs"]
    (written,) = [text for text in blocks(IMAGES, "json") if "PlanUrl" in text]
    assert json.loads(inputs["headers"]) == json.loads(written)
    wishes = wishes_in(filled(inputs["body"]).encode())
    assert (wishes.judges, wishes.mode) == ((StatusName.SOURCE, StatusName.IMAGE), Mode.CALLBACK)
    assert wishes.images == (VARIABLES["image"],)
    assert (gate["pool"], inputs["waitForCompletion"]) == ("server", "true")
    assert int(gate["timeoutInMinutes"]) * 60 > Settings.model_fields["deadline_seconds"].default
    assert "gate" in promote["dependsOn"]


def test_the_page_names_a_timeout_above_the_default_deadline() -> None:
    """Or a stage would be skipped before its answer."""
    minutes, default = re.findall(r"`SCANGATE_DEADLINE_SECONDS`: (\d+) minutes for the default of (\d+)", IMAGES)[0]
    assert int(default) * 60 == Settings.model_fields["deadline_seconds"].default
    assert int(minutes) > int(default)


def test_the_keys_of_a_checks_body_are_those_that_are_read() -> None:
    """With their defaults."""
    table = IMAGES.split("The body is a JSON object", 1)[1].split("**What happens.**", 1)[0]
    keys = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    values = {"judge": ["image"], "images": ["fabrikam.azurecr.io/shop:1"], "buildId": 31, "mode": "answer"}
    assert set(keys) == values.keys()
    wishes = wishes_in(json.dumps(values).encode())
    assert (wishes.judges, wishes.mode, wishes.build_id) == ((StatusName.IMAGE,), Mode.ANSWER, 31)
    assert wishes_in(b"").judges == (StatusName.IMAGE,)


def test_an_answer_at_once_is_as_the_page_shows_it() -> None:
    """With the fields that are there, and criteria that hold for a pass alone."""
    (written,) = [text for text in blocks(IMAGES, "json") if '"status"' in text]
    answer = CheckPoint().send({"mode": "answer"})
    assert json.loads(written).keys() <= answer.body.keys()
    (criteria,) = re.findall(r"`(eq\(root.*?)`", IMAGES)
    states = ["unknown", *Outcome]
    assert [state for state in states if holds(criteria, {"status": state})] == [Outcome.PASSED]
    minutes = re.findall(r"say (\d+) and (\d+) minutes", IMAGES)[0]
    assert int(minutes[1]) / int(minutes[0]) <= 10


def test_the_registries_on_the_page_can_be_configured() -> None:
    """Each kind of login, and the keys of the table are all there are."""
    (written,) = [text for text in blocks(IMAGES, "json") if "hook_secrets" in text]
    numbers = count(1)
    settings = OrganisationSettings.model_validate_json(re.sub("…", lambda _: f"s{next(numbers)}", written))
    assert {registry.login.value for registry in settings.registries} == {"entra", "basic", "anonymous"}
    table = IMAGES.split("## Registries", 1)[1].split("## A check", 1)[0]
    explained = set(re.findall(r"`(\w+)`", table))
    assert set(type(settings.registries[0]).model_fields) <= explained


def test_the_rules_on_the_pages_are_rules() -> None:
    """And the references in them can be images."""
    found = [read_rules(text.encode(), Rules()) for page in (IMAGES, MOVING) for text in blocks(page, "yaml")]
    assert len(found) == 2
    for rules in found:
        assert rules.images == (
            ImageRule(pipeline="shop", image="fabrikam.azurecr.io/shop:$(Build.BuildId)", platforms=()),
        )
        assert image_reference(filled(rules.images[0].image)).tag == "31"


def test_the_rules_for_moving_over_ask_what_the_tasks_asked() -> None:
    """Input by input, of the pipeline that stands beside them."""
    inputs: dict[str, str] = {}
    for step in steps_of("moving-before"):
        inputs |= step.get("inputs", {}) if step.get("task") in TASKS else {}
    (text,) = blocks(MOVING, "yaml")
    rules = read_rules(text.encode(), Rules())
    assert rules.thresholds == Thresholds(fail_on_severity=Severity(int(inputs["failOnSeverity"])))
    assert list(rules.exclude_dirs) == inputs["excludeDirs"].split(",")
    assert ("secret" in rules.scan_types) is (inputs["scanSecrets"] == "true")
    assert [platform.text for platform in rules.platforms] == [inputs["platform"]]
    image = yaml.safe_load(PIPELINES["moving-before"])["variables"]["image"]
    assert (inputs["imageId"], rules.images[0].image) == ("$(image)", image)
    assert not [step for step in steps_of("moving-after") if step.get("task") in TASKS]


def test_every_input_of_the_tasks_has_its_place() -> None:
    """Their names are those of version 2 of the tasks, and of version 1 for the limits."""
    told = set(re.findall(r"`(\w+)`", MOVING.split("## What becomes of each input", 1)[1]))
    limits = {f"max{severity}" for severity in ("Critical", "High", "Medium", "Low")}
    both = {"qualysConnection", "usePolicyEvaluation", "policyTags", "failOnSeverity", "scanSecrets", "scanTimeout"}
    both |= {"continueOnError", "publishResults", "createWorkItems", "workItemSeverities", "workItemAreaPath"}
    of_images = {"imageId", "storageDriver", "platform"}
    of_sources = {"scanPath", "excludeDirs", "excludeFiles", "offlineScan", "generateSbom", "sbomFormat"}
    outputs = {"vulnerabilityCount", "criticalCount", "highCount", "mediumCount", "lowCount", "policyResult"}
    outputs |= {"scanPassed", "reportPath", "sbomPath", "workItemsCreated"}
    assert limits | both | of_images | of_sources | outputs <= told


def test_what_inputs_become_is_there() -> None:
    """Keys of rules and settings, by the names they have."""
    rows = re.findall(r"^\|[^|]*\| (.*) \|$", MOVING.split("## What becomes of each input", 1)[1], re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z]+_[a-z_]+)\b", row)}
    reasons = {"policy_allow", "policy_deny", "policy_audit"}
    assert named
    assert named - reasons <= (Rules.model_fields.keys() | Thresholds.model_fields.keys())
