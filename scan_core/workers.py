"""Builds what starts workers, and says what each of their steps is given."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from scan_core.settings.deployment import Settings
from scan_core.store.queues import Queues

if TYPE_CHECKING:
    from scan_core.runner.api import Runner

_FETCH_LINK = timedelta(hours=6)
_WORKER_SPARE_SECONDS = 300
"""What a container has on top of the longest fetch and scan: to come up, to upload, to be told to end."""


def runner_of(settings: Settings, queues: Queues, now: Callable[[], datetime]) -> "Runner":
    """Build the runner that the settings name. Nothing is started or asked for yet.

    Args:
        settings: The settings.
        queues: Where attempts wait; each worker that is started on this host gets a link of its own to them.
        now: Tells the time, in UTC; the link counts from it.

    Returns:
        The runner.
    """
    match settings.runner:
        case "process":
            return _process_runner(settings, queues, now)
        case "container":
            return _container_runner(settings, queues, now)
        case "container_apps":
            return _container_apps_runner(settings)
        case "none":
            from scan_core.runner.platform import PlatformRunner  # noqa: PLC0415 - of each kind only the one named

            return PlatformRunner()


def _process_runner(settings: Settings, queues: Queues, now: Callable[[], datetime]) -> "Runner":
    from scan_core.runner.process import ProcessRunner  # noqa: PLC0415

    return ProcessRunner(
        folder=settings.runner_folder.absolute(),
        max_workers=settings.max_workers,
        fetch_environment=lambda: _fetch_environment(settings, queues, now()),
        scan_environment=_scan_environment(settings.scan_environment_file),
    )


def _container_apps_runner(settings: Settings) -> "Runner":
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - only where Azure is

    from scan_core.runner.container_apps import ContainerAppsRunner, JobId  # noqa: PLC0415 - likewise

    # The endpoint that gives tokens is near: a call waits seconds for it, not the library's minute of retries.
    credential = ManagedIdentityCredential(
        client_id=settings.identity_client_id, connection_timeout=5, read_timeout=5, retry_total=1
    )
    job = JobId.parse(str(settings.job_resource_id))
    return ContainerAppsRunner(job, settings.max_workers, credential, settings.management_endpoint)


def _container_runner(settings: Settings, queues: Queues, now: Callable[[], datetime]) -> "Runner":
    from scan_core.runner.container import Allowance, ContainerRunner  # noqa: PLC0415

    return ContainerRunner(
        folder=settings.runner_folder.absolute(),
        max_workers=settings.max_workers,
        engine=settings.container_engine,
        image=str(settings.scanner_image),
        allowance=Allowance(
            network=settings.container_network,
            cpus=settings.container_cpus,
            memory_bytes=settings.container_memory_bytes,
            seconds=settings.fetch_limit_seconds + settings.scan_limit_seconds + _WORKER_SPARE_SECONDS,
        ),
        fetch_environment=lambda: _fetch_environment(settings, queues, now()),
        scan_environment=_scan_environment(settings.scan_environment_file),
    )


def _fetch_environment(settings: Settings, queues: Queues, now: datetime) -> Mapping[str, str]:
    environment = {
        "SCANGATE_ATTEMPTS_QUEUE": queues.attempts_link(now + _FETCH_LINK),
        "SCANGATE_DEVOPS_ORIGINS": json.dumps([described.url + "/" for described in settings.organisations.values()]),
        "SCANGATE_REGISTRIES": json.dumps(list(_registries(settings))),
    }
    if settings.devops_pat is not None:
        environment["SCANGATE_DEVOPS_PAT"] = settings.devops_pat.get_secret_value()
    return environment


def _registries(settings: Settings) -> Iterator[dict[str, object]]:
    """Describe every listed registry as the fetch step reads it, passwords too: they go nowhere else."""
    for organisation, described in settings.organisations.items():
        for registry in described.registries:
            password = None if registry.password is None else registry.password.get_secret_value()
            told = registry.model_dump(mode="json", exclude={"password"})
            yield {"organisation": organisation, **told, "password": password}


def _scan_environment(file: Path | None) -> Callable[[], Mapping[str, str]]:
    if file is None:
        return dict
    return lambda: _environment_in(file)


def _environment_in(file: Path) -> dict[str, str]:
    from scan_core.runner.api import RunnerError  # noqa: PLC0415

    try:
        return TypeAdapter(dict[str, str]).validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        # Without the cause: pydantic repeats what it read, and the Qualys token stands there.
        sentence = f"SCANGATE_SCAN_ENVIRONMENT_FILE: {file} cannot be read as a JSON object ({type(error).__name__})."
        raise RunnerError(sentence, transient=True) from None
