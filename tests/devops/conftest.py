"""A server and an adapter that calls it, both gone after the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from scan_core.devops.client import DevOps
from scan_core.devops.identity import personal_access_token
from tests.devops.samples import ORGANISATION
from tests.devops.strict_server import Handler, StrictServer

PAT = "pat-of-the-test"

type Calling = Callable[..., tuple[DevOps, StrictServer]]


@pytest.fixture
def calling() -> Iterator[Calling]:
    """Give a function that starts a server with a handler, and an adapter that calls it."""
    with ExitStack() as stack:

        def start(handler: Handler, **options: Any) -> tuple[DevOps, StrictServer]:
            server = stack.enter_context(StrictServer(handler))
            authorization = options.pop("authorization", personal_access_token(PAT))
            devops = DevOps(ORGANISATION, options.pop("url", server.url), authorization, **options)
            stack.enter_context(closing(devops))
            return devops, server

        yield start
