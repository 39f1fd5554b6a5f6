"""Each ecosystem's order of versions."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version as PackagingVersion

from local.qscanner.packages import Ecosystem
from local.qscanner.versions.maven import MavenVersion
from local.qscanner.versions.order import is_within
from local.qscanner.versions.pep440 import PythonVersion
from local.qscanner.versions.semver import SemanticVersion

NUMBER = st.integers(0, 30).map(str)
SEMVER_IDENTIFIER = st.one_of(NUMBER, st.from_regex(r"[a-z][a-z0-9-]{0,4}", fullmatch=True))
SEMVER = st.builds(
    lambda core, prerelease: ".".join(core) + (f"-{'.'.join(prerelease)}" if prerelease else ""),
    st.tuples(NUMBER, NUMBER, NUMBER),
    st.lists(SEMVER_IDENTIFIER, max_size=3),
)
PEP440 = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "", "1!", "v"]),
        st.lists(NUMBER, min_size=1, max_size=4).map(".".join),
        st.sampled_from(["", "", "a1", "b", "rc2", ".alpha3", "-preview.4", "_c5"]),
        st.sampled_from(["", "", ".post1", "-2", ".rev3", "r"]),
        st.sampled_from(["", "", ".dev0", ".dev4", "dev"]),
        st.sampled_from(["", "", "+local", "+local.1", "+1", "+ubuntu-1"]),
    ),
)
MAVEN_PART = st.sampled_from(
    ["1", "0", "00", "2", "10", "alpha", "a", "beta", "rc", "cr", "final", "ga", "sp", "snapshot", "jre", "x"]
)
MAVEN = st.lists(st.tuples(MAVEN_PART, st.sampled_from([".", "-", ""])), min_size=1, max_size=5).map(
    lambda parts: "".join(itertools.chain.from_iterable(parts))
)


class TestSemanticVersion:
    def test_orders_the_specifications_own_example(self) -> None:
        """Clause 11 of Semantic Versioning 2.0.0."""
        alphas = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta"]
        ordered = [*alphas, "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0"]
        shuffled = ordered[::-1]
        assert sorted(shuffled, key=SemanticVersion) == ordered

    def test_orders_gos_pseudo_versions_by_time(self) -> None:
        """A pseudo-version comes before the tag that follows it."""
        ordered = ["v0.0.0-20210101000000-abcdefabcdef", "v0.0.0-20220906165146-f3363e06e74c", "v0.1.0", "v0.17.0"]
        shuffled = ordered[::-1]
        assert sorted(shuffled, key=SemanticVersion) == ordered

    @pytest.mark.parametrize(
        ("one", "other"),
        [("1.0.0+a", "1.0.0+b"), ("v1.2.3", "=1.2.3"), ("1.2", "1.2.0"), ("v2.0.0+incompatible", "2.0.0")],
    )
    def test_what_does_not_count_makes_no_difference(self, one: str, other: str) -> None:
        """Build metadata, a leading v, missing zeros."""
        assert SemanticVersion(one) == SemanticVersion(other)
        assert hash(SemanticVersion(one)) == hash(SemanticVersion(other))

    @pytest.mark.parametrize("text", ["", "latest", "1.2.3.4", "^1.2.3", "1.2.3-", "1.x", "9" * 300, "\u0661.2.3"])
    def test_refuses_what_is_no_version(self, text: str) -> None:
        """Ranges, tags, and numbers beyond any use."""
        with pytest.raises(ValueError, match="semantic version"):
            SemanticVersion(text)

    @given(SEMVER, SEMVER, SEMVER)
    def test_is_a_total_order(self, one: str, two: str, three: str) -> None:
        """Any three versions stand in one order, whichever way they are asked."""
        ordered = sorted([SemanticVersion(one), SemanticVersion(two), SemanticVersion(three)])
        assert not any(right < left for left, right in itertools.combinations(ordered, 2))

    @given(st.tuples(*[st.integers(0, 50)] * 3), st.tuples(*[st.integers(0, 50)] * 3))
    def test_numbers_compare_as_numbers(self, one: tuple[int, ...], other: tuple[int, ...]) -> None:
        """10 is more than 9, and a pre-release is less than its release."""
        left, right = (SemanticVersion(".".join(map(str, numbers))) for numbers in (one, other))
        assert (left < right) == (one < other)
        assert SemanticVersion(".".join(map(str, one)) + "-rc.1") < left


class TestPythonVersion:
    @given(PEP440, PEP440)
    def test_agrees_with_packaging(self, one: str, other: str) -> None:
        """The reference implementation orders any two versions the same way."""
        left, right = PackagingVersion(one), PackagingVersion(other)
        assert (PythonVersion(one) < PythonVersion(other)) == (left < right)
        assert (PythonVersion(one) == PythonVersion(other)) == (left == right)
        assert left != right or hash(PythonVersion(one)) == hash(PythonVersion(other))

    @pytest.mark.parametrize("text", ["", "1.0.x", "latest", "1.0-", "1..0", "9" * 300])
    def test_refuses_what_is_no_version(self, text: str) -> None:
        """As packaging does."""
        with pytest.raises(ValueError, match="PEP 440"):
            PythonVersion(text)


class TestMavenVersion:
    @pytest.mark.parametrize(
        "line",
        [
            "1.0-alpha-1 < 1.0-beta < 1.0-milestone-2 < 1.0-rc1 < 1.0-SNAPSHOT < 1.0 < 1.0-sp",
            "1.0-sp < 1.0-whatever < 1.0-1 < 1.0.1",
            "2.12.6 < 2.12.6.1 < 2.13.0",
            "5.2.19.RELEASE < 5.2.20.RELEASE",
            "24.1-jre < 24.1.1 < 24.1.1-android < 24.1.1-jre",
            "2.0-beta9 < 2.0-rc1 < 2.0 < 2.15.0",
            "1-a1 < 1-b1 < 1-m1",
            "0foo._v2alpha < final-00sp00001",
        ],
    )
    def test_orders_as_maven_does(self, line: str) -> None:
        """Checked against the ComparableVersion of Maven 3.9."""
        versions = line.split(" < ")
        assert all(MavenVersion(left) < MavenVersion(right) for left, right in itertools.pairwise(versions))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("1.0", "1"),
            ("1.0.0-ga", "1"),
            ("1-cr2", "1.0-RC2"),
            ("1.0.final", "1"),
            ("1a1", "1-alpha-1"),
            ("5.3.0.RELEASE", "5.3"),
            ("01", "1"),
            (".1", "0.1"),
        ],
    )
    def test_knows_spellings_of_the_same_version(self, one: str, other: str) -> None:
        """Trailing zeros and names of the release do not count."""
        assert MavenVersion(one) == MavenVersion(other)
        assert hash(MavenVersion(one)) == hash(MavenVersion(other))

    @pytest.mark.parametrize("text", ["", "  ", "1" * 300])
    def test_refuses_what_cannot_be_one(self, text: str) -> None:
        """Nothing, and far too much."""
        with pytest.raises(ValueError, match="Maven version"):
            MavenVersion(text)

    @given(MAVEN, MAVEN)
    def test_no_two_versions_precede_each_other(self, one: str, other: str) -> None:
        """Exactly one of before, equal and after holds; Maven's own order is not transitive for odd ones."""
        left, right = MavenVersion(one), MavenVersion(other)
        assert [left < right, left == right, right < left].count(True) == 1


class TestRanges:
    @pytest.mark.parametrize(
        ("ecosystem", "version", "bounds", "expected"),
        [
            (Ecosystem.NPM, "4.17.11", ("0", "4.17.12"), True),
            (Ecosystem.NPM, "4.17.12-rc.1", ("0", "4.17.12"), True),
            (Ecosystem.NPM, "4.17.12", ("0", "4.17.12"), False),
            (Ecosystem.NPM, "0.2.4", ("1.0.0", "1.2.6"), False),
            (Ecosystem.NPM, "1.0.0", ("1.0.0", "1.2.6"), True),
            (Ecosystem.PYPI, "5.4b1", ("0", "5.4"), True),
            (Ecosystem.PYPI, "5.4", ("0", "5.4"), False),
            (Ecosystem.MAVEN, "2.14.1", ("2.13.0", "2.15.0"), True),
            (Ecosystem.MAVEN, "2.15.0", ("2.13.0", "2.15.0"), False),
            (Ecosystem.GO, "v0.0.0-20220101000000-0123456789ab", ("0", "0.17.0"), True),
            (Ecosystem.GO, "v0.17.0", ("0", "0.17.0"), False),
        ],
    )
    def test_a_range_takes_its_start_and_not_its_end(
        self, ecosystem: Ecosystem, version: str, bounds: tuple[str, str], expected: bool
    ) -> None:
        """From the first affected version up to the first fixed one."""
        assert is_within(ecosystem, version, *bounds) is expected

    @given(SEMVER, SEMVER, SEMVER)
    def test_within_means_between(self, version: str, introduced: str, fixed: str) -> None:
        """The range is what the order says it is."""
        asked, first, end = (SemanticVersion(text) for text in (version, introduced, fixed))
        assert is_within(Ecosystem.NPM, version, introduced, fixed) == (first <= asked < end)
