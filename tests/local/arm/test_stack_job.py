"""The job of a local stack, as it is put into the stand-in."""

import json

import pytest

from local.stack.job import RESOURCE_ID, JobRefused, definition, deploy
from local.stack.plan import Plan
from tests.local.arm.driver import HEADER, Arm

CONNECTION = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5a2V5a2V5;"
    "BlobEndpoint=http://127.0.0.1:1/devstoreaccount1;QueueEndpoint=http://127.0.0.1:1/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:1/devstoreaccount1;"
)


def plan(arm: Arm, **changes: str) -> Plan:
    """Plan a stack around a stand-in."""
    return Plan.new().model_copy(
        update={"arm_port": arm.config.port, "identity_header": HEADER, "runner": "container-apps", **changes}
    )


def test_it_is_made_with_a_token_of_its_own(arm: Arm) -> None:
    """And made again with each start of the stack."""
    for _ in range(2):
        deploy(plan(arm), CONNECTION)
    shown = arm.call("GET", RESOURCE_ID).json()["properties"]
    assert [one["name"] for one in shown["configuration"]["secrets"]] == [
        "qualys-access-token",
        "devops-pat",
        "attempts-queue",
        "registries",
    ]


def test_a_stand_in_that_refuses_is_reported(arm: Arm) -> None:
    """With its answer."""
    with pytest.raises(JobRefused, match="refused \\(401\\)"):
        deploy(plan(arm, identity_header="wrong"), CONNECTION)


def test_a_scanner_in_a_folder_that_is_called_work_is_found(arm: Arm) -> None:
    """What stands below the shared folder is moved into the worker's own; a path of this machine is not below it."""
    body = definition(plan(arm, scanner="/work/checkout/qscanner"), CONNECTION)["properties"]["template"]
    (scan,) = body["containers"]
    (mount,) = scan["volumeMounts"]
    told = {one["name"]: one.get("value", "") for one in scan["env"]}
    assert told["SCANGATE_WORKER_DIR"] == mount["mountPath"]
    assert told["SCANGATE_QSCANNER"] == "/work/checkout/qscanner"
    assert not told["SCANGATE_QSCANNER"].startswith(f"{mount['mountPath']}/")


def test_no_secret_stands_in_a_variable(arm: Arm) -> None:
    """Only references; the scan step is told nothing of Azure DevOps, and has no identity."""
    known = plan(arm)
    body = definition(known, CONNECTION)
    template = json.dumps(body["properties"]["template"])
    for secret in (known.qualys_token, known.devops_token, "sig="):
        assert secret not in template
    (scan,) = body["properties"]["template"]["containers"]
    names = {one["name"] for one in scan["env"]}
    assert {"QUALYS_ACCESS_TOKEN", "SCANGATE_QSCANNER", "SCANGATE_WORKER_DIR"} <= names
    assert not any("DEVOPS" in name or "QUEUE" in name for name in names)
    assert {one["lifecycle"] for one in body["properties"]["configuration"]["identitySettings"]} == {"Init"}
