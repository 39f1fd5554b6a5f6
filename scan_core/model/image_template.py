"""Images named by the rules of a pipeline: a reference with the variables of the build in it. Pure.

Names and meanings: Microsoft, "Use predefined variables" (Azure Pipelines). Only those are known that stand in a
build's own record; what exists on an agent alone, such as a folder or a variable that a script set, cannot be.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Final

BUILD_VARIABLES: Final[Mapping[str, str]] = {
    "Build.BuildId": "the id of the build's record",
    "Build.BuildNumber": "the build's name, also called run number; may hold spaces, which no image tag may",
    "Build.DefinitionName": "the pipeline's name; may hold spaces",
    "Build.Repository.ID": "the repository's id, which stays when it is renamed",
    "Build.Repository.Name": "the name of the repository that triggered the build",
    "Build.SourceBranch": "the full ref that was built, such as refs/heads/main or refs/pull/1/merge",
    "Build.SourceBranchName": "the last path segment of that ref, such as main, or merge for a pull request",
    "Build.SourceVersion": "the commit that was built, 40 hex digits",
    "System.DefinitionId": "the pipeline's id",
    "System.PullRequest.PullRequestId": "the pull request that caused the build; only where a branch policy did",
    "System.TeamProjectId": "the project's id",
}
"""Every variable that a reference may hold, and what it stands for."""

_LONGEST_TEMPLATE: Final = 1024
_VARIABLE: Final = re.compile(r"\$\(([^()$]*)\)")
_VALUE: Final = re.compile(r"[A-Za-z0-9._/-]*")
_BY_LOWER: Final = {name.lower(): name for name in BUILD_VARIABLES}


def expand(template: str, variables: Mapping[str, str]) -> str:
    """Put a build's values into a reference.

    As in Azure Pipelines, case does not matter in a variable's name. Unlike there, an unknown variable is an error,
    and a value can neither choose the registry nor add a tag or a digest: what developers name freely, such as a
    branch, must not point the gate at another image.

    Args:
        template: Such as ``contoso.azurecr.io/app:$(Build.BuildId)``.
        variables: The build's values by name; those that this build does not have are left out or empty.

    Returns:
        The text to be read by `scan_core.model.image.image_reference`, which refuses what is no reference.

    Raises:
        ValueError: The template or a value cannot be used; the one sentence says what and why.
    """
    if len(template) > _LONGEST_TEMPLATE:
        raise ValueError(f"an image entry has at most {_LONGEST_TEMPLATE} characters")
    if "$" in template.partition("/")[0]:
        raise ValueError("an image entry has to begin with its registry's host, written out: no variable chooses it")
    values = {name.lower(): value for name, value in variables.items()}
    expanded = _VARIABLE.sub(lambda found: _value(found[1], values), template)
    if "$" in expanded:
        raise ValueError("an image entry holds a '$' that does not begin a variable such as $(Build.BuildId)")
    return expanded


def variables_in(template: str) -> tuple[str, ...]:
    """List the variables of a reference, for a check of the rules before any build exists.

    Args:
        template: As for `expand`.

    Returns:
        Their documented names, in the order of the template.

    Raises:
        ValueError: One is unknown.
    """
    return tuple(_known(name) for name in _VARIABLE.findall(template))


def source_branch_name(ref: str) -> str:
    """Derive ``Build.SourceBranchName`` from ``Build.SourceBranch``.

    Args:
        ref: A full ref, such as ``refs/heads/feature/tools``.

    Returns:
        Its last path segment, such as ``tools``.
    """
    return ref.rpartition("/")[2]


def _value(name: str, values: Mapping[str, str]) -> str:
    known = _known(name)
    value = values.get(known.lower(), "")
    if not value:
        raise ValueError(f"this build has no {known}, which an image entry of the rules needs")
    if not _VALUE.fullmatch(value):
        shown = ascii(value[:60])
        raise ValueError(f"{known} is {shown} in this build, which cannot stand in an image reference")
    return value


def _known(name: str) -> str:
    found = _BY_LOWER.get(name.strip().lower())
    if found is not None:
        return found
    shown = ascii(name[:60])
    raise ValueError(f"unknown variable {shown} in an image entry{_hint(name.lower(), _BY_LOWER)}")


def _hint(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name[:60], known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean $({_BY_LOWER[near[0]]})?"
    return f"; known are {', '.join(BUILD_VARIABLES)}"
