"""Tables for a terminal."""

from local.qscanner.scan_result import ScanResult

_WIDEST = 60


def package_table(result: ScanResult) -> str:
    """Give a table of the packages."""
    rows: list[tuple[str, ...]] = [
        (package.ecosystem.value, package.name, package.version, package.path) for package in result.packages
    ]
    return _table(("TYPE", "PACKAGE", "VERSION", "PATH"), rows)


def vulnerability_table(result: ScanResult) -> str:
    """Give a table of the vulnerabilities, the gravest first."""
    ordered = sorted(result.vulnerabilities, key=lambda each: -each.advisory.severity)
    rows: list[tuple[str, ...]] = [
        (
            str(each.advisory.severity),
            str(each.advisory.qid),
            " ".join(each.advisory.cves),
            each.package.name,
            each.package.version,
            each.fixed_version,
            each.package.path,
        )
        for each in ordered
    ]
    return _table(("SEVERITY", "QID", "CVE", "PACKAGE", "INSTALLED", "FIXED", "PATH"), rows)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    shown = [head, *(tuple(_cell(text) for text in row) for row in rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(head))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in shown]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Make a text fit for a terminal: one line, no control characters, not too wide."""
    inert = "".join(character if character.isprintable() else "?" for character in text)
    return inert if len(inert) <= _WIDEST else inert[: _WIDEST - 1] + "…"
