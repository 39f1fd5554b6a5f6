"""Which files of an image are kept for a scan."""

from collections.abc import Callable
from typing import NamedTuple

from local.qscanner.collect import is_manifest
from local.qscanner.collect_system import is_database, is_of_interest
from local.qscanner.faults import TREE_FILE


class Interest(NamedTuple):
    """What is kept of an image.

    Attributes:
        names: Tells by its path whether a file is kept whatever it holds.
        databases: Tells by its path whether every version of a file matters, not only the last.
        texts: Whether every text that is not too large is kept, to be searched for secrets.
    """

    names: Callable[[str], bool]
    databases: Callable[[str], bool]
    texts: bool


def interest_of(scan_types: frozenset[str]) -> Interest:
    """Say what a scan needs of an image.

    Args:
        scan_types: Among ``os``, ``sca`` and ``secret``.

    Returns:
        The files of interest.
    """
    tests = [path_test for name, path_test in (("os", is_of_interest), ("sca", is_manifest)) if name in scan_types]

    def is_kept(path: str) -> bool:
        return path == TREE_FILE or any(path_test(path) for path_test in tests)

    return Interest(names=is_kept, databases=is_database, texts="secret" in scan_types)
