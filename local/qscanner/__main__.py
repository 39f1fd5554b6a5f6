"""Entry point: ``python -m local.qscanner ARGUMENTS``."""

import os
import sys

from local.qscanner.command_line import Subcommand, parse_command_line
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.journal import Journal
from local.qscanner.version import current_version, full_name

_USAGE = """\
Usage: qscanner [flags] repo DIR | rootfs DIR | image REFERENCE | version

Scans a folder or an image against a bundled list of public advisories. Flags are those of QScanner: --pod, --mode,
--scan-types, --format, --report-format, --output-dir, --policy-tags, --scan-timeout, --exclude-dirs, --exclude-files,
--log-level, --cache, --platform, --storage-driver, --offline-scan, --proxy. The token stands in QUALYS_ACCESS_TOKEN.
An image is pulled from its registry; QSCANNER_REGISTRY_TOKEN, or QSCANNER_REGISTRY_USERNAME and
QSCANNER_REGISTRY_PASSWORD, log in to it.
"""


def main(arguments: list[str]) -> int:
    """Run the stand-in.

    Args:
        arguments: What follows the program's name.

    Returns:
        The exit code.
    """
    journal = Journal()
    try:
        options = parse_command_line(arguments)
        journal.level = options.log_level
        if options.subcommand is Subcommand.VERSION:
            sys.stdout.write(f"qscanner stand-in {current_version()}\n")
            return ExitCode.SUCCESS
        if options.subcommand is Subcommand.HELP:
            sys.stdout.write(f"{full_name()}\n{_USAGE}")
            return ExitCode.SUCCESS
        from local.qscanner.scan import run_scan  # noqa: PLC0415 - asking for the version need not load the scanner

        return run_scan(options, dict(os.environ), journal)
    except ScanError as error:
        journal.error(error.reason)
        return error.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
