"""Each ecosystem's order of versions."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version as PackagingVersion

from local.qscanner.packages import Ecosystem
from local.qscanner.versions.apk import AlpineVersion
from local.qscanner.versions.dpkg import DebianVersion
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


DEBIAN = st.builds(
    lambda epoch, first, upstream, revision: f"{epoch}{first}{upstream}{revision}",
    st.sampled_from(["", "", "0:", "1:", "10:"]),
    NUMBER,
    st.text("0129aZ+.~", max_size=6),
    st.one_of(st.just(""), st.text("012a+.~", min_size=1, max_size=4).map(lambda text: f"-{text}")),
)


def _in_steps(left: str, right: str) -> int:
    """Compare two parts as Debian Policy 5.6.12 tells it: text and number by turns, character by character."""

    def weight(text: str) -> int:
        if not text or text[0].isdigit():
            return 0
        return -1 if text[0] == "~" else ord(text[0]) + (0 if text[0].isalpha() else 256)

    while left or right:
        while (left and not left[0].isdigit()) or (right and not right[0].isdigit()):
            if weight(left) != weight(right):
                return weight(left) - weight(right)
            left, right = left[1:], right[1:]
        numbers = ["".join(itertools.takewhile(str.isdigit, text)) for text in (left, right)]
        if int(numbers[0] or 0) != int(numbers[1] or 0):
            return int(numbers[0] or 0) - int(numbers[1] or 0)
        left, right = left[len(numbers[0]) :], right[len(numbers[1]) :]
    return 0


def _debian_in_steps(left: str, right: str) -> int:
    parts = []
    for text in (left, right):
        epoch, _, rest = text.rpartition(":")
        upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
        parts.append((int(epoch or 0), upstream, revision))
    (one, *first), (other, *second) = parts
    steps = (_in_steps(a, b) for a, b in zip(first, second, strict=True))
    return one - other or next((step for step in steps if step), 0)


class TestDebianVersion:
    @pytest.mark.parametrize(
        "line",
        [
            "1.0~~ < 1.0~~a < 1.0~ < 1.0 < 1.0a < 1.0+",
            "1.0~rc1-1 < 1.0-1~deb12u1 < 1.0-1 < 1.0-1+b1 < 1.0-1+deb12u1 < 1.0-1.1 < 1.0-2",
            "2.36-9 < 2.36-9+deb12u3 < 2.36-9+deb12u10",
            "9:9.9 < 10:0.1",
            "1.2.13 < 1.2.13.dfsg-1",
            "5.6.0-0.2 < 5.6.1+really5.4.5-1",
            "3.0.11-1~deb12u1 < 3.0.11-1~deb12u2 < 3.0.11-1",
        ],
    )
    def test_orders_as_dpkg_does(self, line: str) -> None:
        """Checked against dpkg --compare-versions 1.21."""
        versions = line.split(" < ")
        assert all(DebianVersion(left) < DebianVersion(right) for left, right in itertools.pairwise(versions))

    @pytest.mark.parametrize(
        ("one", "other"), [("1.0", "1.0-0"), ("1.0", "0:1.0"), ("1.0", "1.00"), ("1.0a", "1.0a0"), ("01", "1")]
    )
    def test_what_does_not_count_makes_no_difference(self, one: str, other: str) -> None:
        """An absent revision or epoch is 0, and so is an absent number."""
        assert DebianVersion(one) == DebianVersion(other)
        assert hash(DebianVersion(one)) == hash(DebianVersion(other))
        assert DebianVersion(one) != one

    @given(DEBIAN, DEBIAN)
    def test_agrees_with_the_policy_step_by_step(self, one: str, other: str) -> None:
        """The order of keys is that of the algorithm as Debian writes it down."""
        left, right = DebianVersion(one), DebianVersion(other)
        step = _debian_in_steps(one, other)
        assert ((left < right), (left == right)) == (step < 0, step == 0)

    @given(DEBIAN, st.text("0129aZ+.", min_size=1, max_size=4))
    def test_a_tilde_comes_before_the_end_and_all_else_after(self, version: str, more: str) -> None:
        """Which is what it was invented for."""
        assert DebianVersion(f"{version}~{more}") < DebianVersion(version)
        assert not DebianVersion(f"{version}{more}") < DebianVersion(version)

    @pytest.mark.parametrize("text", ["", "~1", "1.0-", "a:1", "1_0", "1.0 2", "-1", ":1", "1" * 300, "1.0\n"])
    def test_refuses_what_is_no_version(self, text: str) -> None:
        """White space, no upstream version, an epoch that is no number."""
        with pytest.raises(ValueError, match="Debian version"):
            DebianVersion(text)


APK = st.builds(
    lambda first, rest, letter, suffixes, commit, revision: (
        ".".join([first, *rest]) + letter + "".join(suffixes) + commit + revision
    ),
    NUMBER,
    st.lists(st.sampled_from(["0", "1", "9", "10", "01", "010"]), max_size=3),
    st.sampled_from(["", "", "a", "z"]),
    st.lists(st.sampled_from(["_alpha", "_beta2", "_pre", "_rc1", "_rc10", "_git", "_p", "_p0", "_p3"]), max_size=2),
    st.sampled_from(["", "", "~0a1b"]),
    st.sampled_from(["", "-r0", "-r2", "-r10"]),
)


class TestAlpineVersion:
    @pytest.mark.parametrize(
        "line",
        [
            "1.0_alpha < 1.0_alpha1 < 1.0_beta < 1.0_pre < 1.0_rc1 < 1.0_rc10 < 1.0",
            "1.0 < 1.0-r0 < 1.0-r1 < 1.0-r10 < 1.0_cvs < 1.0_svn < 1.0_git < 1.0_hg < 1.0_p < 1.0_p0 < 1.0_p1",
            "1.0_p1 < 1.0a < 1.0b < 1.0.0 < 1.0.1 < 1.1",
            "1.1.1s-r0 < 1.1.1t-r0",
            "1.35.0-r14 < 1.35.0-r15 < 1.36.1-r0",
            "6.3_p20220521-r0 < 6.3_p20220521-r1 < 6.4_p20230506-r0",
            "0.01 < 0.02 < 0.1 < 0.9 < 0.10",
            "1.0_rc1_p1 < 1.0",
            "9 < 10",
        ],
    )
    def test_orders_as_apk_does(self, line: str) -> None:
        """The order that apk-tools document, with their suffixes from alpha to p."""
        versions = line.split(" < ")
        assert all(AlpineVersion(left) < AlpineVersion(right) for left, right in itertools.pairwise(versions))

    @given(APK, APK, APK)
    def test_is_a_total_order(self, one: str, two: str, three: str) -> None:
        """Any three versions stand in one order, and only versions written alike are equal."""
        ordered = sorted([AlpineVersion(one), AlpineVersion(two), AlpineVersion(three)])
        assert not any(right < left for left, right in itertools.combinations(ordered, 2))
        assert (AlpineVersion(one) == AlpineVersion(two)) == (one == two)
        assert one != two or hash(AlpineVersion(one)) == hash(AlpineVersion(two))

    @given(st.lists(st.integers(1, 50), min_size=1, max_size=4), st.lists(st.integers(1, 50), min_size=1, max_size=4))
    def test_numbers_compare_as_numbers(self, one: list[int], other: list[int]) -> None:
        """And a longer version comes after its own beginning."""
        left, right = (AlpineVersion(".".join(map(str, numbers))) for numbers in (one, other))
        assert (left < right) == (one < other)

    @pytest.mark.parametrize("text", ["", "a", "1.", "1.0-r", "1.0_new", "1.0-1", "1.0ab", "v1", "1" * 300, "1.0 "])
    def test_refuses_what_is_no_version(self, text: str) -> None:
        """As apk version --check does."""
        with pytest.raises(ValueError, match="Alpine package"):
            AlpineVersion(text)


def test_a_range_without_an_end_holds_every_later_version() -> None:
    """Nobody has fixed it yet."""
    assert is_within(Ecosystem.DEB, "99", "0", "")
    assert not is_within(Ecosystem.DEB, "1", "2", "")
