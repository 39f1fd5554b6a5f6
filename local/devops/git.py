"""Bare repositories on disk, through the git program itself."""

import os
import subprocess
import tempfile
from pathlib import Path

from local.devops.git_objects import (
    COMMIT_LAYOUT,
    Change,
    CommitInfo,
    Merge,
    TreeEntry,
    changes_in,
    commits_in,
    entries_in,
)
from local.devops.records import Identity

_CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[http]
\treceivepack = true
[uploadpack]
\tallowAnySHA1InWant = true
\tallowReachableSHA1InWant = true
\tallowFilter = true
[receive]
\thideRefs = refs/pull
\tautogc = false
\tunpackLimit = 1
[gc]
\tauto = 0
"""
# As Azure Repos: any object that is there can be fetched by its SHA; refs/pull belongs to the server alone.

_UPDATE_HOOK = """#!/bin/sh
# SIMULATOR_REFUSED lists, one a line, the refs that the pusher may not update.
case "
$SIMULATOR_REFUSED
" in
*"
$1
"*)
    echo "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch." >&2
    exit 1
    ;;
esac
"""


class GitFailed(Exception):
    """A git command ended with an error; the message is what it printed."""


def clean_environment(extra: dict[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which git sees no configuration of this machine's user.

    Args:
        extra: further variables.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        **(extra or {}),
    }


class BareRepository:
    """One bare repository."""

    def __init__(self, path: Path) -> None:
        """Point at a repository, which need not exist yet.

        Args:
            path: its folder.
        """
        self.path = path

    def create(self) -> None:
        """Make it, empty, with ``main`` as the branch that HEAD names."""
        self.path.mkdir(parents=True)
        arguments = ["git", "init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(self.path)]
        subprocess.run(arguments, check=True, env=clean_environment())
        (self.path / "config").write_text(_CONFIG)
        hooks = self.path / "hooks"
        hooks.mkdir()
        (hooks / "update").write_text(_UPDATE_HOOK)
        (hooks / "update").chmod(0o755)

    def run(
        self, *arguments: str, extra: dict[str, str] | None = None, accept: tuple[int, ...] = (0,), stdin: bytes = b""
    ) -> bytes:
        """Run one git command in it.

        Args:
            arguments: the command's arguments, without ``git``.
            extra: further environment variables.
            accept: exit codes that are no failure.
            stdin: what the command reads.

        Returns:
            What it printed.

        Raises:
            GitFailed: any other exit code.
        """
        done = subprocess.run(
            ["git", "--literal-pathspecs", *arguments],
            cwd=self.path,
            env=clean_environment(extra),
            input=stdin,
            capture_output=True,
            check=False,
        )
        if done.returncode not in accept:
            raise GitFailed(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def refs(self) -> dict[str, str]:
        """Return branches and tags with what they point at; the server's own refs are left out."""
        lines = self.run("for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags").decode()
        return {name: sha for sha, _, name in (line.partition(" ") for line in lines.splitlines())}

    def commit_of(self, name: str) -> str | None:
        """Return the commit that a ref or SHA names, or nothing.

        Args:
            name: full ref name or 40 hex digits.
        """
        found = self.run(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", accept=(0, 1, 128)
        )
        return found.decode().strip() or None

    def set_default(self, ref: str) -> None:
        """Let HEAD name a branch.

        Args:
            ref: full ref name.
        """
        self.run("symbolic-ref", "HEAD", ref)

    def set_ref(self, ref: str, new: str, old: str | None = None) -> None:
        """Point a ref at a commit.

        Args:
            ref: full ref name.
            new: the commit.
            old: what it must point at now; nothing means any.

        Raises:
            GitFailed: when it points elsewhere.
        """
        self.run("update-ref", ref, new, *([old] if old else []))

    def delete_ref(self, ref: str) -> None:
        """Remove a ref.

        Args:
            ref: full ref name.
        """
        self.run("update-ref", "-d", ref)

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the best common ancestor of two commits, or nothing for unrelated histories."""
        return self.run("merge-base", one, other, accept=(0, 1)).decode().strip() or None

    def contains(self, ancestor: str, commit: str) -> bool:
        """Tell whether a commit has another among its ancestors, or is it."""
        return self.merge_base(ancestor, commit) == ancestor

    def fetch(self, source: Path, *specs: str) -> None:
        """Copy objects and refs from another repository on this machine.

        Args:
            source: its folder.
            specs: refspecs.
        """
        self.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(source), *specs)

    def merge(self, target: str, source: str, message: str, author: Identity, lender: Path | None = None) -> Merge:
        """Merge a source commit into a target commit without touching any ref.

        Args:
            target: first parent.
            source: second parent.
            message: of the merge commit.
            author: whose name it carries.
            lender: another repository whose objects may be read, for a fork. They are copied only when the merge
                succeeds, so that a conflicting fork leaves nothing here.

        Returns:
            The merge commit, or why there is none.
        """
        lent = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(lender / "objects")} if lender else {}
        try:
            merged = self.run("merge-tree", "--write-tree", "--name-only", target, source, extra=lent, accept=(0, 1))
        except GitFailed as failed:
            return Merge(None, "failure", str(failed))
        tree, _, rest = merged.decode(errors="replace").partition("\n")
        if rest:
            return Merge(None, "conflicts", rest.split("\n\n")[0].strip())
        if lender:
            self.fetch(lender, source)
        return Merge(self.commit(tree, (target, source), message, author))

    def commit(self, tree: str, parents: tuple[str, ...], message: str, author: Identity) -> str:
        """Make a commit of a tree and return its SHA.

        Args:
            tree: the tree's SHA.
            parents: commits.
            message: its text.
            author: whose name it carries.
        """
        named = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", author.display_name), ("EMAIL", author.unique_name))
        }
        parent_options = [option for parent in parents for option in ("-p", parent)]
        return self.run("commit-tree", tree, *parent_options, extra=named, stdin=message.encode()).decode().strip()

    def rebase(self, source: str, target: str, author: Identity) -> Merge:
        """Replay the commits of a source on top of a target, in a folder of its own.

        Args:
            source: the commit to replay.
            target: the commit to replay it on.
            author: the committer.

        Returns:
            The last replayed commit, or why there is none.
        """
        named = {"GIT_COMMITTER_NAME": author.display_name, "GIT_COMMITTER_EMAIL": author.unique_name}
        with tempfile.TemporaryDirectory(prefix="rebase-") as folder:
            checkout = Path(folder) / "tree"
            self.run("worktree", "add", "--quiet", "--detach", str(checkout), source)
            try:
                BareRepository(checkout).run("rebase", "--quiet", target, extra=named)
                return Merge(BareRepository(checkout).run("rev-parse", "HEAD").decode().strip())
            except GitFailed as failed:
                return Merge(None, "conflicts", str(failed))
            finally:
                self.run("worktree", "remove", "--force", str(checkout))

    def changes(self, old: str, new: str) -> list[Change]:
        """Return the paths that differ between two commits, in path order.

        Args:
            old: the older commit.
            new: the newer one.
        """
        return changes_in(self.run("diff-tree", "-r", "-z", "-M", "--raw", old, new))

    def entry(self, commit: str, path: str) -> TreeEntry | None:
        """Return the file or folder at a path of a commit, or nothing.

        Args:
            commit: its SHA.
            path: without a leading slash; empty for the root.
        """
        if not path:
            tree = self.run("rev-parse", f"{commit}^{{tree}}").decode().strip()
            return TreeEntry("", "040000", "tree", tree, 0)
        found = self._list(commit, "--", path)
        return found[0] if found and found[0].path == path else None

    def entries(self, commit: str, folder: str, *, deep: bool) -> list[TreeEntry]:
        """Return what lies in a folder of a commit.

        Args:
            commit: its SHA.
            folder: without slashes at either end; empty for the root.
            deep: whether folders within are opened.
        """
        options = ("-r", "-t") if deep else ()
        listed = self._list(commit, *options, "--", *([f"{folder}/"] if folder else []))
        return [entry for entry in listed if not folder or entry.path.startswith(f"{folder}/")]

    def _list(self, commit: str, *options: str) -> list[TreeEntry]:
        return entries_in(self.run("ls-tree", "-z", "-l", "--full-tree", commit, *options))

    def blob(self, sha: str) -> bytes:
        """Return a file's content.

        Args:
            sha: the blob's.
        """
        return self.run("cat-file", "blob", sha)

    def info(self, commit: str) -> CommitInfo:
        """Return what a commit says about itself.

        Args:
            commit: its SHA.
        """
        return self.history(commit, limit=1, skip=0)[0]

    def history(self, start: str, *, limit: int, skip: int, end: str | None = None) -> list[CommitInfo]:
        """Return commits from newest to oldest.

        Args:
            start: where to begin.
            limit: how many at most.
            skip: how many to leave out first.
            end: a commit whose ancestors are left out.
        """
        options = [f"--max-count={limit}", f"--skip={skip}", f"--format={COMMIT_LAYOUT}", start]
        return commits_in(self.run("log", "-z", *options, *([f"^{end}"] if end else []), "--"))

    def prune(self) -> None:
        """Drop every object that no ref reaches."""
        self.run("gc", "--quiet", "--prune=now")
