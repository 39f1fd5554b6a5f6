"""Image entries of the rules: a build's values are put in, and can do nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.image import image_reference
from scan_core.model.image_template import BUILD_VARIABLES, expand, source_branch_name, variables_in

BUILD = {
    "Build.BuildId": "1042",
    "Build.BuildNumber": "20261123.1",
    "Build.DefinitionName": "ci build",
    "Build.Repository.Name": "team/app",
    "Build.SourceBranch": "refs/heads/main",
    "Build.SourceBranchName": "main",
    "Build.SourceVersion": "0" * 40,
    "System.PullRequest.PullRequestId": "",
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("contoso.azurecr.io/app:$(Build.BuildId)", "contoso.azurecr.io/app:1042"),
        ("contoso.azurecr.io/app:$(build.buildid)", "contoso.azurecr.io/app:1042"),
        ("contoso.azurecr.io/app:$( Build.BuildId )", "contoso.azurecr.io/app:1042"),
        (
            "contoso.azurecr.io/$(Build.Repository.Name):$(Build.SourceBranchName)-$(Build.BuildNumber)",
            "contoso.azurecr.io/team/app:main-20261123.1",
        ),
        ("contoso.azurecr.io/app:1", "contoso.azurecr.io/app:1"),
    ],
)
def test_variables_are_replaced(template: str, expected: str) -> None:
    """As Azure Pipelines writes them, whatever their case."""
    assert expand(template, BUILD) == expected
    assert image_reference(expected).text == expected


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("contoso.azurecr.io/app:$(Build.BuildID2)", r"did you mean \$\(Build\.BuildId\)"),
        ("contoso.azurecr.io/app:$(BuildId)", r"did you mean \$\(Build\.BuildId\)"),
        ("contoso.azurecr.io/app:$(xyz)", r"known are Build\.BuildId, Build\.BuildNumber"),
        ("contoso.azurecr.io/app:$(Build.StagingDirectory)", "unknown variable"),
        ("contoso.azurecr.io/app:$()", "unknown variable"),
        ("contoso.azurecr.io/app:$(System.PullRequest.PullRequestId)", "this build has no System.PullRequest"),
        ("contoso.azurecr.io/app:$(Build.DefinitionName)", "is 'ci build' in this build"),
        ("contoso.azurecr.io/app:${{ variables.x }}", r"holds a '\$'"),
        ("contoso.azurecr.io/app:$[x]", r"holds a '\$'"),
        ("contoso.azurecr.io/app:$(Build.BuildId", r"holds a '\$'"),
        ("contoso.azurecr.io/app:$($(Build.BuildId))", r"holds a '\$'"),
        ("$(Build.Repository.Name)/app:1", "written out"),
        ("$(Build.Repository.Name)", "written out"),
        (f"contoso.azurecr.io/{'a' * 1024}:1", "at most 1024"),
    ],
)
def test_what_cannot_be_expanded_is_refused(template: str, why: str) -> None:
    """With the nearest known name, or with what is missing."""
    with pytest.raises(ValueError, match=why):
        expand(template, BUILD)


@pytest.mark.parametrize("value", [f"x@sha256:{'0' * 64}", "1:2", "a b", "$(Build.BuildId)", "a\n", "ä", "a?b", "a;b"])
def test_a_value_cannot_point_at_another_image(value: str) -> None:
    """Developers name branches freely; a branch must not choose a digest."""
    with pytest.raises(ValueError, match=r"Build\.SourceBranchName is .* cannot stand in an image reference"):
        expand("contoso.azurecr.io/app:$(Build.SourceBranchName)", {"Build.SourceBranchName": value})


@pytest.mark.parametrize("value", ["../x", "refs/heads/main", "-x", "Ä"])
def test_a_value_that_makes_no_reference_is_refused_in_the_end(value: str) -> None:
    """By the parser where not before."""
    with pytest.raises(ValueError, match=r".+"):
        image_reference(expand("contoso.azurecr.io/app:$(Build.SourceBranchName)", {"Build.SourceBranchName": value}))


@given(st.text(max_size=40), st.text(max_size=20))
def test_whatever_the_value_the_registry_stays(value: str, template: str) -> None:
    """Only listed registries see a credential, and the rules say which."""
    try:
        reference = image_reference(
            expand(f"contoso.azurecr.io/app{template}:$(Build.BuildNumber)", {"build.BUILDNUMBER": value})
        )
    except ValueError:
        return
    assert reference.registry == "contoso.azurecr.io"
    assert reference.repository.startswith("app")


def test_variables_can_be_checked_before_there_is_a_build() -> None:
    """When the rules are read."""
    assert variables_in("contoso.azurecr.io/$(build.definitionname):$(Build.BuildId)") == (
        "Build.DefinitionName",
        "Build.BuildId",
    )
    assert variables_in("contoso.azurecr.io/app:1") == ()
    with pytest.raises(ValueError, match=r"did you mean \$\(Build\.SourceVersion\)"):
        variables_in("contoso.azurecr.io/app:$(Build.SourceVersoin)")


def test_every_variable_has_a_meaning() -> None:
    """The documentation of the rules lists them."""
    assert all(BUILD_VARIABLES.values())


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("refs/heads/main", "main"),
        ("refs/heads/feature/tools", "tools"),
        ("refs/pull/1/merge", "merge"),
        ("main", "main"),
    ],
)
def test_the_branch_name_is_the_last_segment_of_the_ref(ref: str, name: str) -> None:
    """As "Use predefined variables" says."""
    assert source_branch_name(ref) == name
