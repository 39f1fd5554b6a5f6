"""``scangate rules check``: a rules file is understood, or what is wrong with it is said."""

import json
from pathlib import Path

from typer.testing import CliRunner

from scan_core.cli.main import app

run = CliRunner().invoke


def test_a_good_file_is_shown_as_it_is_understood(tmp_path: Path) -> None:
    """With every default filled in."""
    file = tmp_path / ".scangate.yml"
    file.write_text("max_high: 3\ndrafts: wait\n")
    done = run(app, ["rules", "check", str(file)])
    assert done.exit_code == 0
    shown = json.loads(done.stdout)
    assert (shown["thresholds"]["max_high"], shown["drafts"], shown["enabled"]) == (3, "wait", True)


def test_images_are_shown_with_the_platforms_they_come_to(tmp_path: Path) -> None:
    """As people write them."""
    file = tmp_path / ".scangate.yml"
    file.write_text("platforms: [linux/arm64/v8]\nimages: [a.b/c:1, {image: a.b/d:1, platforms: [linux/arm/v6]}]\n")
    shown = json.loads(run(app, ["rules", "check", str(file)]).stdout)
    assert shown["platforms"] == ["linux/arm64"]
    assert [(image["image"], image["platforms"]) for image in shown["images"]] == [
        ("a.b/c:1", ["linux/arm64"]),
        ("a.b/d:1", ["linux/arm/v6"]),
    ]


def test_a_wrong_file_is_refused_with_file_line_and_key(tmp_path: Path) -> None:
    """As the status on a pull request would say it."""
    file = tmp_path / "rules.yml"
    file.write_text("enabled: true\nmax_hihg: 3\n")
    done = run(app, ["rules", "check", str(file)])
    assert done.exit_code == 1
    for word in ("rules.yml", "2", "max_hihg", "max_high"):
        assert word in done.stderr
    assert done.stdout == ""


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """In one line."""
    done = run(app, ["rules", "check", str(tmp_path / "nothing.yml")])
    assert done.exit_code == 1
    assert done.stderr.strip().endswith("nothing.yml: No such file or directory")
