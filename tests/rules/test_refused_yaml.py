"""YAML that no rules file may be: refused with its line, whole or too large, and in bounded time."""

import time

import pytest

from tests.rules.reading import DEFAULTS, read, refusal, refused


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
        refusal((unit * 32_768)[:32_768].encode())
        assert time.process_time() - before < 20
