"""What is scanned: a folder or an image, opened so that both are read alike."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from local.qscanner.command_line import NO_STORAGE_DRIVER, Options, Subcommand
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.git_state import GitState, read_git_state
from local.qscanner.image_facts import ImageFacts
from local.qscanner.journal import Journal
from local.qscanner.time_limit import time_limit
from local.qscanner.tree import FileTree, Tree


class Subject(NamedTuple):
    """One opened target.

    Attributes:
        tree: Its files.
        git: What is checked out, if it is a checkout.
        prefix: What the names of the scan's files begin with: 64 hexadecimal digits. An image's is its own hash.
        image: What is known of the image, if it is one.
    """

    tree: FileTree
    git: GitState
    prefix: str
    image: ImageFacts | None = None


@contextmanager
def open_subject(options: Options, environment: dict[str, str], journal: Journal) -> Iterator[Subject]:
    """Open the target of a command line.

    Args:
        options: The command line.
        environment: The process's environment, which may hold a registry's login.
        journal: Where progress is written.

    Yields:
        The target; what was pulled of an image is gone afterwards.

    Raises:
        ScanError: With code 5 for a folder that cannot be read, 8 for a storage driver that needs an engine, or as
            pulling an image says.
    """
    if options.subcommand is Subcommand.IMAGE:
        with _image(options, environment, journal) as subject:
            yield subject
        return
    root = Path(options.target)
    if not root.is_dir():
        raise ScanError(ExitCode.FILESYSTEM_UNREADABLE, f"{options.target} is not a folder that can be read")
    git = read_git_state(root) if options.subcommand is Subcommand.REPO else GitState()
    yield Subject(Tree(root, options.exclude_dirs, options.exclude_files), git, _folder_prefix(options, git))


@contextmanager
def _image(options: Options, environment: dict[str, str], journal: Journal) -> Iterator[Subject]:
    if options.storage_driver != NO_STORAGE_DRIVER:
        reason = f"storage driver {options.storage_driver} needs a container engine, and this stand-in uses none"
        raise ScanError(ExitCode.STORAGE_DRIVER_FAILED, reason)
    if options.platform is None:
        raise ScanError(ExitCode.BAD_PARAMETER, "an image needs --platform")
    from local.qscanner.image.interest import interest_of  # noqa: PLC0415 - network and TLS cost start-up time
    from local.qscanner.image.pull import pulled_image  # noqa: PLC0415 - as above

    interest = interest_of(options.scan_types)
    with ExitStack() as stack:
        with time_limit(options.scan_timeout_seconds):
            pulling = pulled_image(options.target, options.platform, environment, interest, journal)
            facts, tree = stack.enter_context(pulling)
        yield Subject(tree, GitState(), facts.image_id, facts)


def _folder_prefix(options: Options, git: GitState) -> str:
    """Give what file names begin with: opaque, the same for the same commit, as QScanner's is for a repository."""
    identity = f"{git.origin}\n{git.commit}" if git.commit else os.path.realpath(options.target)
    return sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
