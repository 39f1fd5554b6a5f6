"""Writes the files that a command line asks for; each format is loaded only if it is asked for."""

import sys

from local.qscanner.outputs.files import OutputFolder
from local.qscanner.outputs.inventory import inventory
from local.qscanner.scan_result import ScanResult


def write_inventory(formats: frozenset[str], result: ScanResult, folder: OutputFolder) -> None:
    """Write the inventory.

    Args:
        formats: Among ``json``, ``spdx``, ``cyclonedx`` and ``table``, which goes to standard output.
        result: The scan.
        folder: Where files go.

    Raises:
        ScanError: With code 30 where a file cannot be written.
    """
    if "json" in formats:
        folder.write("ScanResult.json", inventory(result))
    if "spdx" in formats:
        from local.qscanner.outputs.spdx import spdx  # noqa: PLC0415 - start-up time

        folder.write("ScanResult.spdx.json", spdx(result))
    if "cyclonedx" in formats:
        from local.qscanner.outputs.cyclonedx import cyclonedx  # noqa: PLC0415 - start-up time

        folder.write("ScanResult.cdx.json", cyclonedx(result))
    if "table" in formats:
        from local.qscanner.outputs.table import package_table  # noqa: PLC0415 - start-up time

        _print(package_table(result))


def write_reports(formats: frozenset[str], result: ScanResult, folder: OutputFolder) -> None:
    """Write the reports.

    Args:
        formats: Among ``sarif``, ``json`` and ``table``, which goes to standard output.
        result: The scan.
        folder: Where files go.

    Raises:
        ScanError: With code 30 where a file cannot be written.
    """
    if "sarif" in formats:
        from local.qscanner.outputs.sarif import sarif  # noqa: PLC0415 - start-up time

        folder.write("Report.sarif.json", sarif(result))
    if "json" in formats:
        from local.qscanner.outputs.report_json import report_json  # noqa: PLC0415 - start-up time

        folder.write("Report.json", report_json(result))
    if "table" in formats:
        from local.qscanner.outputs.table import vulnerability_table  # noqa: PLC0415 - start-up time

        _print(vulnerability_table(result))


def _print(text: str) -> None:
    """Write to standard output in UTF-8, whatever the locale says."""
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
