"""Whether storage can be reached and has what it should, told without changing anything."""

from collections.abc import Callable

from azure.core.exceptions import AzureError

from scan_core.onboarding.doctor import Check, Health
from scan_core.store.connection import CONTAINERS, QUEUES, TABLES, Storage

_SUBJECT = "storage"


def check_storage(connect: Callable[[], Storage]) -> Check:
    """List tables, queues and containers.

    Args:
        connect: Makes the clients.

    Returns:
        A line.
    """
    try:
        storage = connect()
        missing = [
            *sorted(set(TABLES) - {str(table.name) for table in storage.tables.list_tables()}),
            *sorted(set(QUEUES) - {str(queue.name) for queue in storage.queues.list_queues()}),
            *sorted(set(CONTAINERS) - {str(container.name) for container in storage.blobs.list_containers()}),
        ]
    except ValueError as wrong:
        return Check(Health.BAD, _SUBJECT, f"cannot be reached: {wrong}")
    except (AzureError, OSError) as error:
        # Without its message, which can repeat addresses with signatures.
        return Check(
            Health.BAD,
            _SUBJECT,
            f"cannot be read ({type(error).__name__}): check the account, its firewall and the identity's roles",
        )
    if missing:
        return Check(
            Health.UNKNOWN, _SUBJECT, f"{', '.join(missing)} do not exist yet: the app makes them when it first starts"
        )
    return Check(Health.GOOD, _SUBJECT, "tables, queues and containers are there")
