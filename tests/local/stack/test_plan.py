"""What the parts of a stack agree on, and that a folder remembers it."""

import json
from pathlib import Path

from local.stack.plan import Plan, plan_in

_SINCE_IMAGES = {"registry_port", "registry_password", "pull_password", "check_secret", "sealing_key"}


def test_a_plan_from_before_there_was_a_registry_still_loads(tmp_path: Path) -> None:
    """What it lacks is chosen once and then kept, for tokens and references carry the registry's port."""
    old = Plan.new().model_dump(exclude=_SINCE_IMAGES)
    (tmp_path / "stack.json").write_text(json.dumps(old))
    first = plan_in(tmp_path)
    assert first.model_dump(exclude=_SINCE_IMAGES) == old
    assert first.registry_port
    assert plan_in(tmp_path) == first


def test_no_two_stacks_share_a_secret_and_no_two_parts_a_port() -> None:
    """Each secret is good for one thing alone."""
    one, other = Plan.new(), Plan.new()
    ports = {one.app_port, one.devops_port, one.arm_port, one.registry_port}
    assert len(ports) == 4
    names = ("hook_secret", "check_secret", "sealing_key", "registry_password", "pull_password", "identity_header")
    secrets = [getattr(plan, name) for plan in (one, other) for name in names]
    assert len(set(secrets)) == len(secrets)
    assert all(len(secret) >= 32 for secret in secrets)
    assert (one.registry, one.registry_url) == (
        f"127.0.0.1:{one.registry_port}",
        f"http://127.0.0.1:{one.registry_port}",
    )
