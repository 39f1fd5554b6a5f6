"""Reading SARIF: what is forgiven, what is not, and what no input may do."""

import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.finding import Finding, Severity
from scan_core.qscanner import json_stream
from scan_core.qscanner import sarif as room
from scan_core.qscanner.sarif import Report, ReportUnreadable, read_sarif
from tests.qscanner.samples import as_stream, read, result, rule, run, sarif, software


class TestFindings:
    def test_a_result_with_its_rule_becomes_a_finding(self) -> None:
        """Everything the report says about it is in it."""
        assert read(sarif()).findings == (
            Finding(
                qid="101",
                package="lodash",
                installed_version="4.17.20",
                path="package-lock.json",
                severity=Severity.HIGH,
                title="Command injection",
                cves=("CVE-2021-23337",),
                fixed_version="4.17.21",
            ),
        )

    def test_rules_may_come_after_the_results(self) -> None:
        """JSON objects have no order."""
        entry = {"results": [result()], "tool": {"driver": {"rules": [rule(severity=2)]}}}
        assert read(sarif(entry)).findings[0].severity is Severity.LOW

    def test_each_package_of_a_result_is_a_finding(self) -> None:
        """One result is one QID with any number of packages."""
        packages = [software("a"), software("b"), software("a", path="other.json"), software("a")]
        assert [(each.package, each.path) for each in read(sarif(run([result(packages=packages)]))).findings] == [
            ("a", "package-lock.json"),
            ("b", "package-lock.json"),
            ("a", "other.json"),
        ]

    def test_the_same_finding_twice_is_one_with_the_worse_severity(self) -> None:
        """Also across results and runs."""
        mild = result(properties={"QID": 101, "severity": 1, "vulnerableSoftware": [software()]})
        bad = result(properties={"QID": 101, "severity": 5, "vulnerableSoftware": [software()]})
        assert [each.severity for each in read(sarif(run([mild, bad]), run([mild]))).findings] == [Severity.CRITICAL]

    @pytest.mark.parametrize("packages", [[], None, "lodash", [None, 3]])
    def test_a_result_without_packages_is_one_finding_at_its_location(self, packages: Any) -> None:
        """A finding must not vanish because a list is empty."""
        place = [{}, {"physicalLocation": {"artifactLocation": {"uri": "src/app.js"}}}]
        entry = result(locations=place, properties={"QID": 7, "vulnerableSoftware": packages})
        (finding,) = read(sarif(run([entry]))).findings
        assert (finding.qid, finding.package, finding.path) == ("7", "", "src/app.js")

    def test_a_result_that_says_nothing_still_counts(self) -> None:
        """Nothing but its existence is needed."""
        (finding,) = read(sarif(run([{}]))).findings
        assert (finding.qid, finding.severity, finding.title) == ("unknown", Severity.MEDIUM, "QID unknown")

    def test_one_bare_package_is_as_good_as_a_list_of_one(self) -> None:
        """Either shape is read."""
        (finding,) = read(sarif(run([result(packages=software("solo"))]))).findings  # type: ignore[arg-type]  # on purpose
        assert finding.package == "solo"

    def test_either_spelling_is_read(self) -> None:
        """Keys are compared without case, dashes and underscores."""
        package = {"package_name": "x", "installed_version": 1.5, "fixed-version": ["2", "-", "3.1"], "filePath": "p"}
        properties = {"qid": "QID-38794", "Severity": "5", "cveIds": "cve-2020-1234, CVE-2020-12345 nonsense"}
        entry = {"ruleId": "unlisted", "properties": properties | {"vulnerable_software": [package]}}
        assert read(sarif(run([entry]))).findings == (
            Finding(
                qid="38794",
                package="x",
                installed_version="1.5",
                path="p",
                severity=Severity.CRITICAL,
                title="QID 38794",
                cves=("CVE-2020-1234", "CVE-2020-12345"),
                fixed_version="2, 3.1",
            ),
        )

    @pytest.mark.parametrize("reference", [{"ruleIndex": 1}, {"rule": {"index": "1"}}, {"rule": {"id": "22"}}])
    def test_a_rule_is_found_however_it_is_referred_to(self, reference: dict[str, Any]) -> None:
        """SARIF allows an id, an index, or a reference object."""
        entry = {"properties": {"vulnerableSoftware": []}} | reference
        (finding,) = read(sarif(run([entry], [rule(), rule("22", 5)]))).findings
        assert (finding.qid, finding.severity) == ("22", Severity.CRITICAL)

    def test_an_index_beyond_the_rules_refers_to_nothing(self) -> None:
        """It must not fail, and not wrap around."""
        for index in (-1, 1, 10**9):
            (finding,) = read(sarif(run([{"ruleIndex": index, "message": {"text": "seen"}}]))).findings
            assert (finding.qid, finding.title) == ("unknown", "seen")


class TestSeverity:
    @pytest.mark.parametrize(
        ("own", "of_rule", "level", "expected"),
        [
            (1, 5, "error", 1),
            ("2", 5, "error", 2),
            ("High", 1, "error", 4),
            ("info", None, None, 1),
            (3.0, 1, "error", 3),
            (None, 4, "note", 4),
            (0, 4, "note", 4),
            (6, "5", "note", 5),
            (True, "medium", "note", 3),
            ("odd", "odd", "error", 5),
            (None, None, "warning", 3),
            (None, None, "note", 2),
            (None, None, "none", 1),
            (None, None, None, 3),
            (None, None, "***", 5),
            (1e300, 10**400, "note", 2),
        ],
    )
    def test_it_is_the_results_own_else_the_rules_else_the_levels(
        self, own: Any, of_rule: Any, level: str | None, expected: int
    ) -> None:
        """What cannot be read falls through; a level that nobody defined is not taken for a mild one."""
        properties = {"QID": 101, "severity": own, "vulnerableSoftware": [software()]}
        (finding,) = read(sarif(run([result(properties=properties, level=level)], [rule(severity=of_rule)]))).findings
        assert finding.severity == expected

    def test_the_rules_default_level_stands_in_for_the_results(self) -> None:
        """SARIF 2.1.0, 3.27.10."""
        described = rule(severity=None, defaultConfiguration={"level": "note"})
        assert read(sarif(run([result(level=None)], [described]))).findings[0].severity is Severity.LOW


class TestText:
    def test_titles_are_cut_and_names_stay_apart(self) -> None:
        """Two long paths that start alike are two findings."""
        packages = [software(path="p" * 2000 + end) for end in "ab"]
        findings = read(sarif(run([result(packages=packages)], [rule(shortDescription={"text": "t" * 500})]))).findings
        assert [len(each.path) for each in findings] == [1000, 1000]
        assert {len(each.title) for each in findings} == {300}

    def test_control_and_format_characters_are_left_out(self) -> None:
        """Nothing that moves a cursor or turns the direction of writing comes through."""
        described = rule(shortDescription={"text": "a\x00b\u202ec\n\td\x1b[31m"})
        findings = read(sarif(run([result(packages=[software("x\u200by\x07")])], [described]))).findings
        assert (findings[0].title, findings[0].package) == ("a b c d [31m", "x y")

    def test_markup_is_kept_as_text(self) -> None:
        """Making it inert is the work of whoever shows it."""
        described = rule(shortDescription={"text": "<script>alert(1)</script>"})
        assert read(sarif(run(rules=[described]))).findings[0].title == "<script>alert(1)</script>"


class TestAbout:
    @pytest.mark.parametrize(
        ("driver", "version"),
        [
            ({"version": "v4.6.0"}, "4.6.0"),
            ({"semanticVersion": "4.6.1-2"}, "4.6.1-2"),
            ({"version": "nightly"}, "nightly"),
            ({}, ""),
        ],
    )
    def test_the_scanner_names_its_version(self, driver: dict[str, str], version: str) -> None:
        """In whichever key it likes."""
        assert read(sarif({"tool": {"driver": driver}, "results": []})).scanner_version == version

    def test_the_report_may_say_what_it_is_about(self) -> None:
        """Commits and repositories, as SARIF's version control details have them."""
        details = [{"revisionId": "a" * 40, "repositoryUri": "https://example.org/r"}, {}, {"revisionId": "b" * 40}]
        report = read(sarif(run(versionControlProvenance=details)))
        assert (report.revisions, report.repositories) == (("a" * 40, "b" * 40), ("https://example.org/r",))

    @pytest.mark.parametrize("results", [[], None])
    def test_a_clean_run_has_no_findings(self, results: Any) -> None:
        """An empty list, null, or no such key: the scanner's run says so."""
        assert read({"runs": [{"tool": {"driver": {}}, "results": results}], "$schema": [1, {}]}).findings == ()
        assert read({"runs": [{"tool": {"extensions": [], "driver": {}}}]}).findings == ()

    def test_a_byte_order_mark_is_forgiven(self) -> None:
        """Some writers put one."""
        assert read(b"\xef\xbb\xbf" + json.dumps(sarif()).encode()).findings


class TestRefused:
    @pytest.mark.parametrize(
        ("document", "says"),
        [
            (b"", "ends in the middle"),
            (b"  ", "ends in the middle"),
            (b"null", "is not a JSON object"),
            (b"[]", "is not a JSON object"),
            (b"{}", "no run"),
            (b'{"runs": []}', "no run"),
            (b'{"runs": {}}', "no run"),
            (b'{"runs": [1]}', "a run that is not an object"),
            (b'{"runs": [{}]}', "neither a scanner nor results"),
            (b'{"runs": [{"tool": {}}]}', "neither a scanner nor results"),
            (b'{"runs": [{"results": {}}]}', "results that are not a list"),
            (b'{"runs": [{"results": [1]}]}', "a result that is not an object"),
            (b'{"runs": [{"results": [NaN]}]}', "is not JSON"),
            (b'{"runs": [{"results": [1e99999999999999999999]}]}', "is not JSON"),
            (b'{"runs": [{"results": [' + b"1" * 5000 + b"]}]}", "thousands of digits"),
            (b'{"runs": [{"results": ["\xff"]}]}', "is not JSON"),
            (b'{"version": "1.0.0", "runs": [{"results": []}]}', "is not SARIF 2"),
            (b'{"runs": [{"results": []}]} {}', "goes on after its end"),
            (b'{"runs": [{"results": []}]}x', "goes on after its end"),
            (b'{"a":' * 200, "nests deeper"),
            (b'{"runs": [{"results": [' + b"[" * 1_000_000, "nests deeper"),
            (b"<html></html>", "is not JSON"),
        ],
    )
    def test_what_is_no_sarif_is_refused_with_a_sentence(self, document: bytes, says: str) -> None:
        """Never taken for a report without findings."""
        with pytest.raises(ReportUnreadable, match=says) as refused:
            read(document)
        assert refused.value.sentence.startswith("The report ")

    @given(st.integers(min_value=0))
    def test_any_beginning_of_a_report_is_refused(self, seed: int) -> None:
        """Half a report is no report, wherever it was cut."""
        whole = json.dumps(sarif(run([result(), result("102")]))).encode()
        with pytest.raises(ReportUnreadable):
            read(whole[: seed % len(whole)])

    def test_a_text_too_long_to_hold_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Quotes behind backslashes do not hide how long it is."""
        monkeypatch.setattr(json_stream, "LONGEST_TOKEN_BYTES", 200_000)
        for filler in (b"x", b'\\"', b"12 "):
            text = b'"' + filler * (300_000 // len(filler)) + b'"'
            with pytest.raises(ReportUnreadable, match="16 MiB"):
                read(b'{"runs": [{"results": [{"message": ' + text + b"}]}]}")

    def test_a_text_with_escapes_at_the_borders_of_chunks_is_measured_right(self) -> None:
        """A backslash may be the last byte that was read."""
        for shift in range(3):
            text = "y" * shift + '\\"' * 80_000
            assert read(sarif(comment=text, runs=[run()])).findings

    def test_too_many_findings_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Leaving some out would make a repository look better than it is."""
        monkeypatch.setattr(room, "MOST_FINDINGS", 3)
        packages = [software(str(number)) for number in range(2)]
        with pytest.raises(ReportUnreadable, match="more than 3 findings"):
            read(sarif(run([result(packages=packages), result("102", packages)])))
        with pytest.raises(ReportUnreadable, match="more than 3 findings"):
            read(sarif(run([result(packages=packages)]), run([result("102", packages)])))
        with pytest.raises(ReportUnreadable, match="more than 3 rules"):
            read(sarif(run(rules=[rule(str(number)) for number in range(4)])))

    def test_one_result_too_large_to_hold_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What one result is made of is bounded too."""
        monkeypatch.setattr(room, "_MOST_NODES", 50)
        with pytest.raises(ReportUnreadable, match="too large"):
            read(sarif(run([result(packages=[software(str(number)) for number in range(20)])])))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


class TestAnyInput:
    @given(st.binary(max_size=300))
    def test_any_bytes_are_read_or_refused(self, content: bytes) -> None:
        """No other error than the one that is promised."""
        _read_or_refuse(content)

    @given(
        _JSON, st.sampled_from(["run", "results", "result", "properties", "software", "rule", "driver", "locations"])
    )
    def test_any_value_in_any_place_is_read_or_refused(self, value: Any, place: str) -> None:
        """A report with one part exchanged for something else."""
        documents = {
            "run": sarif(value),
            "results": sarif(run(value)),
            "result": sarif(run([value])),
            "properties": sarif(run([result(properties=value)])),
            "software": sarif(run([result(packages=[value])])),
            "rule": sarif(run(rules=[value])),
            "driver": sarif(run(tool={"driver": value})),
            "locations": sarif(run([result(locations=value, message=value, level=value, ruleIndex=value)])),
        }
        _read_or_refuse(json.dumps(documents[place]).encode())

    @given(st.data())
    def test_a_damaged_byte_is_read_or_refused(self, data: st.DataObject) -> None:
        """Whatever it becomes."""
        whole = bytearray(json.dumps(sarif()).encode())
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        _read_or_refuse(bytes(whole))

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12"), st.integers(1, 5)), max_size=8))
    def test_every_package_of_every_result_is_found(self, named: list[tuple[str, str, int]]) -> None:
        """As many as there are keys, each with the worst of its severities."""
        results = [
            result(properties={"QID": 5, "severity": severity, "vulnerableSoftware": [software(name, path=path)]})
            for name, path, severity in named
        ]
        worst: dict[tuple[str, str], int] = {}
        for name, path, severity in named:
            worst[name, path] = max(severity, worst.get((name, path), 0))
        findings = read(sarif(run(results))).findings
        assert {(each.package, each.path): int(each.severity) for each in findings} == worst


def test_a_large_report_is_not_held_in_memory() -> None:
    """What is needed grows with the findings, not with the text around them."""
    lines = [json.dumps(result(str(number), message={"text": "words " * 2_000})) for number in range(2_000)]
    document = ('{"runs": [{"results": [' + ",".join(lines) + "]}]}").encode()
    stream = io.BytesIO(document)
    tracemalloc.start()
    try:
        assert len(read_sarif(stream).findings) == 2_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(document) * 0.4


def _read_or_refuse(content: bytes) -> None:
    outcome = _outcome(content)
    if isinstance(outcome, ReportUnreadable):
        assert outcome.sentence.startswith("The report ")
        return
    assert len({each.key for each in outcome.findings}) == len(outcome.findings)
    assert all(each.title.isprintable() and each.path.isprintable() for each in outcome.findings)


def _outcome(content: bytes) -> Report | ReportUnreadable:
    try:
        return read_sarif(as_stream(content))
    except ReportUnreadable as refused:
        return refused
