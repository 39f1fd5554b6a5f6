"""The bundled list holds together, and applies to what it should."""

import re

import pytest

from local.qscanner.advisories import Advisory, Range, load_advisories, match_advisories
from local.qscanner.packages import Ecosystem, Package
from local.qscanner.versions.order import is_within

ADVISORIES = load_advisories()
QIDS = dict(zip(Ecosystem, range(9900, 9960, 10), strict=True))


def cves(ecosystem: Ecosystem, name: str, version: str) -> set[str]:
    """CVEs of one package."""
    found = match_advisories([Package(ecosystem, name, version, "file")], ADVISORIES)
    return {cve for each in found for cve in each.advisory.cves}


class TestList:
    def test_is_large_and_covers_every_ecosystem(self) -> None:
        """At least sixty, and at least ten for each."""
        assert len(ADVISORIES) >= 60
        assert all(sum(advisory.ecosystem is each for advisory in ADVISORIES) >= 10 for each in Ecosystem)

    def test_numbers_are_stable_and_of_our_own_range(self) -> None:
        """One QID each, in a range for each ecosystem, in the file's order."""
        qids = [advisory.qid for advisory in ADVISORIES]
        assert qids == sorted(set(qids))
        assert all(advisory.qid // 1000 == QIDS[advisory.ecosystem] for advisory in ADVISORIES)

    @pytest.mark.parametrize("advisory", ADVISORIES, ids=lambda advisory: f"{advisory.package}-{advisory.cves[0]}")
    def test_each_entry_holds_together(self, advisory: Advisory) -> None:
        """Versions that can be read, ranges that are not empty, a real score and a CVE number."""
        assert all(re.fullmatch(r"CVE-\d{4}-\d{4,}", cve) for cve in advisory.cves)
        assert advisory.cves
        assert 0.1 <= advisory.cvss <= 10
        assert advisory.title
        for introduced, fixed in advisory.ranges:
            assert introduced == "0" or is_within(advisory.ecosystem, introduced, introduced, fixed)
            assert not fixed or not is_within(advisory.ecosystem, fixed, introduced, fixed)

    @pytest.mark.parametrize("ecosystem", Ecosystem)
    def test_only_system_packages_are_of_a_distribution(self, ecosystem: Ecosystem) -> None:
        """There, a version says nothing without it."""
        distributions = {advisory.distribution for advisory in ADVISORIES if advisory.ecosystem is ecosystem}
        kinds = {Ecosystem.DEB: "debian", Ecosystem.APK: "alpine"}
        assert {each.partition("-")[0] for each in distributions} == {kinds.get(ecosystem, "")}

    @pytest.mark.parametrize(
        ("score", "severity"), [(10, 5), (9.0, 5), (8.9, 4), (7.0, 4), (6.9, 3), (4.0, 3), (3.9, 2), (0.1, 2), (0, 1)]
    )
    def test_severity_follows_the_score(self, score: float, severity: int) -> None:
        """FIRST's bands, on Qualys' scale of five."""
        assert (
            Advisory(1, Ecosystem.NPM, "a", ("CVE-2020-0001",), score, "t", (Range("0", "1.0.0"),)).severity == severity
        )


def system_cves(ecosystem: Ecosystem, source: str, version: str, distribution: str) -> set[str]:
    """CVEs of a library built from a source package."""
    package = Package(
        ecosystem, f"lib{source}", version, "status", distribution=distribution, source=source, source_version=version
    )
    return {cve for each in match_advisories([package], ADVISORIES) for cve in each.advisory.cves}


class TestSystemPackages:
    @pytest.mark.parametrize(
        ("ecosystem", "source", "distribution", "vulnerable", "fixed", "cve"),
        [
            (Ecosystem.DEB, "openssl", "debian-12", "3.0.7-2", "3.0.8-1", "CVE-2023-0286"),
            (Ecosystem.DEB, "curl", "debian-12", "7.88.1-10+deb12u3", "7.88.1-10+deb12u4", "CVE-2023-38545"),
            (Ecosystem.DEB, "glibc", "debian-12", "2.36-9+deb12u1", "2.36-9+deb12u3", "CVE-2023-4911"),
            (Ecosystem.DEB, "openssh", "debian-12", "1:9.2p1-2+deb12u2", "1:9.2p1-2+deb12u3", "CVE-2024-6387"),
            (Ecosystem.DEB, "xz-utils", "debian", "5.6.1-1", "5.6.1+really5.4.5-1", "CVE-2024-3094"),
            (Ecosystem.DEB, "xz-utils", "debian-13", "5.6.0-0.2", "5.4.1-1", "CVE-2024-3094"),
            (Ecosystem.APK, "busybox", "alpine-3.16", "1.35.0-r14", "1.35.0-r15", "CVE-2022-30065"),
            (Ecosystem.APK, "openssl", "alpine-3.17", "3.0.7-r2", "3.0.8-r0", "CVE-2023-0286"),
            (Ecosystem.APK, "openssl", "alpine-3.18", "3.1.3-r0", "3.1.4-r0", "CVE-2023-5363"),
        ],
    )
    def test_the_fixed_version_of_the_source_ends_it(
        self, ecosystem: Ecosystem, source: str, distribution: str, vulnerable: str, fixed: str, cve: str
    ) -> None:
        """By the source package that a library was built from."""
        assert cve in system_cves(ecosystem, source, vulnerable, distribution)
        assert cve not in system_cves(ecosystem, source, fixed, distribution)

    def test_a_version_is_judged_in_its_own_release_only(self) -> None:
        """The same number elsewhere may hold a fix."""
        assert system_cves(Ecosystem.DEB, "openssl", "3.0.7-2", "debian-11") == set()
        assert system_cves(Ecosystem.DEB, "openssl", "3.0.7-2", "") == set()

    def test_what_nobody_has_fixed_has_no_fixed_version(self) -> None:
        """And is found all the same."""
        package = Package(Ecosystem.DEB, "zlib1g", "1:1.2.13.dfsg-1", "status", distribution="debian-12", source="zlib")
        (found,) = match_advisories([package], ADVISORIES)
        assert (found.advisory.cves, found.fixed_version) == (("CVE-2023-45853",), "")


class TestWellKnown:
    @pytest.mark.parametrize(
        ("ecosystem", "name", "vulnerable", "fixed", "cve"),
        [
            (Ecosystem.NPM, "lodash", "4.17.11", "4.17.12", "CVE-2019-10744"),
            (Ecosystem.NPM, "lodash", "4.17.20", "4.17.21", "CVE-2021-23337"),
            (Ecosystem.NPM, "minimist", "1.2.5", "1.2.6", "CVE-2021-44906"),
            (Ecosystem.NPM, "minimist", "0.2.3", "0.2.4", "CVE-2021-44906"),
            (Ecosystem.PYPI, "pyyaml", "5.3.1", "5.4", "CVE-2020-14343"),
            (Ecosystem.PYPI, "requests", "2.30.0", "2.31.0", "CVE-2023-32681"),
            (Ecosystem.PYPI, "flask", "2.2.4", "2.2.5", "CVE-2023-30861"),
            (Ecosystem.PYPI, "flask", "2.3.1", "2.3.2", "CVE-2023-30861"),
            (Ecosystem.PYPI, "django", "3.2.4", "3.2.5", "CVE-2021-35042"),
            (Ecosystem.MAVEN, "org.apache.logging.log4j:log4j-core", "2.14.1", "2.15.0", "CVE-2021-44228"),
            (Ecosystem.MAVEN, "org.apache.logging.log4j:log4j-core", "2.15.0", "2.16.0", "CVE-2021-45046"),
            (Ecosystem.MAVEN, "org.apache.logging.log4j:log4j-core", "2.12.1", "2.12.2", "CVE-2021-44228"),
            (Ecosystem.MAVEN, "org.springframework:spring-beans", "5.3.17", "5.3.18", "CVE-2022-22965"),
            (Ecosystem.MAVEN, "org.springframework:spring-beans", "5.2.19.RELEASE", "5.2.20.RELEASE", "CVE-2022-22965"),
            (Ecosystem.MAVEN, "org.apache.commons:commons-text", "1.9", "1.10.0", "CVE-2022-42889"),
            (Ecosystem.GO, "golang.org/x/net", "v0.16.0", "v0.17.0", "CVE-2023-39325"),
            (Ecosystem.GO, "golang.org/x/crypto", "v0.30.0", "v0.31.0", "CVE-2024-45337"),
            (Ecosystem.GO, "github.com/gin-gonic/gin", "v1.7.6", "v1.7.7", "CVE-2020-28483"),
            (Ecosystem.GO, "github.com/dgrijalva/jwt-go", "v3.2.0+incompatible", "v4.0.0-preview1", "CVE-2020-26160"),
        ],
    )
    def test_the_fixed_version_ends_it(
        self, ecosystem: Ecosystem, name: str, vulnerable: str, fixed: str, cve: str
    ) -> None:
        """The last vulnerable version is found, the first fixed one is not."""
        assert cve in cves(ecosystem, name, vulnerable)
        assert cve not in cves(ecosystem, name, fixed)

    def test_log4j_1_is_another_package(self) -> None:
        """Only log4j-core had the lookups."""
        assert cves(Ecosystem.MAVEN, "log4j:log4j", "1.2.17") == set()
        assert cves(Ecosystem.MAVEN, "org.apache.logging.log4j:log4j-api", "2.14.1") == set()

    def test_the_same_name_elsewhere_is_another_package(self) -> None:
        """A PyPI package called lodash is not npm's."""
        assert cves(Ecosystem.PYPI, "lodash", "4.17.11") == set()

    def test_names_the_fix_of_the_branch_in_use(self) -> None:
        """Not the newest one."""
        package = Package(Ecosystem.NPM, "minimist", "0.2.0", "package-lock.json")
        assert {each.fixed_version for each in match_advisories([package], ADVISORIES)} == {"0.2.1", "0.2.4"}
