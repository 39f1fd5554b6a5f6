"""What a scan writes holds to the formats' own schemas."""

import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given
from hypothesis import strategies as st
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from local.qscanner.advisories import load_advisories, match_advisories
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.git_state import GitState
from local.qscanner.journal import Journal
from local.qscanner.outputs.cyclonedx import cyclonedx
from local.qscanner.outputs.files import OutputFolder
from local.qscanner.outputs.licences import is_expression
from local.qscanner.outputs.sarif import sarif
from local.qscanner.outputs.table import vulnerability_table
from local.qscanner.packages import Ecosystem, Package
from local.qscanner.scan_result import ScanResult
from tests.local.qscanner.checkouts import COMMIT, ORIGIN, Scanner, write_checkout
from tests.local.qscanner.schemas import SARIF_VALIDATOR

ALL_FORMATS = (
    "--format",
    "json,spdx,cyclonedx,table",
    "--report-format",
    "sarif,json,table",
    "--scan-types",
    "pkg,secret",
)
CYCLONEDX_VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)
ODD_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def result_of(packages: list[Package]) -> ScanResult:
    """A scan that found these packages."""
    return ScanResult(
        target="/src",
        kind="repo",
        prefix="0" * 64,
        git=GitState("main", COMMIT, ORIGIN),
        operating_system="",
        started=1.5e9,
        packages=packages,
        vulnerabilities=match_advisories(packages, load_advisories()),
        secrets=[],
        looked_for_secrets=False,
    )


class TestSchemas:
    @pytest.fixture
    def documents(self, checkout: Path, scan: Scanner) -> Scanner:
        """A scan of many kinds of packages, in every format."""
        write_checkout(
            checkout,
            {
                "requirements.txt": "pyyaml==5.3\n",
                "pom.xml": "<project><dependencies><dependency><groupId>org.yaml</groupId>"
                "<artifactId>snakeyaml</artifactId><version>1.30</version></dependency></dependencies></project>",
                "go mod/go.mod": "require golang.org/x/net v0.0.0-20210101000000-abcdefabcdef",
            },
        )
        assert scan(*ALL_FORMATS, "repo", str(checkout)).code == ExitCode.SUCCESS
        return scan

    def test_sarif_holds_to_its_schema(self, documents: Scanner) -> None:
        """The OASIS schema of SARIF 2.1.0."""
        (path,) = documents.output.glob("*-Report.sarif.json")
        SARIF_VALIDATOR.validate(json.loads(path.read_bytes()))

    def test_cyclonedx_holds_to_its_schema(self, documents: Scanner) -> None:
        """The strict schema of CycloneDX 1.6."""
        (path,) = documents.output.glob("*-ScanResult.cdx.json")
        assert CYCLONEDX_VALIDATOR.validate_str(path.read_text(encoding="utf-8")) is None

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")
    def test_spdx_holds_to_its_specification(self, documents: Scanner) -> None:
        """The SPDX project's own validator of SPDX 2.3."""
        (path,) = documents.output.glob("*-ScanResult.spdx.json")
        document = parse_file(str(path))
        assert validate_full_spdx_document(document, "SPDX-2.3") == []
        assert len(document.packages) == 7

    @given(
        st.lists(
            st.builds(Package, st.sampled_from(Ecosystem), ODD_TEXT, ODD_TEXT, ODD_TEXT, ODD_TEXT | st.just("MIT")),
            max_size=4,
        )
    )
    def test_whatever_a_manifest_says_the_files_stay_valid(self, packages: list[Package]) -> None:
        """Names, versions, paths and licences are hostile text; the writers do not parse versions."""
        result = result_of([])._replace(packages=packages)
        assert CYCLONEDX_VALIDATOR.validate_str(json.dumps(cyclonedx(result))) is None

    @given(ODD_TEXT)
    def test_whatever_a_path_is_called_sarif_stays_valid(self, path: str) -> None:
        """White space, quotes, markup, any script."""
        document = sarif(result_of([Package(Ecosystem.NPM, "lodash", "4.17.11", path)]))
        SARIF_VALIDATOR.validate(document)


class TestSarif:
    @pytest.fixture
    def run(self, checkout: Path, scan: Scanner) -> Any:
        """The run of a scan in which two files name the same packages."""
        lock = (checkout / "package-lock.json").read_text(encoding="utf-8")
        write_checkout(checkout, {"other/package-lock.json": lock})
        return scan("repo", str(checkout)).document("-Report.sarif.json")["runs"][0]

    def test_says_that_it_is_a_stand_in(self, run: Any) -> None:
        """In the driver's name, full name and properties."""
        driver = run["tool"]["driver"]
        assert driver["name"] == "QScanner stand-in"
        assert "not" not in driver["version"]
        assert "substitute for Qualys QScanner" in driver["fullName"]
        assert driver["properties"]["standIn"] is True

    def test_a_rule_describes_a_qid(self, run: Any) -> None:
        """With the properties that the public wrappers read."""
        rule = run["tool"]["driver"]["rules"][0]
        assert rule["id"] == "9900001"
        assert rule["properties"] == {"severity": 5, "cve-ids": ["CVE-2019-10744"], "cvss3Info": {"baseScore": 9.1}}
        assert "lodash" in rule["shortDescription"]["text"]
        assert "CVE-2019-10744" in rule["help"]["text"]

    def test_a_result_is_a_qid_with_every_package_it_concerns(self, run: Any) -> None:
        """One for each path, with installed and fixed version."""
        result = run["results"][0]
        assert result["ruleId"] == "9900001"
        assert result["level"] == "error"
        assert result["properties"]["QID"] == 9900001
        assert result["properties"]["vulnerableSoftware"] == [
            {"name": "lodash", "path": path, "installedVersion": "4.17.11", "fixedVersion": "4.17.12"}
            for path in ("other/package-lock.json", "package-lock.json")
        ]
        assert len(result["locations"]) == 2

    def test_names_what_was_scanned(self, run: Any) -> None:
        """So that one scan's report is not read as another's."""
        assert run["versionControlProvenance"] == [{"repositoryUri": ORIGIN, "revisionId": COMMIT, "branch": "main"}]
        assert run["artifacts"][0] == {"location": {"uri": ORIGIN}, "properties": {"osName": "", "revision": COMMIT}}

    def test_levels_follow_severity(self, run: Any) -> None:
        """5 and 4 are errors, 3 is a warning."""
        levels = {(result["properties"]["severity"], result["level"]) for result in run["results"]}
        assert levels == {(5, "error"), (4, "error"), (3, "warning")}


class TestOtherFiles:
    def test_the_inventory_has_packages_and_no_vulnerabilities(self, checkout: Path, scan: Scanner) -> None:
        """As QScanner's own."""
        inventory = scan("repo", str(checkout)).document("-ScanResult.json")
        assert [package["purl"] for package in inventory["packages"]] == [
            "pkg:npm/%40types/node@20.1.0",
            "pkg:npm/lodash@4.17.11",
            "pkg:npm/minimist@1.2.0",
        ]
        assert "secrets" not in inventory
        assert "CVE-" not in json.dumps(inventory)

    def test_the_json_report_lists_each_vulnerable_package(self, checkout: Path, scan: Scanner) -> None:
        """With its fixed version."""
        report = scan("--report-format", "json", "repo", str(checkout)).document("-Report.json")
        assert report["vulnerabilities"][0]["package"] == "lodash"
        assert report["vulnerabilities"][0]["fixedVersion"] == "4.17.12"

    def test_the_table_goes_to_standard_output_gravest_first(self, checkout: Path, scan: Scanner) -> None:
        """Only where it is asked for, as it is by default."""
        lines = scan("repo", str(checkout)).stdout.splitlines()
        assert lines[0].split() == ["SEVERITY", "QID", "CVE", "PACKAGE", "INSTALLED", "FIXED", "PATH"]
        assert [line[0] for line in lines[1:]] == sorted((line[0] for line in lines[1:]), reverse=True)
        assert scan("--report-format", "sarif", "repo", str(checkout)).stdout == ""

    def test_a_table_is_inert_in_a_terminal(self) -> None:
        """Control characters and endless names are made harmless."""
        table = vulnerability_table(result_of([Package(Ecosystem.NPM, "lodash", "4.17.11", "\x1b[2J\n" + "x" * 500)]))
        assert "\x1b" not in table
        assert max(map(len, table.splitlines())) < 200

    def test_licences_are_identifiers_expressions_or_names(self, checkout: Path, scan: Scanner) -> None:
        """An unknown text is never passed off as an SPDX licence."""
        run = scan("--format", "cyclonedx,spdx", "repo", str(checkout))
        licences = {each["name"]: each["licenses"] for each in run.document("-ScanResult.cdx.json")["components"]}
        assert licences == {
            "lodash": [{"license": {"id": "MIT"}}],
            "minimist": [{"expression": "(MIT OR Apache-2.0)"}],
            "node": [{"license": {"name": "SEE LICENSE IN LICENSE.txt"}}],
        }
        declared = {each["name"]: each["licenseDeclared"] for each in run.document("-ScanResult.spdx.json")["packages"]}
        assert declared["lodash"] == "MIT"
        assert declared["@types/node"] == "NOASSERTION"

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("MIT", True),
            ("MIT OR ISC", True),
            ("(MIT AND ISC)", True),
            ("(MIT", False),
            ("MIT OR ISC AND MIT", False),
            ("UNLICENSED", False),
            ("", False),
        ],
    )
    def test_knows_simple_expressions(self, text: str, expected: bool) -> None:
        """Of one kind of operator; what needs precedence stays a name."""
        assert is_expression(text) is expected

    def test_compressed_copies_stand_beside_the_files(self, checkout: Path, scan: Scanner) -> None:
        """As some runs of QScanner leave them, where it is asked for."""
        run = scan("repo", str(checkout), QSCANNER_STANDIN_XZ="1")
        report = run.file("-Report.sarif.json")
        assert lzma.decompress(run.file("-Report.sarif.json.xz").read_bytes()) == report.read_bytes()

    def test_a_folder_that_cannot_be_written_is_a_writing_error(self, tmp_path: Path) -> None:
        """Code 30, with the name of what could not be written."""
        (tmp_path / "file").write_text("", encoding="utf-8")
        folder = OutputFolder(tmp_path / "file" / "below", "p", Journal(), compressed_copies=False)
        for attempt in (folder.create, lambda: folder.write("Report.json", {})):
            with pytest.raises(ScanError) as refusal:
                attempt()
            assert refusal.value.code is ExitCode.WRITING_RESULT_FAILED
