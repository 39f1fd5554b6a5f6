"""The rows of findings: their order, what is linked, and how much of it is shown."""

import pytest

from scan_core.model.finding import Severity
from scan_core.model.verdict import Outcome
from scan_core.report.findings import finding_rows
from tests.report.builders import decided, finding, page, reason, verdict
from tests.report.document import read


class TestRows:
    def test_order(self) -> None:
        """The worst first; within a severity what can be fixed."""
        rows = finding_rows(
            [
                finding(package="c", severity=Severity.LOW),
                finding(package="a", fixed_version=None),
                finding(package="b"),
            ]
        )
        assert [row.package for row in rows] == ["b", "a", "c"]

    @pytest.mark.parametrize("name", ["javascript:alert(1)", "CVE-2021-1", "cve-2021-44228", "CVE-2021-44228/../x", ""])
    def test_only_a_cve_is_linked(self, name: str) -> None:
        """Whatever else stands in its place is text."""
        assert finding_rows([finding(cves=(name,))])[0].cves[0].link is None

    def test_many_places(self) -> None:
        """The first three, and how many follow; also where an image is not the gate's any more."""
        names = {name: f"short {name}" for name in "abcdef"}
        (row,) = finding_rows([finding(targets=("a", "b", "gone", "c", "d"))], names)
        assert row.found_in == "short a, short b, gone and 2 more"
        assert finding_rows([finding(targets=("a",))])[0].found_in is None

    def test_many_cves(self) -> None:
        """The first eight, and how many follow."""
        (row,) = finding_rows([finding(cves=tuple(f"CVE-2021-{number}" for number in range(1000, 1020)))])
        assert (len(row.cves), row.further_cves) == (8, 12)
        shown = verdict(Outcome.FAILED, findings=(finding(cves=("CVE-2021-1000",) * 10),))
        assert "and 2 more" in read(page(decided(Outcome.FAILED, reason()), verdict=shown)).text
