"""How git is run on a repository that nobody trusts: what it may read, follow and execute is named here, and only here.

Settings are documented in git-config(1), variables in git(1).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

BRANCH: Final = "scangate"
"""The local branch that is checked out: QScanner gets no report for a detached HEAD."""

# Attributes decide how files are written: line ends, encodings, programs to filter through. This file comes before
# those of the repository (gitattributes(5)), so that what is scanned is what was committed, byte for byte.
ATTRIBUTES: Final = "* -text !eol !crlf !ident !filter !working-tree-encoding !diff !merge\n"

_SETTINGS: Final = (
    # Nothing but the one address, by the one protocol that is allowed again below.
    ("protocol.allow", "never"),
    ("http.followRedirects", "false"),
    ("transfer.bundleURI", "false"),
    ("fetch.uriProtocols", ""),
    ("remote.origin.promisor", "false"),
    # A server that stops talking: bytes a second, and for how many seconds.
    ("http.lowSpeedLimit", "500"),
    ("http.lowSpeedTime", "30"),
    # Nothing that a repository, a template or a user could have put there is run.
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("credential.helper", ""),
    ("filter.lfs.smudge", ""),
    ("filter.lfs.process", ""),
    ("filter.lfs.required", "false"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    # Paths that a case-folding or short-name file system would take for .git.
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    # Hashes are verified on receipt and paths on checkout. Checking every object's form as well would refuse old
    # repositories whose commits carry harmless flaws.
    ("transfer.fsckObjects", "false"),
    # One pack that is watched while it grows, and no large file held in memory.
    ("transfer.unpackLimit", "1"),
    ("core.bigFileThreshold", "16m"),
    ("pack.threads", "1"),
    ("core.autocrlf", "false"),
    ("core.symlinks", "true"),
    ("core.logAllRefUpdates", "false"),
    ("advice.detachedHead", "false"),
    ("init.defaultBranch", BRANCH),
)


def environment(home: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """Build the environment of a git that reaches no network and knows no secret.

    Args:
        home: An empty home folder.
        inherited: Search path, language, proxies and certificates.

    Returns:
        Every variable that git sees.
    """
    return _with_settings(_variables(home, inherited), _SETTINGS)


def fetch_environment(
    home: Path, inherited: Mapping[str, str], address: str, authorisation: str | None
) -> dict[str, str]:
    """Build the environment of the one git that fetches.

    Args:
        home: An empty home folder.
        inherited: As for `environment`.
        address: The repository; nothing else is reached.
        authorisation: The value of the Authorization header; it stands in this environment and nowhere else.

    Returns:
        Every variable that git sees.
    """
    allowed = (f"protocol.{urlsplit(address).scheme}.allow", "always")
    header = ((f"http.{address}.extraHeader", f"Authorization: {authorisation}"),) if authorisation else ()
    # Keeps Azure DevOps from answering a bad credential with its sign-in page.
    suppress = (f"http.{address}.extraHeader", "X-TFS-FedAuthRedirect: Suppress")
    return _with_settings(_variables(home, inherited), (*_SETTINGS, allowed, suppress, *header))


def _variables(home: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    return {
        **inherited,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "LC_ALL": "C",  # its messages are read
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def _with_settings(variables: dict[str, str], settings: tuple[tuple[str, str], ...]) -> dict[str, str]:
    for index, (key, value) in enumerate(settings):
        variables[f"GIT_CONFIG_KEY_{index}"] = key
        variables[f"GIT_CONFIG_VALUE_{index}"] = value
    variables["GIT_CONFIG_COUNT"] = str(len(settings))
    return variables
