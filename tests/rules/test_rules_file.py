"""Reading rules: what each key may hold, and what holds where a file or the organisation is silent."""

from typing import Any

import pytest

from scan_core.model.finding import Severity
from scan_core.model.image import platform
from scan_core.model.rules import Drafts, ImageRule, OnAudit, OnError, OnNothing, Rules, Thresholds
from scan_core.model.target import Mode, ScanType
from scan_core.rules.rules_file import RulesUnreadable, rules_from_mapping
from tests.rules.reading import read, refused


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
