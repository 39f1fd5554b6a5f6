"""The stack's registry as its parts are told of it: who may push, who may pull, and as whom the app comes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.registry.__main__ import ACCESS_SETTING
from local.registry.access import parse_access
from local.registry.debian import debian_image
from local.registry.push import PushRefused, push_image
from local.registry.server import RegistryServer
from local.stack import job, parts
from local.stack.plan import REGISTRY_USER, LocalRunner, Plan
from local.stack.registries import PULLER, listed
from local.storage.account import Account, Ports, remember
from scan_core import wiring
from scan_core.model.ids import OrganisationName
from scan_core.model.image import image_reference
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from tests.local.arm.conftest import arm
from tests.local.arm.driver import HEADER, Arm
from tests.wired import unconfigured

__all__ = ["arm", "unconfigured"]


def planned(runner: LocalRunner, arm: Arm) -> Plan:
    """Plan a stack beside a stand-in for Azure Resource Manager."""
    return Plan.new().model_copy(
        update={"runner": runner, "arm_port": arm.config.port, "identity_header": HEADER, "scanner": "qscanner"}
    )


def set_up(plan: Plan, data: Path, environment: pytest.MonkeyPatch) -> None:
    """Set what the app is told, for storage that nobody asks."""
    (data / "storage").mkdir()
    remember(data / "storage", Account.new(Ports(1, 2, 3)))
    for name, value in parts.app(data, plan).environment.items():
        environment.setenv(name, value)


@pytest.fixture(params=["process", "container-apps"])
def plan(request: pytest.FixtureRequest, arm: Arm) -> Plan:
    """One plan for each way in."""
    return planned(request.param, arm)


@pytest.fixture
def registry(plan: Plan, tmp_path: Path) -> Iterator[RegistryServer]:
    """The registry, as its part is described."""
    part = parts.registry(tmp_path, plan)
    assert plan.pull_password not in " ".join(part.command)
    access = parse_access(part.environment[ACCESS_SETTING])
    with RegistryServer(tmp_path / "registry", access, port=plan.registry_port) as running:
        yield running


@pytest.fixture
def app(plan: Plan, tmp_path: Path, unconfigured: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The app's settings, as its part is described."""
    set_up(plan, tmp_path, unconfigured)
    return unconfigured


def test_the_app_may_pull_and_only_its_user_may_push(plan: Plan, registry: RegistryServer, app: None) -> None:
    """With a password where workers are processes, by its identity where they are a job's."""
    digest = push_image(registry.url, "shop", "1", debian_image(), (REGISTRY_USER, plan.registry_password))
    client = wiring._registry_client(OrganisationName(plan.org))
    assert client.resolve(image_reference(f"{plan.registry}/shop:1")).digest == digest
    with pytest.raises(PushRefused):
        push_image(registry.url, "shop", "2", debian_image(), (PULLER, plan.pull_password))


def test_the_app_says_where_an_identity_is_missing(arm: Arm, tmp_path: Path, unconfigured: pytest.MonkeyPatch) -> None:
    """With a token for Azure DevOps and no identity, a registry that wants one is not asked."""
    plan = planned("container-apps", arm)
    set_up(plan, tmp_path, unconfigured)
    unconfigured.delenv("IDENTITY_ENDPOINT")
    access = parse_access(parts.registry(tmp_path, plan).environment[ACCESS_SETTING])
    with (
        RegistryServer(tmp_path / "registry", access, port=plan.registry_port),
        pytest.raises(RegistryRefused, match="no managed identity here") as refused,
    ):
        wiring._registry_client(OrganisationName(plan.org)).resolve(image_reference(f"{plan.registry}/shop:1"))
    assert refused.value.kind is RefusalKind.REFUSED


def test_checks_have_secrets_of_their_own(plan: Plan, app: None) -> None:
    """And what answers them is sealed."""
    known = wiring.settings()
    (secret,) = known.organisations[OrganisationName(plan.org)].check_secrets
    (key,) = known.sealing_keys
    assert (secret.get_secret_value(), key.get_secret_value()) == (plan.check_secret, plan.sealing_key)


def test_a_job_fetches_by_identity(arm: Arm) -> None:
    """No password of the registry stands in it."""
    plan = planned("container-apps", arm)
    connection = Account.new(Ports(1, 2, 3)).connection_string
    body = job.definition(plan, connection)
    secrets = {one["name"]: one["value"] for one in body["properties"]["configuration"]["secrets"]}
    (fetch,) = body["properties"]["template"]["initContainers"]
    told = {one["name"]: secrets[one["secretRef"]] for one in fetch["env"] if "secretRef" in one}
    assert json.loads(told["SCANGATE_REGISTRIES"]) == [{"organisation": plan.org, **listed(plan)}]
    assert listed(plan)["login"] == "entra"
    assert plan.pull_password not in json.dumps(body)
