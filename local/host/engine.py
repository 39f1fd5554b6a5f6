"""Drives the worker engine that Azure runs, azure-functions-runtime, in this process: indexes an app and invokes it.

The interface is half-private and pinned at 1.3.0. One app a process: the engine keeps its registry in its modules.
"""

import importlib
import logging
import os
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime.native_invocation import invocation_request_native

from local.host.bindings import Function, UnsupportedBinding, parse_function
from local.host.datums import TriggerInput

_log = logging.getLogger("local.host")

# Microsoft, "How to disable functions in Azure Functions": the setting's documented values.
_YES = {"1", "true"}
_SCRIPT = "function_app.py"


class _Message:
    """Stands in for the protobuf messages that the engine builds: whatever it is given becomes an attribute."""

    def __init__(self, **fields: Any) -> None:  # noqa: ANN401 - the engine's own objects
        self.__dict__.update(fields)


def _protos() -> SimpleNamespace:
    """The message types that indexing touches, and the numbers of the protocol's enumerations."""
    names = (
        "WorkerInitResponse",
        "WorkerMetadata",
        "RpcException",
        "FunctionMetadataResponse",
        "RpcFunctionMetadata",
        "RpcRetryOptions",
    )
    messages: dict[str, Any] = dict.fromkeys(names, _Message)
    messages["StatusResult"] = type("StatusResult", (_Message,), {"Failure": 0, "Success": 1, "Cancelled": 2})
    messages["BindingInfo"] = type("BindingInfo", (_Message,), {"in": 0, "out": 1, "inout": 2, "undefined": 0})
    return SimpleNamespace(**messages)


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an app folder holds: its functions, or why it has none."""

    functions: tuple[Function, ...]
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended: `returned` is the engine's Datum of what a successful function returned."""

    succeeded: bool
    returned: Any = None


type Invoke = Callable[[Function, TriggerInput], Awaitable[Outcome]]
"""Runs a function once; what `Engine.invoke` does."""


@dataclass(slots=True)
class Engine:
    """The one function app of this process."""

    app_dir: Path
    settings: Mapping[str, str]
    running: dict[str, str] = field(default_factory=dict)
    """Function names by the ids of the invocations that run now."""

    async def index(self) -> Indexed:
        """Import function_app.py and list its functions.

        An app whose import fails has no functions, as on Azure's Flex Consumption plan. A function with a binding that
        this host does not serve is left out. Both are logged.
        """
        # Azure's worker does both before it imports an app. The pool's size is PYTHON_THREADPOOL_THREAD_COUNT.
        sys.path.insert(0, str(self.app_dir))
        os.chdir(self.app_dir)
        importlib.invalidate_caches()
        runtime.start_threadpool_executor()
        try:
            metadata = await self._load()
        except Exception as error:  # noqa: BLE001 - an app may raise anything when it is imported
            _log.exception("the app in %s cannot be imported, so it has no functions", self.app_dir)
            return Indexed((), f"{type(error).__name__}: {error}")
        return Indexed(tuple(function for one in metadata if (function := self._served(one)) is not None))

    async def _load(self) -> list[Any]:
        if not (self.app_dir / _SCRIPT).is_file():
            raise FileNotFoundError(f"{self.app_dir / _SCRIPT} does not exist")
        init = SimpleNamespace(capabilities={}, function_app_directory=str(self.app_dir))
        request = SimpleNamespace(
            request=SimpleNamespace(worker_init_request=init), properties={"host": "127.0.0.1", "protos": _protos()}
        )
        try:
            answer = await runtime.worker_init_request(request)
        except SystemExit as stop:
            raise ImportError(f"the app asked the process to exit ({stop})") from stop
        if answer.result.status != 1:
            raise ImportError(f"{answer.result.exception.message}\n{answer.result.exception.stack_trace}")
        listed = await runtime.functions_metadata_request(None)
        return list(listed.function_metadata_results or ())

    def _served(self, metadata: Any) -> Function | None:  # noqa: ANN401 - a _Message with attributes of the engine's making
        if self.settings.get(f"AzureWebJobs.{metadata.name}.Disabled", "").lower() in _YES:
            _log.info("the function %s is disabled by its setting", metadata.name)
            return None
        try:
            return parse_function(metadata.name, metadata.function_id, metadata.raw_bindings, self.settings)
        except UnsupportedBinding as error:
            _log.error("the function %s is left out, the local host cannot serve it: %s", metadata.name, error)
            return None

    async def invoke(self, function: Function, given: TriggerInput) -> Outcome:
        """Run a function once: in the worker's thread pool, or on the event loop if it is a coroutine.

        Args:
            function: the function.
            given: what its trigger hands it.

        Returns:
            How it ended; what it raised is logged under its name, never raised here.
        """
        invocation = str(uuid.uuid4())
        self.running[invocation] = function.name
        # What the engine itself logs for this invocation carries the id too.
        token = runtime.invocation_id_cv.set(invocation)
        begun = time.monotonic()
        try:
            succeeded, returned, _outputs, _error, _traceback = await invocation_request_native(
                invocation, function.id, [(function.parameter, given.value)], given.metadata
            )
            word = "Succeeded" if succeeded else "Failed"
            _log.info("Executed %s (%s, Duration=%dms)", function.name, word, (time.monotonic() - begun) * 1000)
        finally:
            runtime.invocation_id_cv.reset(token)
            del self.running[invocation]
        return Outcome(succeeded=succeeded, returned=returned)
