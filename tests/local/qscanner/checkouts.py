"""Folders to scan, and a way to scan them inside the test's own process."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from local.qscanner.__main__ import main

COMMIT = "1234567890abcdef1234567890abcdef12345678"
ORIGIN = "https://dev.azure.com/fabrikam/shop/_git/web"
VULNERABLE_LOCK = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "web"},
        "node_modules/lodash": {"version": "4.17.11", "license": "MIT"},
        "node_modules/minimist": {"version": "1.2.0", "license": "(MIT OR Apache-2.0)"},
        "node_modules/@types/node": {"version": "20.1.0", "license": "SEE LICENSE IN LICENSE.txt"},
    },
}
FIXED_LOCK = {
    "lockfileVersion": 3,
    "packages": {"node_modules/lodash": {"version": "4.17.21"}, "node_modules/minimist": {"version": "1.2.8"}},
}


def write_tree(root: Path, files: dict[str, object]) -> Path:
    """Write files below a folder; what is neither text nor bytes is written as JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return root


def write_checkout(root: Path, files: dict[str, object]) -> Path:
    """Write files as a checkout on a local branch with an origin."""
    git = {
        ".git/HEAD": "ref: refs/heads/main\n",
        ".git/refs/heads/main": f"{COMMIT}\n",
        ".git/config": f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {ORIGIN}\n',
    }
    return write_tree(root, {**git, **files})


class Run(NamedTuple):
    """How a scan ended, and what it left."""

    code: int
    output: Path
    stdout: str
    stderr: str

    def file(self, suffix: str) -> Path:
        """Give the one file whose name ends so."""
        (path,) = self.output.glob(f"*{suffix}")
        return path

    def document(self, suffix: str) -> Any:
        """Read the one JSON file whose name ends so."""
        return json.loads(self.file(suffix).read_bytes())


class Scanner:
    """Runs the stand-in in this process, with an environment of its own."""

    def __init__(self, output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.output = output
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, **environment: str) -> Run:
        """Run with a token, a pod and an output folder, unless the arguments say otherwise."""
        for name, value in {
            "QUALYS_ACCESS_TOKEN": "token-of-a-test",
            "HOME": str(self.output.parent),
            **environment,
        }.items():
            self._monkeypatch.setenv(name, value)
        self._capsys.readouterr()
        code = main(["--pod", "US2", "--output-dir", str(self.output), *arguments])
        captured = self._capsys.readouterr()
        return Run(code, self.output, captured.out, captured.err)
