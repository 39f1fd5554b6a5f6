"""Keys and values that no rules file may hold: each is refused with what was wanted and what was found."""

import pytest

from tests.rules.reading import refused

ON_ONE_LINE = {
    "enabled": {
        "maybe": "`enabled` has to be true or false, and is `maybe`",
        "1": "and is the number `1`",
    },
    "scan_types": {
        "pkg": "has to be a list of pkg, os, sca or secret, and is `pkg`",
        "[]": "and is an empty list",
        "[[pkg]]": "and holds a list",
    },
    "mode": {
        "fast": "has to be get-report or evaluate-policy, and is `fast`",
        "{a: 1}": "and is a group of keys",
    },
    "on_error": {
        "true": "has to be block or allow, and is `true`",
    },
    "max_high": {
        "lots": "has to be a whole number from 0 up, or -1 for no limit, and is `lots`",
        "-2": "and is the number `-2`",
        "1.5": "and is the number `1.5`",
        ".nan": "and is `.nan`",
        ".inf": "whole number",
        "010": "and is `010`",
        "1:30": "and is `1:30`",
        "true": "and is `true`",
        "99999999999999999999999": "whole number",
    },
    "fail_on_severity": {
        "6": "has to be a severity from 1 to 5, 0 for never, or one of",
        "Critical": "critical, high, medium, low, informational",
    },
    "policy_tags": {
        "prod": "has to be a list of texts",
        "[-x]": "begins with a dash",
        "['']": "empty or longer than 100",
        "[5]": "in quotes where they look like numbers",
        f"[{', '.join('abcdefghijk'[i // 10] + str(i) for i in range(51))}]": "50",
    },
    "exclude_dirs": {
        "[/etc]": "is not relative",
        "['C:x']": "is not relative",
        "[a/../b]": "leads out of the repository",
        "[..]": "leads out of the repository",
        "['a\\b']": "holds a backslash",
        "[-rf]": "begins with a dash",
        "['a,b']": "holds a comma",
        '["a\\nb"]': "cannot be seen",
        '["a\\u202eb"]': "cannot be seen",
        "[' a']": "begins or ends with a space",
    },
    "exclude_files": {
        f"[{'x' * 201}]": "longer than 200",
    },
    "on_nothing": {
        "pass": "has to be block or allow, and is `pass`",
    },
    "branches": {
        "release/*": "has to be a list of texts",
        "[/x]": "begins or ends with a slash",
        "[a//b]": "has two together",
        "['release/[0-9]']": "no branch name has; only * and ? stand for others",
        '["a\\u202eb"]': "cannot be seen",
        "['']": "empty or longer than 200",
        f"[{', '.join(f'b{i}' for i in range(51))}]": "50 entries, and holds 51",
    },
    "platforms": {
        "linux/amd64": "has to be a list of platforms such as linux/amd64",
        "[]": "and is an empty list",
        "[linux/amd64, amd64]": "`amd64`, which is no platform",
        "[Linux/amd64]": "in lower case",
        "[5]": "holds the number `5`",
        f"[{', '.join(f'os{i}/x' for i in range(9))}]": "8 entries, and holds 9",
    },
    "images": {
        "a.b/c:1": "has to be a list of images, and is `a.b/c:1`",
        f"[{', '.join(f'a.b/c:{i}' for i in range(51))}]": "50 entries, and holds 51",
        "[c:1]": "`c:1`: an image reference has to begin with its registry's host",
        "['$(Build.BuildNumber)/c:1']": "written out: no variable chooses it",
        "[a.b/c]": "neither tag nor digest",
        "[a.b/C:1]": "upper-case",
        "['a.b:70000/c:1']": "has a port above 65535",
        "['a.b/c:$(Build.BuildID2)']": "did you mean $(Build.BuildId)?",
        "['a.b/c:$(Nothing.Alike)']": "known are Build.BuildId, ",
        "['a.b/c:$(Build.BuildId']": "a '$' that does not begin a variable",
        "['a.b/c:$( Build.BuildId )']": "and without spaces",
        "['https://a.b/c:1']": "leave out what stands up to '://'",
        f"['a.b/c:{'x' * 500}']": "has 506 characters, and at most 500 are read",
    },
}
"""What may not stand behind a key, as it is written there, and what is said."""
IN_WHOLE_FILES = [
    ("max_critcal: 1", 1, "max_critcal", "unknown key `max_critcal`; did you mean `max_critical`?"),
    ("\n\nfailOnSeverity: 4", 3, "failOnSeverity", "did you mean `fail_on_severity`?"),
    ("exclude-dirs: []", 1, "exclude-dirs", "did you mean `exclude_dirs`?"),
    ("wholly: 1", 1, "wholly", "unknown key `wholly`; known keys are enabled, "),
    ("5: 1", 1, "5", "unknown key `5`"),
    ("<<: {}", 1, "<<", "unknown key `<<`"),
    ("enabled:", 1, "enabled", "and is empty"),
    ("scan_types:\n- pkg\n- pgk", 3, "scan_types", "may hold pkg, os, sca or secret, and holds `pgk`"),
    ("policy_tags:\n  - ok\n  - a,b", 3, "policy_tags", "`a,b`, which holds a comma"),
    ("branches:\n- ok\n- refs/heads/main", 3, "branches", "is a full name; write the branch's short one"),
    ("images:\n- a.b/c:1\n- 5", 3, "images", "groups of image, pipeline and platforms, and holds the number"),
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
]


class TestRefusedValues:
    @pytest.mark.parametrize(
        ("text", "line", "key", "says"),
        [
            *((f"{key}: {value}", 1, key, says) for key, said in ON_ONE_LINE.items() for value, says in said.items()),
            *IN_WHOLE_FILES,
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
