"""Reading rules: what each key may hold, and what is said about everything else."""

import time
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from scan_core.model.finding import Severity
from scan_core.model.image import platform
from scan_core.model.rules import Drafts, ImageRule, OnAudit, OnError, OnNothing, Rules, Thresholds
from scan_core.model.target import Mode, ScanType
from scan_core.rules.keys import COUNT_LIMITS, KEYS
from scan_core.rules.rules_file import RulesUnreadable, read_rules, rules_from_mapping

DEFAULTS = Rules()


def read(text: str | bytes, defaults: Rules = DEFAULTS) -> Rules:
    """Read a file."""
    return read_rules(text.encode() if isinstance(text, str) else text, defaults)


def refused(text: str | bytes) -> RulesUnreadable:
    """Read a file that cannot be followed."""
    with pytest.raises(RulesUnreadable) as error:
        read(text)
    return error.value


class TestKeys:
    @pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "null\n", "{}", "\ufeff"])
    def test_an_empty_file_keeps_the_defaults(self, text: str) -> None:
        """Whatever an empty file looks like."""
        defaults = Rules(drafts=Drafts.WAIT, thresholds=Thresholds(fail_on_severity=Severity.LOW))
        assert read(text, defaults) == defaults

    def test_every_key_is_read(self) -> None:
        """In one file."""
        text = """\
enabled: no
scan_types: [os, secret, os]
exclude_dirs:
  - vendor/deep dir
  - "**/testdata"
exclude_files: ["2024-01-01"]
mode: evaluate-policy
policy_tags: [prod, "web front"]
max_critical: 1
max_high: 2
max_medium: -1
max_low: 1.0
max_secrets: -1
on_audit: fail
on_error: allow
on_nothing: allow
drafts: wait
branches: ["release/*", hotfix, hotfix]
images:
  - contoso.azurecr.io/app:$(Build.BuildId)
  - image: localhost:5000/team/web@sha256:abababababababababababababababababababababababababababababababab
    pipeline: release web
    platforms: [linux/arm64/v8, linux/arm64, linux/arm/v6]
  - {image: "10.0.0.1/x:a-$(build.sourceversion)_1", pipeline: 12}
platforms: [linux/x86_64]
"""
        assert read(text) == Rules(
            enabled=False,
            scan_types=(ScanType.OS, ScanType.SECRET),
            exclude_dirs=("vendor/deep dir", "**/testdata"),
            exclude_files=("2024-01-01",),
            mode=Mode.EVALUATE_POLICY,
            policy_tags=("prod", "web front"),
            thresholds=Thresholds(max_critical=1, max_high=2, max_low=1),
            max_secrets=None,
            on_audit=OnAudit.FAIL,
            on_error=OnError.ALLOW,
            on_nothing=OnNothing.ALLOW,
            drafts=Drafts.WAIT,
            branches=("release/*", "hotfix"),
            images=(
                ImageRule(image="contoso.azurecr.io/app:$(Build.BuildId)"),
                ImageRule(
                    image=f"localhost:5000/team/web@sha256:{'ab' * 32}",
                    pipeline="release web",
                    platforms=(platform("linux/arm64"), platform("linux/arm/v6")),
                ),
                ImageRule(image="10.0.0.1/x:a-$(build.sourceversion)_1", pipeline="12"),
            ),
            platforms=(platform("linux/amd64"),),
        )

    def test_what_the_file_leaves_out_keeps_the_organisations_value(self) -> None:
        """Key by key."""
        defaults = Rules(drafts=Drafts.WAIT, exclude_dirs=("a",))
        assert read("exclude_files: [b]", defaults) == Rules(
            drafts=Drafts.WAIT, exclude_dirs=("a",), exclude_files=("b",)
        )

    def test_an_empty_list_clears_a_default(self) -> None:
        """Saying nothing and saying none are two things."""
        assert read("exclude_dirs: []", Rules(exclude_dirs=("a",))).exclude_dirs == ()


class TestThresholds:
    @pytest.mark.parametrize(
        ("written", "severity"),
        [
            ("5", Severity.CRITICAL),
            ("1", Severity.INFORMATIONAL),
            ("0", None),
            ("critical", Severity.CRITICAL),
            ("informational", Severity.INFORMATIONAL),
        ],
    )
    def test_a_severity_replaces_all_limits(self, written: str, severity: Severity | None) -> None:
        """A file that speaks one vocabulary keeps nothing of the other."""
        assert read(f"fail_on_severity: {written}").thresholds == Thresholds(fail_on_severity=severity)

    def test_a_limit_keeps_the_organisations_other_limits(self) -> None:
        """Both speak the same vocabulary."""
        defaults = Rules(thresholds=Thresholds(max_critical=0, max_medium=7))
        assert read("max_high: 3", defaults).thresholds == Thresholds(max_critical=0, max_high=3, max_medium=7)

    def test_a_limit_over_a_severity_falls_back_to_qualys_own_defaults(self) -> None:
        """The organisation's severity does not go on holding behind the file's back."""
        defaults = Rules(thresholds=Thresholds(fail_on_severity=Severity.LOW))
        assert read("max_low: 3", defaults).thresholds == Thresholds(max_critical=0, max_high=0, max_low=3)

    @pytest.mark.parametrize(
        ("text", "line", "key"),
        [
            ("fail_on_severity: 4\nmax_high: 1\n", 2, "max_high"),
            ("max_low: -1\nmode: get-report\nfail_on_severity: 0\n", 3, "fail_on_severity"),
        ],
    )
    def test_both_vocabularies_in_one_file_are_refused(self, text: str, line: int, key: str) -> None:
        """At the second of the two."""
        error = refused(text)
        assert (error.line, error.key) == (line, key)
        assert "cannot stand together" in error.sentence

    def test_the_limit_on_secrets_goes_with_either(self) -> None:
        """It belongs to neither vocabulary."""
        assert read("fail_on_severity: 4\nmax_secrets: 2").max_secrets == 2


class TestRefusedValues:
    @pytest.mark.parametrize(
        ("text", "line", "key", "says"),
        [
            ("max_critcal: 1", 1, "max_critcal", "unknown key `max_critcal`; did you mean `max_critical`?"),
            ("\n\nfailOnSeverity: 4", 3, "failOnSeverity", "did you mean `fail_on_severity`?"),
            ("exclude-dirs: []", 1, "exclude-dirs", "did you mean `exclude_dirs`?"),
            ("wholly: 1", 1, "wholly", "unknown key `wholly`; known keys are enabled, "),
            ("5: 1", 1, "5", "unknown key `5`"),
            ("<<: {}", 1, "<<", "unknown key `<<`"),
            ("enabled: maybe", 1, "enabled", "`enabled` has to be true or false, and is `maybe`"),
            ("enabled: 1", 1, "enabled", "and is the number `1`"),
            ("enabled:", 1, "enabled", "and is empty"),
            ("scan_types: pkg", 1, "scan_types", "has to be a list of pkg, os, sca or secret, and is `pkg`"),
            ("scan_types: []", 1, "scan_types", "and is an empty list"),
            ("scan_types:\n- pkg\n- pgk", 3, "scan_types", "may hold pkg, os, sca or secret, and holds `pgk`"),
            ("scan_types: [[pkg]]", 1, "scan_types", "and holds a list"),
            ("mode: fast", 1, "mode", "has to be get-report or evaluate-policy, and is `fast`"),
            ("mode: {a: 1}", 1, "mode", "and is a group of keys"),
            ("on_error: true", 1, "on_error", "has to be block or allow, and is `true`"),
            ("max_high: lots", 1, "max_high", "has to be a whole number from 0 up, or -1 for no limit, and is `lots`"),
            ("max_high: -2", 1, "max_high", "and is the number `-2`"),
            ("max_high: 1.5", 1, "max_high", "and is the number `1.5`"),
            ("max_high: .nan", 1, "max_high", "and is `.nan`"),
            ("max_high: .inf", 1, "max_high", "whole number"),
            ("max_high: 010", 1, "max_high", "and is `010`"),
            ("max_high: 1:30", 1, "max_high", "and is `1:30`"),
            ("max_high: true", 1, "max_high", "and is `true`"),
            ("max_high: 99999999999999999999999", 1, "max_high", "whole number"),
            ("fail_on_severity: 6", 1, "fail_on_severity", "has to be a severity from 1 to 5, 0 for never, or one of"),
            ("fail_on_severity: Critical", 1, "fail_on_severity", "critical, high, medium, low, informational"),
            ("policy_tags: prod", 1, "policy_tags", "has to be a list of texts"),
            ("policy_tags:\n  - ok\n  - a,b", 3, "policy_tags", "`a,b`, which holds a comma"),
            ("policy_tags: [-x]", 1, "policy_tags", "begins with a dash"),
            ("policy_tags: ['']", 1, "policy_tags", "empty or longer than 100"),
            ("policy_tags: [5]", 1, "policy_tags", "in quotes where they look like numbers"),
            (f"policy_tags: [{', '.join('abcdefghijk'[i // 10] + str(i) for i in range(51))}]", 1, "policy_tags", "50"),
            ("exclude_dirs: [/etc]", 1, "exclude_dirs", "is not relative"),
            ("exclude_dirs: ['C:x']", 1, "exclude_dirs", "is not relative"),
            ("exclude_dirs: [a/../b]", 1, "exclude_dirs", "leads out of the repository"),
            ("exclude_dirs: [..]", 1, "exclude_dirs", "leads out of the repository"),
            ("exclude_dirs: ['a\\b']", 1, "exclude_dirs", "holds a backslash"),
            ("exclude_dirs: [-rf]", 1, "exclude_dirs", "begins with a dash"),
            ("exclude_dirs: ['a,b']", 1, "exclude_dirs", "holds a comma"),
            ('exclude_dirs: ["a\\nb"]', 1, "exclude_dirs", "cannot be seen"),
            ('exclude_dirs: ["a\\u202eb"]', 1, "exclude_dirs", "cannot be seen"),
            ("exclude_dirs: [' a']", 1, "exclude_dirs", "begins or ends with a space"),
            (f"exclude_files: [{'x' * 201}]", 1, "exclude_files", "longer than 200"),
            ("on_nothing: pass", 1, "on_nothing", "has to be block or allow, and is `pass`"),
            ("branches: release/*", 1, "branches", "has to be a list of texts"),
            ("branches:\n- ok\n- refs/heads/main", 3, "branches", "is a full name; write the branch's short one"),
            ("branches: [/x]", 1, "branches", "begins or ends with a slash"),
            ("branches: [a//b]", 1, "branches", "has two together"),
            ("branches: ['release/[0-9]']", 1, "branches", "no branch name has; only * and ? stand for others"),
            ('branches: ["a\\u202eb"]', 1, "branches", "cannot be seen"),
            ("branches: ['']", 1, "branches", "empty or longer than 200"),
            (f"branches: [{', '.join(f'b{i}' for i in range(51))}]", 1, "branches", "50 entries, and holds 51"),
            ("platforms: linux/amd64", 1, "platforms", "has to be a list of platforms such as linux/amd64"),
            ("platforms: []", 1, "platforms", "and is an empty list"),
            ("platforms: [linux/amd64, amd64]", 1, "platforms", "`amd64`, which is no platform"),
            ("platforms: [Linux/amd64]", 1, "platforms", "in lower case"),
            ("platforms: [5]", 1, "platforms", "holds the number `5`"),
            (f"platforms: [{', '.join(f'os{i}/x' for i in range(9))}]", 1, "platforms", "8 entries, and holds 9"),
            ("images: a.b/c:1", 1, "images", "has to be a list of images, and is `a.b/c:1`"),
            (f"images: [{', '.join(f'a.b/c:{i}' for i in range(51))}]", 1, "images", "50 entries, and holds 51"),
            ("images:\n- a.b/c:1\n- 5", 3, "images", "groups of image, pipeline and platforms, and holds the number"),
            ("images: [c:1]", 1, "images", "`c:1`: an image reference has to begin with its registry's host"),
            ("images: ['$(Build.BuildNumber)/c:1']", 1, "images", "written out: no variable chooses it"),
            ("images: [a.b/c]", 1, "images", "neither tag nor digest"),
            ("images: [a.b/C:1]", 1, "images", "upper-case"),
            ("images: ['a.b:70000/c:1']", 1, "images", "has a port above 65535"),
            ("images: ['a.b/c:$(Build.BuildID2)']", 1, "images", "did you mean $(Build.BuildId)?"),
            ("images: ['a.b/c:$(Nothing.Alike)']", 1, "images", "known are Build.BuildId, "),
            ("images: ['a.b/c:$(Build.BuildId']", 1, "images", "a '$' that does not begin a variable"),
            ("images: ['a.b/c:$( Build.BuildId )']", 1, "images", "and without spaces"),
            ("images: ['https://a.b/c:1']", 1, "images", "leave out what stands up to '://'"),
            (f"images: ['a.b/c:{'x' * 500}']", 1, "images", "has 506 characters, and at most 500 are read"),
            ("images:\n- pipeline: x\n  imge: a.b/c:1", 2, "images", "names no image: give it the key `image`"),
            ("images:\n- image: a.b/c:1\n  pipline: x", 3, "images", "`pipline`; did you mean `pipeline`?"),
            ("images:\n- image: a.b/c:1\n  pipeline: yes", 3, "images", "the number of its definition, and is `true`"),
            ("images:\n- image: a.b/c:1\n  pipeline: 0", 3, "images", "and is the number `0`"),
            ("images:\n- image: [a]\n", 2, "images", "whose `image` has to be text such as"),
            (
                "images:\n- image: a.b/c:1\n  platforms:\n  - linux/amd64\n  - linux",
                5,
                "images",
                "whose `platforms` holds `linux`, which is no platform",
            ),
        ],
    )
    def test_it_says_what_was_wanted_and_what_was_found(self, text: str, line: int, key: str, says: str) -> None:
        """With file, line and key."""
        error = refused(text)
        assert (error.file, error.line, error.key) == (".scangate.yml", line, key)
        assert error.sentence.startswith(f".scangate.yml, line {line}: ")
        assert says in error.sentence

    def test_every_problem_is_kept(self) -> None:
        """The first one is the sentence."""
        error = refused("mode: x\nenabled: 2\nmax_low: 1\nnope: 1\n")
        assert [problem.line for problem in error.problems] == [1, 2, 4]
        assert error.sentences[0] == error.sentence == str(error)
        assert len(error.sentences) == 3

    def test_every_problem_of_a_list_of_images_is_kept(self) -> None:
        """Each at its own line."""
        error = refused("images:\n- c:1\n- image: a.b/c:1\n  more: 1\n  pipeline: 0\n- a.b/c:1\n- {}\nmode: x\n")
        assert [problem.line for problem in error.problems] == [2, 4, 5, 7, 8]

    def test_thousands_of_problems_are_not_looked_for(self) -> None:
        """Each costs time."""
        assert len(refused("".join(f"k{number}: 1\n" for number in range(3_000))).problems) == 20

    def test_what_is_quoted_from_a_file_cannot_act(self) -> None:
        """Neither markup of its own nor length nor control characters."""
        sentence = refused(f'"a`b\\e\\u202e{"c" * 500}": 1').sentence
        assert "`a'b??" in sentence
        assert sentence.isprintable()
        assert len(sentence) < 400


class TestRefusedYaml:
    @pytest.mark.parametrize(
        ("text", "line", "says"),
        [
            ("mode: get-report\nmode: evaluate-policy\n", 2, "`mode` is given twice, first on line 1"),
            ("a: &x 1\n", 1, "an anchor"),
            ("a: 1\nb: *x\n", 2, "an alias"),
            ("a: !!python/object:os.system 1\n", 1, "a tag"),
            ("a: !x 1\n", 1, "a tag"),
            ("a: [[[[[[1]]]]]]\n", 1, "nested too deeply"),
            ("images:\n- image: a.b/c:1\n  image: a.b/d:1\n", 3, "`image` is given twice, first on line 2"),
            ("images:\n- image: a.b/c:1\n  [a]: 1\n", 3, "a key is a list, not a name"),
            ("[" * 30_000, 1, "nested too deeply"),
            ("{" * 30_000, 1, "nested too deeply"),
            ("mode: get-report\n---\nmode: get-report\n", 2, "a second document"),
            ("- a\n- b\n", 1, "expected keys and values such as `max_critical: 0`, found a list"),
            ("just text", 1, "found a single value"),
            ("? [a]\n: 1\n", 1, "a key is a list, not a name"),
            ("? {a: 1}\n: 1\n", 1, "a key is keys and values"),
            ("enabled: true\n\tmode: get-report\n", 2, "a tab stands here"),
            ("exclude_dirs:\n\t- a\n", 2, "a tab stands here"),
            ("enabled: [true\n", 2, "is not valid YAML"),
            ("a: b: c\n", 1, "is not valid YAML"),
            ("a: 1\nb: \x07\n", 2, "a character stands here that YAML refuses"),
            ('a: "\\UFFFFFFFF"\n', None, "is not valid YAML"),
        ],
    )
    def test_it_is_refused_with_its_line(self, text: str, line: int | None, says: str) -> None:
        """Only what a rules file needs is allowed."""
        error = refused(text)
        assert error.line == line
        assert says in error.sentence

    def test_a_file_that_is_not_utf8_is_refused(self) -> None:
        """At the line with the first wrong byte."""
        error = refused(b"enabled: true\n# caf\xe9\n")
        assert (error.line, "UTF-8" in error.sentence) == (2, True)
        assert "UTF-8" in refused("enabled: true\n".encode("utf-16")).sentence

    def test_a_file_that_is_too_large_is_refused(self) -> None:
        """Before anything is read."""
        assert "32,768" in refused(b"#" * 32_769).sentence
        assert read(b"#" * 32_768) == DEFAULTS

    @pytest.mark.parametrize(
        "unit", ["[", "{a: ", "- ", "? ", "a: ", "&a ", "'", '"\\', "|\n ", "%a\n", "!", "\n\n", ": ", "a"]
    )
    def test_no_small_file_takes_long(self, unit: str) -> None:
        """Bounded work, measured in processor time with much room."""
        before = time.process_time()
        _refusal((unit * 32_768)[:32_768].encode())
        assert time.process_time() - before < 20


class TestSetting:
    def test_the_organisations_defaults_have_the_same_keys(self) -> None:
        """As JSON."""
        assert rules_from_mapping({"fail_on_severity": "high", "exclude_dirs": ["a"]}) == Rules(
            thresholds=Thresholds(fail_on_severity=Severity.HIGH), exclude_dirs=("a",)
        )
        assert rules_from_mapping({}) == Rules()

    @pytest.mark.parametrize(
        ("values", "says"),
        [
            ({"max_hihg": 1}, "SCANGATE_DEFAULT_RULES: unknown key `max_hihg`; did you mean `max_high`?"),
            ({"max_high": "1"}, "SCANGATE_DEFAULT_RULES: `max_high` has to be a whole number"),
            ({"images": ["c:1"]}, "SCANGATE_DEFAULT_RULES: `images` holds an entry whose `image` is `c:1`"),
            (
                {"images": [{"image": "a.b/c:1", "x": 1}]},
                "the unknown key `x`; known keys are image, pipeline, platforms",
            ),
            ({"exclude_dirs": ["a", 5]}, "SCANGATE_DEFAULT_RULES: `exclude_dirs` has to hold texts"),
            ({"max_low": 1, "fail_on_severity": 1}, "cannot stand together"),
        ],
    )
    def test_it_is_checked_in_the_same_way(self, values: dict[str, Any], says: str) -> None:
        """Only without lines."""
        with pytest.raises(RulesUnreadable) as error:
            rules_from_mapping(values)
        assert says in error.value.sentence
        assert error.value.line is None


_WORDS = [
    "enabled",
    "max_high",
    "mode",
    "exclude_dirs",
    "0",
    "-1",
    "true",
    "get-report",
    "images",
    "image",
    "pipeline",
    "a.b/c:$(Build.BuildId)",
    "&a",
    "*a",
    "<<",
    "---",
    "...",
]
_SIGNS = [": ", "\n", "- ", "  ", *"[]{},'\"#!|>%@\t?\\\x00\u2028é"]
_PIECES = st.sampled_from(_WORDS + _SIGNS)


class TestAnyInput:
    @given(st.binary(max_size=200))
    @example(b"%YAML " + b"9" * 5000 + b".1\n---\n")
    @example(b'"\\ud800": 1')
    @example(b"? |-\n" * 100)
    def test_any_bytes_are_read_or_refused(self, content: bytes) -> None:
        """No other error than the one that is promised."""
        _read_or_refuse(content)

    @given(st.lists(_PIECES, max_size=40))
    def test_anything_that_looks_like_yaml_is_read_or_refused(self, pieces: list[str]) -> None:
        """Tokens in any order."""
        _read_or_refuse("".join(pieces).encode())

    @given(
        st.dictionaries(
            st.sampled_from([*KEYS, "other"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
                max_leaves=5,
            ),
        )
    )
    def test_any_values_are_read_or_refused(self, values: dict[str, Any]) -> None:
        """From a setting and from a file, with the same answer where YAML and JSON mean the same."""
        _read_or_refuse(yaml.safe_dump(values, allow_unicode=True).encode("utf-8", "surrogatepass"))
        with suppress(RulesUnreadable):
            rules_from_mapping(values)

    @given(st.fixed_dictionaries({}, optional=dict.fromkeys(COUNT_LIMITS, st.integers(-1, 9))))
    def test_limits_that_are_given_are_the_ones_that_hold(self, limits: dict[str, int]) -> None:
        """And -1 is none."""
        found = read(yaml.safe_dump(limits)).thresholds
        for name in COUNT_LIMITS:
            expected = limits.get(name, getattr(DEFAULTS.thresholds, name))
            assert getattr(found, name) == (None if expected == -1 else expected)


def _read_or_refuse(content: bytes) -> None:
    refusal = _refusal(content)
    if refusal is not None:
        assert refusal.sentence.startswith(".scangate.yml")
        assert refusal.sentence.isprintable()
        assert refusal.line is None or 1 <= refusal.line <= len(content.decode("utf-8", "replace").splitlines()) + 2


def _refusal(content: bytes) -> RulesUnreadable | None:
    try:
        read(content)
    except RulesUnreadable as error:
        return error
    return None
