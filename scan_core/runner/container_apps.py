"""Workers as executions of one Azure Container Apps job with a manual trigger.

The job is started as it stands, with no override: an override would replace the whole template, its volume and its init
container included ("Jobs - Start", Container Apps REST API). Which execution took which attempt stands in the claim.
"""

import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, ResourceNotFoundError, ServiceResponseTimeoutError
from azure.core.pipeline.policies import RetryPolicy
from azure.mgmt.appcontainers import ContainerAppsAPIClient
from azure.mgmt.appcontainers.models import JobExecution
from azure.mgmt.core.polling.arm_polling import ARMPolling
from azure.mgmt.core.tools import parse_resource_id

from scan_core.runner.api import RunnerError
from scan_core.runner.azure_refusals import is_refused_as_it_stands, refusal, wait_seconds
from scan_core.runner.execution_ends import ALIVE, ENDED, reason, state
from scan_core.runner.places import Census, Places

_API_VERSION: Final = "2025-01-01"
"""The version that the job is deployed with (infra/modules/scan-job.bicep). The SDK's own default may be one that Azure
does not know in the job's region yet: NoRegisteredProviderFound (azure-sdk-for-python, issue 49044)."""
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 15
_NAME_SECONDS: Final = 20.0
"""How long the name of an execution is waited for after Azure took the order to start it."""
_POLL_SECONDS: Final = 1.0
"""Between two questions for it, unless Azure says how long to wait."""
_EXECUTION: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,126}[A-Za-z0-9])?")
"""Names stand in paths: ``..`` as an execution to stop would be the job, and stop everything."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobId:
    """Which job."""

    subscription: str
    resource_group: str
    name: str

    @classmethod
    def parse(cls, resource_id: str) -> Self:
        """Read a job's resource id.

        Args:
            resource_id: ``/subscriptions/…/resourceGroups/…/providers/Microsoft.App/jobs/…``.

        Returns:
            Its parts.

        Raises:
            ValueError: It is not the id of a job.
        """
        parts = parse_resource_id(resource_id)
        kind = f"{parts.get('namespace')}/{parts.get('type')}".lower()
        if kind != "microsoft.app/jobs" or parts.get("child_name_1") or not parts.get("resource_group"):
            message = "expected the resource id of a Container Apps job"
            raise ValueError(message)
        return cls(str(parts["subscription"]), str(parts["resource_group"]), str(parts["name"]))


class ContainerAppsRunner:
    """Starts, stops and looks at executions. Safe to share between threads."""

    def __init__(self, job: JobId, max_workers: int, credential: TokenCredential, endpoint: str | None = None) -> None:
        """Know the job; nothing is asked of Azure yet.

        Args:
            job: The job.
            max_workers: How many executions may run at once.
            credential: Gives tokens for Azure Resource Manager.
            endpoint: Another Resource Manager than that of Azure's public cloud, over plain http: a stand-in on this
                machine.
        """
        self._job = job
        self._credential = credential
        self._endpoint = endpoint
        # A token is shown to whom it is meant for, or to this machine; the SDK refuses plain http unless told.
        self._options: dict[str, Any] = {} if endpoint is None else {"enforce_https": False}
        self._places = Places(max_workers, self._count)
        self._quiet_until = 0.0

    def start(self) -> str | None:
        """Start one worker. An answer that was lost does no harm: who finds no attempt ends at once.

        Returns:
            The name of its execution; None where `max_workers` run already.

        Raises:
            RunnerError: It could not be started, or nobody knows.
        """
        self._refuse_while_quiet()
        if not self._places.take():
            return None
        name = None
        try:
            name = self._start()
        finally:
            self._places.settle(name)
        return name

    def stop(self, execution: str) -> None:
        """Have a worker ended; Azure gives it its grace, and this does not wait for it.

        Args:
            execution: The name of its execution.

        Raises:
            RunnerError: Azure did not take the order.
        """
        if not _EXECUTION.fullmatch(execution):
            return
        try:
            self._client.jobs.begin_stop_execution(*self._place, execution, polling=False, **self._options)
        except ResourceNotFoundError:
            return
        except (AzureError, ValueError) as error:
            if is_refused_as_it_stands(error) and self.is_alive(execution) is False:
                return
            raise refusal(error, "stop a worker", self._job.name) from None

    def is_alive(self, execution: str) -> bool | None:
        """Tell whether a worker runs.

        Args:
            execution: The name of its execution.

        Returns:
            Whether it runs; False also for one that Azure does not know any more; None where it cannot be told.
        """
        try:
            found = self._look(execution)
        except RunnerError as error:
            _log.warning("%s", error.sentence)
            return None
        if found is None:
            return False
        return {**dict.fromkeys(ALIVE, True), **dict.fromkeys(ENDED, False)}.get(state(found))

    def reason_of(self, execution: str) -> str | None:
        """Say how a worker ended, by what Azure remembers of it.

        Args:
            execution: The name of its execution.

        Returns:
            One line with the state, and the containers' exit codes and Azure's reasons where its API tells them (at
            `_API_VERSION` it does not); None where it has not ended, or Azure does not know it any more.

        Raises:
            RunnerError: Azure could not be asked.
        """
        found = self._look(execution)
        return None if found is None else reason(found)

    @cached_property
    def _client(self) -> ContainerAppsAPIClient:
        return ContainerAppsAPIClient(
            self._credential,
            self._job.subscription,
            self._endpoint,
            api_version=_API_VERSION,
            # Whoever asks comes back later; a retry in here would hold a thread of the app meanwhile.
            retry_policy=RetryPolicy.no_retries(),
            connection_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
        )

    @property
    def _place(self) -> tuple[str, str]:
        return self._job.resource_group, self._job.name

    def _start(self) -> str:
        waiting = _Patience(_NAME_SECONDS, self._options)
        with self._asking("start a worker"):
            started = self._client.jobs.begin_start(*self._place, polling=waiting, **self._options).result()
        # The SDK gives None for an answer without a body, whatever its types say.
        name = getattr(started, "name", None)
        if not isinstance(name, str) or not _EXECUTION.fullmatch(name):
            sentence = "Azure took the order to start a worker and gave no name that can be used; it may run."
            raise RunnerError(sentence, transient=True)
        return name

    def _look(self, execution: str) -> JobExecution | None:
        if not _EXECUTION.fullmatch(execution):
            return None
        with self._asking("tell how a worker is"):
            try:
                return self._client.job_execution(*self._place, execution, **self._options)
            except ResourceNotFoundError:
                return None

    def _count(self) -> Census:
        """Count in the list of executions, which holds those that run and about a hundred that ended.

        A state that Azure itself cannot tell takes no place: one that stays so would lower the cap for ever.
        """
        with self._asking("list the workers"):
            found = list(self._client.jobs_executions.list(*self._place, **self._options))
        names = {str(execution.name): state(execution) for execution in found}
        running = frozenset(name for name, status in names.items() if status in ALIVE)
        return Census(running, frozenset(names))

    def _refuse_while_quiet(self) -> None:
        left = self._quiet_until - time.monotonic()
        if left > 0:
            sentence = f"Azure wants {left:.0f} more seconds of quiet before a worker is started."
            raise RunnerError(sentence, transient=True)

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except (AzureError, ValueError) as error:
            self._quiet_until = max(self._quiet_until, time.monotonic() + wait_seconds(error))
            # Without the cause: the SDK's errors repeat what was answered.
            raise refusal(error, what, self._job.name) from None


class _Patience(ARMPolling):
    """Asks for the outcome of an order as the SDK does, but not for ever."""

    def __init__(self, seconds: float, options: dict[str, Any]) -> None:
        super().__init__(_POLL_SECONDS, **options)
        self._ends = time.monotonic() + seconds

    def _delay(self) -> None:
        if time.monotonic() + self._extract_delay() > self._ends:
            raise ServiceResponseTimeoutError("the order was taken, and its outcome is still not known")
        super()._delay()
