"""The list of registries that the job gets is made from the app's, by the script in docs/infrastructure.md."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from scan_core.registry.access import RegistryAccess
from scan_core.settings.organisation import OrganisationSettings
from scan_core.worker.environment import fetch_environment
from tests.infra.bicep_text import INFRA

DOCUMENT = (INFRA.parent / "docs" / "infrastructure.md").read_text()
LINK = "https://account.queue.core.windows.net/scan-attempts"
ORGANISATIONS: dict[str, Any] = {
    "Fabrikam": {
        "url": "https://dev.azure.com/fabrikam",
        "hook_secrets": ["the hooks' own secret"],
        "check_secrets": ["the checks' own secret"],
        "registries": [
            {"url": "https://fabrikam.azurecr.io", "login": "entra"},
            {"url": "https://r.example", "login": "basic", "username": "u", "password": "a password", "private": True},
        ],
    },
    "contoso": {"url": "https://dev.azure.com/contoso", "hook_secrets": ["another"]},
}


def made(organisations: dict[str, Any], folder: Path) -> str:
    """Run the script as an operator does."""
    (script,) = re.findall(r"<!-- registries of the job -->\n```sh\n(.*?)```\n<!-- end -->", DOCUMENT, re.DOTALL)
    (folder / "organisations").write_text(json.dumps(organisations))
    subprocess.run(["bash", "-euc", script], env={**os.environ, "work": str(folder)}, check=True, timeout=60)
    return (folder / "registries").read_text()


def test_the_fetch_step_reads_what_the_script_makes(tmp_path: Path) -> None:
    """Each registry for its organisation alone, by the name under which attempts know it, with its login whole."""
    variables = {
        "SCANGATE_WORKER_DIR": str(tmp_path),
        "SCANGATE_EXECUTION": "worker-1",
        "SCANGATE_ATTEMPTS_QUEUE": LINK,
        "SCANGATE_DEVOPS_ORIGINS": '["https://dev.azure.com/fabrikam/"]',
        "SCANGATE_REGISTRIES": made(ORGANISATIONS, tmp_path),
    }
    told = fetch_environment(variables)
    assert told.registries_of("contoso") == []
    described = OrganisationSettings.model_validate(ORGANISATIONS["Fabrikam"])
    assert [
        RegistryAccess.model_validate({name: value for name, value in one.items() if name != "organisation"})
        for one in told.registries_of("fabrikam")
    ] == [registry.access() for registry in described.registries]


def test_nothing_else_of_the_app_s_secret_gets_there(tmp_path: Path) -> None:
    """The passwords of hooks and checks are none of the job's business."""
    assert "secret" not in made(ORGANISATIONS, tmp_path)
