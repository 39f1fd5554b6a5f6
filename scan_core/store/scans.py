"""Table ``scans``: one row a scan. Joining, concluding and stopping are conditional writes on it."""

from azure.data.tables import TableServiceClient

from scan_core.model.ids import ScanId
from scan_core.model.scan import Scan
from scan_core.store.rows import Rows, Versioned

_ROW = "scan"


class ScanStore:
    """The rows of scans."""

    def __init__(self, tables: TableServiceClient) -> None:
        """Use the table of an account.

        Args:
            tables: The account's tables.
        """
        self._rows = Rows(tables.get_table_client("scans"), Scan)

    def read(self, scan_id: ScanId) -> Versioned[Scan] | None:
        """Read a scan.

        Args:
            scan_id: Which.

        Returns:
            The scan; None where nobody ever wanted it.
        """
        return self._rows.read(scan_id, _ROW)

    def write(self, old: Versioned[Scan] | None, scan: Scan) -> Versioned[Scan]:
        """Write a scan over the version read, or for the first time.

        Args:
            old: What was read.
            scan: What shall stand.

        Returns:
            The scan with its new version.

        Raises:
            scan_core.store.rows.Conflict: It changed meanwhile.
        """
        if old is None:
            return self._rows.insert(scan.scan_id, _ROW, scan)
        return self._rows.replace(scan.scan_id, _ROW, old, scan)
