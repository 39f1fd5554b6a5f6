"""Checks of pipelines: a build that waits for our answer, and the gate that gives it."""

from typing import Any

from scan_core.intake.sealing import context_of, seal
from scan_core.model.gate import Gate
from scan_core.model.place import CheckPlace
from scan_core.model.subject import Check
from tests.flow.builds import tag
from tests.flow.conftest import SEALING_KEY
from tests.flow.world import ORG, World
from tests.local.devops.driver import Receiver
from tests.local.devops.pipelines import BuildRun, Reached, asked, function_check

HEADERS = {"BuildId": "$(Build.BuildId)", "TimelineId": "$(system.TimelineId)"}
"""What a check's author adds to those of the documentation."""


def check_of(headers: dict[str, str], **changes: Any) -> Check:
    """Make the check that headers come to."""
    known = {
        "organisation": ORG,
        "project_id": headers["ProjectId"].lower(),
        "hub": headers["HubName"],
        "plan_id": headers["PlanId"].lower(),
        "job_id": headers["JobId"].lower(),
        "task_id": headers["TaskInstanceId"].lower(),
        "timeline_id": headers.get("TimelineId"),
        "build_id": headers.get("BuildId"),
        **changes,
    }
    check = Check.model_validate(known)
    token = changes.get("token", headers["AuthToken"])
    return check.model_copy(update={"sealed_token": seal(token, [SEALING_KEY], context_of(check))})


def waiting(build: BuildRun, receiver: Receiver, **more: Any) -> tuple[Reached, Check]:
    """Let a build reach a stage whose check waits for us."""
    stage, headers = asked(build, receiver, headers=HEADERS)
    return stage, check_of(headers, **more)


def at_a_later_stage(build: BuildRun, receiver: Receiver) -> tuple[Reached, Check]:
    """Let a build reach a further stage whose check waits."""
    before = len(receiver.bodies)
    stage = build.reach_stage("later", checks=[function_check(receiver.url, headers=HEADERS)])
    receiver.waited(before + 1)
    return stage, check_of(receiver.headers[-1])


def gate_of(world: World, check: Check) -> Gate:
    """Read the gate of a check."""
    gate = world.at(CheckPlace(check=check))
    assert gate is not None
    return gate


def started(world: World, *images: str, **more: Any) -> BuildRun:
    """Begin a build that has pushed images, and goes on."""
    repo = world.repository(rules=more.pop("rules", None))
    build = world.sim.build(repo)
    for image in images:
        world.registry.push(image)
        build.tag(tag(image))
    return build
