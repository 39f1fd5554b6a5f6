"""One local Git repository with every commit that the lifecycle's tests push; made once, pushed to new repositories."""

import os
import subprocess
from pathlib import Path

from tests.local.devops.driver import TOKEN, credentials, git

_LAYOUT = {
    "main": (None, {"README.md": "hello\n"}),
    "topic": ("main", {"file.txt": "one\n"}),
    "topic-next": ("topic", {"file.txt": "two\n"}),
    "topic-last": ("topic-next", {"file.txt": "three\n"}),
    "other": ("main", {"other.txt": "other\n"}),
    "release": ("main", {"release.txt": "release\n"}),
    "clash": ("main", {"README.md": "mine\n"}),
    "main-clash": ("main", {"README.md": "theirs\n"}),
    "main-later": ("main", {"later.txt": "later\n"}),
}
"""Branch: the branch it starts from, and what its one commit changes."""


class Origin:
    """The repository. Its branches never move; pushes name what goes where."""

    def __init__(self, folder: Path) -> None:
        """Make every commit.

        Args:
            folder: Where; made here.
        """
        folder.mkdir()
        self._folder = folder
        git(folder, "init", "-q", "-b", "main")
        for branch, (start, files) in _LAYOUT.items():
            git(folder, "branch", "-q", "-f", branch, self.commit(files, start)) if start else self._root(files)
        self.commits = {branch: git(folder, "rev-parse", branch).stdout.strip() for branch in _LAYOUT}

    def commit(self, files: dict[str, str], start: str = "main") -> str:
        """Make a commit without touching any branch.

        Args:
            files: What it changes.
            start: Its parent.

        Returns:
            The commit.
        """
        index = {"GIT_INDEX_FILE": str(self._folder / "index-of-the-test")}
        self._git("read-tree", start, extra=index)
        for path, content in files.items():
            blob = self._git("hash-object", "-w", "--stdin", text=content)
            self._git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", extra=index)
        tree = self._git("write-tree", extra=index)
        return self._git("commit-tree", tree, "-p", start, "-m", "change")

    def push(self, url: str, *specs: str) -> None:
        """Push.

        Args:
            url: The repository.
            specs: What goes where, as `git push` takes it.
        """
        git(self._folder, *credentials(TOKEN), "push", "-q", "-f", url, *specs)

    def _root(self, files: dict[str, str]) -> None:
        for path, content in files.items():
            (self._folder / path).write_text(content)
        git(self._folder, "add", "-A")
        git(self._folder, "commit", "-q", "-m", "start")

    def _git(self, *arguments: str, text: str = "", extra: dict[str, str] | None = None) -> str:
        who = {
            f"GIT_{role}_{what}": "dev@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", *arguments],
            cwd=self._folder,
            env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, **who, **(extra or {})},
            input=text,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout.strip()
