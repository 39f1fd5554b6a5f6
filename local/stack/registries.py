"""The stack's registry, as the app and its workers know it."""

from typing import Final

from local.stack.plan import Plan

PULLER: Final = "app"
"""Who may pull and nothing else."""


def listed(plan: Plan) -> dict[str, str | bool]:
    """Describe the registry as the settings list it.

    Args:
        plan: The stack's plan.

    Returns:
        An entry of an organisation's ``registries``: with a password for workers that are processes of the app; for
        those of a job by managed identity, as in Azure, with no password anywhere.
    """
    place: dict[str, str | bool] = {"url": plan.registry_url, "private": True}
    if plan.runner == "container-apps":
        return {**place, "login": "entra"}
    return {**place, "login": "basic", "username": PULLER, "password": plan.pull_password}
