"""Repositories made object by object, so that they can hold what no ordinary git command would put there."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

FILE, PROGRAM, LINK, SUBMODULE = "100644", "100755", "120000", "160000"
type Entry = bytes | tuple[str, bytes]
"""A file's content, or a mode and content; of a submodule the content is its commit."""


class Repository:
    """A bare repository on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        """Run git in it."""
        who = {
            f"GIT_{role}_{what}": "someone@example.com"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            input=stdin,
            env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", **who},
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, Entry] | Mapping[bytes, Entry], branch: str = "main") -> str:
        """Commit exactly these files on a branch; give the commit's hash."""
        (self.folder / "index").unlink(missing_ok=True)
        lines = [self._line(path, entry) for path, entry in files.items()]
        self.git("update-index", "-z", "--index-info", stdin=b"".join(lines))
        return self.commit_tree(self.git("write-tree"), branch)

    def commit_tree(self, tree: str, branch: str = "main") -> str:
        """Commit a tree on a branch; give the commit's hash."""
        commit = self.git("commit-tree", tree, "-m", "message")
        self.git("update-ref", f"refs/heads/{branch}", commit)
        return commit

    def blob(self, content: bytes) -> str:
        """Store a file's content; give its hash."""
        return self.git("hash-object", "-w", "--stdin", stdin=content)

    def _line(self, path: str | bytes, entry: Entry) -> bytes:
        mode, content = entry if isinstance(entry, tuple) else (FILE, entry)
        name = content.decode() if mode == SUBMODULE else self.blob(content)
        return f"{mode} {name}\t".encode() + (path.encode() if isinstance(path, str) else path) + b"\0"
