"""One call of the SDK: for a purpose, and ending in an answer or in a DevOpsError."""

from collections.abc import Callable
from typing import Any

from scan_core.devops.errors import DevOpsError
from scan_core.devops.reading import malformed
from scan_core.devops.sdk import ClientException
from scan_core.devops.transport import Errand, errand


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
    with errand(purpose):
        try:
            answer = call()
        except DevOpsError:
            raise
        except (ClientException, AttributeError, TypeError, ValueError, RecursionError) as error:
            what = f"the SDK could not read Azure DevOps' answer ({type(error).__name__})"
            raise malformed(purpose.doing, what) from None
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
