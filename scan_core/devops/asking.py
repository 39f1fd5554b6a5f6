"""One call of the SDK: for a purpose, and ending in an answer or in a DevOpsError."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from scan_core.devops.errors import DevOpsError
from scan_core.devops.reading import malformed
from scan_core.devops.sdk import ClientException
from scan_core.devops.transport import Errand, NextPage, errand

MAX_PAGES = 500
"""A listing this long is taken for one that never ends."""


def ask[T](purpose: Errand, call: Callable[[], T]) -> T:
    """Make one call of the SDK; what it cannot read becomes our error.

    Args:
        purpose: What the call is for.
        call: Calls the SDK.

    Returns:
        What the SDK made of the answer, never None.

    Raises:
        DevOpsError: The call failed, or its answer is not what the SDK expects (MALFORMED).
    """
    answer = _called(purpose, call)
    if answer is None:
        raise malformed(purpose.doing, "Azure DevOps gave no object")
    return answer


def ask_list(purpose: Errand, call: Callable[[], Any]) -> list[Any]:
    """Make one call of the SDK that gives a list.

    Args:
        purpose: What the call is for.
        call: Calls the SDK.

    Returns:
        The list of the SDK's models, which may hold `Unreadable`.

    Raises:
        DevOpsError: The call failed, or its answer is not a list (MALFORMED).
    """
    answer = ask(purpose, call)
    if not isinstance(answer, list):
        raise malformed(purpose.doing, "Azure DevOps gave no list for value")
    return answer


def ask_pages(purpose: Errand, call: Callable[[str | None], Any]) -> list[Any]:
    """Make the calls of the SDK that give a list page by page.

    Args:
        purpose: What the calls are for.
        call: Calls the SDK for the page that a continuation token names; None for the first.

    Returns:
        The SDK's models of all pages, which may hold `Unreadable`.

    Raises:
        DevOpsError: A call failed, a page is not a list, or the pages do not end (MALFORMED).
    """
    found: list[Any] = []
    seen: set[str | None] = {None}
    token: str | None = None
    for _ in range(MAX_PAGES):
        place = NextPage()
        page = replace(purpose, next_page=place)
        found += ask_list(page, partial(call, token))
        if place.token is None:
            return found
        if place.token in seen:
            raise malformed(purpose.doing, "Azure DevOps gave the same page of a list again")
        token = place.token
        seen.add(token)
    raise malformed(purpose.doing, f"the list did not end within {MAX_PAGES} pages")


def tell(purpose: Errand, call: Callable[[], object]) -> None:
    """Make one call of the SDK whose answer is its status alone.

    Args:
        purpose: What the call is for.
        call: Calls the SDK.

    Raises:
        DevOpsError: The call failed.
    """
    _called(replace(purpose, nothing=True), call)


def _called[T](purpose: Errand, call: Callable[[], T]) -> T:
    with errand(purpose):
        try:
            return call()
        except DevOpsError:
            raise
        except (ClientException, AttributeError, TypeError, ValueError, RecursionError) as error:
            what = f"the SDK could not read Azure DevOps' answer ({type(error).__name__})"
            raise malformed(purpose.doing, what) from None
