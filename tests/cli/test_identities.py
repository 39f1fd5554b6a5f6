"""``scangate identities`` against the Azure DevOps simulator."""

from typing import Any

import pytest
from typer.testing import CliRunner

from scan_core.cli.main import app
from scan_core.devops.rights import Right
from tests.cli.organisation import PROJECTS, Site, table_lines

APP = "1a2b3c4d-1111-4222-8333-444455556666"
FETCH = "5a6b7c8d-1111-4222-8333-444455556666"
BOTH = ("--app", APP, "--fetch", FETCH)
FOREIGN = "00000000-1111-4222-8333-444455556666"
"""A service principal of another tenant, to the simulator."""


def identities(site: Site, *arguments: str, status: int = 0) -> str:
    """Run the command as the administrator, and return what was said, on one line."""
    url = site.sim.url.rstrip("/")
    result = CliRunner().invoke(
        app, ["identities", *arguments, "--organisation-url", url], env={"AZURE_DEVOPS_EXT_PAT": site.token}
    )
    assert result.exit_code == status, (result.exit_code, result.output, result.exception)
    assert site.token not in result.output
    assert max(len(line) for line in table_lines(result.output) or [""]) <= 100
    return " ".join(result.output.split())


def groups(site: Site) -> list[dict[str, Any]]:
    """List the groups of the organisation that we made."""
    found, token = [], ""
    while True:
        answer = site.sim.call("GET", f"_apis/graph/groups?api-version=7.1-preview.1{token}")
        found += answer.json()["value"]
        if "x-ms-continuationtoken" not in answer.headers:
            return [one for one in found if one["displayName"].startswith("Scangate ")]
        token = f"&continuationToken={answer.headers['x-ms-continuationtoken']}"


def members(site: Site) -> dict[str, str]:
    """List licences by object id, of those who have one."""
    found = {}
    answer = site.sim.call("GET", "_apis/graph/serviceprincipals?api-version=7.1-preview.1").json()
    for one in answer["value"]:
        path = f"_apis/identities?subjectDescriptors={one['descriptor']}&api-version=7.1"
        identity = site.sim.call("GET", path).json()["value"][0]["id"]
        read = site.sim.call("GET", f"_apis/serviceprincipalentitlements/{identity}?api-version=7.1-preview.1")
        if read.ok:
            found[one["originId"]] = str(read.json()["accessLevel"]["accountLicenseType"])
    return found


def rights(site: Site) -> set[tuple[str, str, int]]:
    """List what access control lists say: project, list, bits."""
    named = {one["descriptor"]: one["displayName"] for one in groups(site)}
    found = set()
    for project, project_id in site.projects.items():
        for right in Right:
            place = right.value
            token = right.token(project_id)  # type: ignore[arg-type]  # a plain text here
            answer = site.sim.call(
                "GET", f"_apis/accesscontrollists/{place.namespace_id}?token={token}&api-version=7.1"
            ).json()
            for one in answer["value"]:
                found |= {(project, place.namespace_id, entry["allow"]) for entry in one["acesDictionary"].values()}
    assert named or not found
    return found


@pytest.fixture
def untouched(site: Site) -> Site:
    """Give an organisation in which no identity of ours is known."""
    identities(site, "remove", "--all", *BOTH)
    site.forget_calls()
    return site


class TestAdding:
    def test_a_dry_run_shows_the_plan_and_changes_nothing(self, untouched: Site) -> None:
        """Members, groups and each right in each project, with why."""
        said = identities(untouched, "add", "--all", *BOTH, "--dry-run")
        assert "group Scangate app 1a2b3c4d" in said
        assert "fetch as a member, licence Basic no member yet" in said
        assert "app: Read, Contribute to pull requests" in said
        assert f"Plan: {6 + 5 * len(PROJECTS)} changes; 0 of {1 + len(PROJECTS)} places as wanted." in said
        assert untouched.writes() == []

    def test_members_get_a_basic_licence_and_the_least_rights(self, untouched: Site) -> None:
        """Each through a group of its own; the rights to onboard only where they are asked for."""
        identities(untouched, "add", "Shop", *BOTH)
        assert members(untouched) == {APP: "express", FETCH: "express"}
        assert {one["displayName"] for one in groups(untouched)} == {"Scangate app 1a2b3c4d", "Scangate fetch 5a6b7c8d"}
        assert {(project, bits) for project, _, bits in rights(untouched)} == {
            ("Shop", 1),
            ("Shop", 2),
            ("Shop", 2 | 16384),
            ("Shop", 1 | 2),
        }
        said = identities(untouched, "add", "Shop", *BOTH, "--onboarding")
        assert "allows too little" in said
        assert {bits for _, _, bits in rights(untouched)} >= {2 | 2048 | 16384, 7}

    def test_a_second_time_changes_nothing(self, untouched: Site) -> None:
        """With names in any script."""
        identities(untouched, "add", "--all", *BOTH)
        untouched.forget_calls()
        assert "Plan: 0 changes; 7 of 7 places as wanted." in identities(untouched, "add", "--all", *BOTH)
        assert untouched.writes() == []

    def test_rights_that_are_not_needed_any_more_are_taken(self, untouched: Site) -> None:
        """So that what was given for onboarding can be given back."""
        identities(untouched, "add", "Shop", *BOTH, "--onboarding")
        said = identities(untouched, "add", "Shop", *BOTH)
        assert "allows more than is needed" in said
        assert "not needed any more" in said
        assert 7 not in {bits for _, _, bits in rights(untouched)}

    def test_an_interruption_is_continued(self, untouched: Site) -> None:
        """Wherever it comes; what was there before is remembered all the same."""
        untouched.sim.fault("PUT .*/graph/memberships", "status", status=500, count=3)
        said = identities(untouched, "add", "Shop", "--app", APP, status=1)
        assert "2 created; then it failed." in said
        assert "Run the same command again" in said
        said = identities(untouched, "add", "Shop", "--app", APP)
        assert "[1/2] (organisation): 1 created" in said
        identities(untouched, "remove", "--all", "--app", APP)
        assert members(untouched) == {}

    def test_a_lower_licence_is_raised_and_put_back(self, untouched: Site) -> None:
        """A member that somebody else made stays one."""
        level = {"accountLicenseType": "stakeholder", "licensingSource": "account"}
        principal = {"origin": "aad", "originId": APP, "subjectKind": "servicePrincipal"}
        body = {"accessLevel": level, "servicePrincipal": principal}
        path = "_apis/serviceprincipalentitlements?api-version=7.1-preview.1"
        assert untouched.sim.call("POST", path, body).ok
        assert "app: licence Basic has stakeholder" in identities(untouched, "add", "Shop", "--app", APP)
        assert members(untouched)[APP] == "express"
        assert "as it was before" in identities(untouched, "remove", "--all", "--app", APP)
        assert members(untouched)[APP] == "stakeholder"
        untouched.sim.call(
            "DELETE", f"_apis/serviceprincipalentitlements/{_id(untouched, APP)}?api-version=7.1-preview.1"
        )


class TestRemoving:
    def test_exactly_what_was_made_goes(self, untouched: Site) -> None:
        """And a second time nothing."""
        identities(untouched, "add", "--all", *BOTH, "--onboarding")
        said = identities(untouched, "remove", "--all", *BOTH)
        assert "app as a member asked for" in said
        assert (members(untouched), groups(untouched), rights(untouched)) == ({}, [], set())
        assert "Plan: 0 changes" in identities(untouched, "remove", "--all", *BOTH)

    def test_removal_from_some_projects_leaves_the_members(self, untouched: Site) -> None:
        """Only their rights there go."""
        identities(untouched, "add", "Shop", "Ops", *BOTH)
        identities(untouched, "remove", "Shop", *BOTH)
        assert {project for project, _, _ in rights(untouched)} == {"Ops"}
        assert members(untouched).keys() == {APP, FETCH}

    def test_a_dry_run_takes_nothing(self, untouched: Site) -> None:
        """It only says what would go."""
        identities(untouched, "add", "Shop", *BOTH)
        assert "group Scangate app" in identities(untouched, "remove", "--all", *BOTH, "--dry-run")
        assert members(untouched).keys() == {APP, FETCH}

    def test_a_group_of_somebody_else_is_never_touched(self, untouched: Site) -> None:
        """Although it has the name."""
        body = {"displayName": "Scangate app 1a2b3c4d", "description": "Ours"}
        made = untouched.sim.call("POST", "_apis/graph/groups?api-version=7.1-preview.1", body).json()
        said = identities(untouched, "add", "Shop", "--app", APP, status=2)
        assert "did not make for this identity: rename it" in said
        assert "Plan: 0 changes" in identities(untouched, "remove", "--all", "--app", APP)
        untouched.sim.call("DELETE", f"_apis/graph/groups/{made['descriptor']}?api-version=7.1-preview.1")


class TestTogetherWithDoctor:
    def test_the_doctor_finds_the_rights_that_were_given(self, untouched: Site) -> None:
        """The app signs in as its service principal, and has what its group has."""
        identities(untouched, "add", "Shop", "--app", APP, "--onboarding")
        administrator = untouched.token
        untouched.token = untouched.sim.as_other(id=_id(untouched, APP), displayName="app").token
        assert "Shop: all 8 rights are there" in untouched.run("doctor", "Shop").output
        assert "the right 'Read'" in untouched.run("doctor", "Ops").output
        untouched.token = administrator
        identities(untouched, "add", "Shop", "--app", APP)
        untouched.token = untouched.sim.as_other(id=_id(untouched, APP), displayName="app").token
        output = untouched.run("doctor", "Shop").output
        assert "bad Shop: the right 'Edit policies'" in output
        assert "'View builds'" not in output

    def test_rights_on_builds_are_needed_only_where_builds_are_gated(self, site: Site) -> None:
        """So that they are missing is told and not bad."""
        site.token = site.sim.as_other(without=["builds_read", "builds_write"]).token
        output = site.run("doctor", "Shop").output
        assert "?   Shop: the right 'View builds'" in output
        assert "bad Shop: the right" not in output


class TestFailures:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("Shop",), "Name an identity by its object id"),
            (("Shop", "--app", "scangate-app"), "is not an object id: expected one such as"),
            (("Shop", "--app", APP, "--fetch", APP.upper()), "need identities of their own"),
            (("--app", APP), "Name the projects, or give --all"),
            (("Shop", "--all", "--app", APP), "not both"),
            (("Nowhere", "--app", APP), "No project fits 'Nowhere'"),
        ],
    )
    def test_what_cannot_be_is_refused_with_a_next_step(
        self, arguments: tuple[str, ...], words: str, site: Site
    ) -> None:
        """Before anything is begun."""
        for command in ("add", "remove"):
            assert words in identities(site, command, *arguments, status=2)
        assert site.writes() == []

    def test_who_is_no_administrator_is_told_who_is(self, site: Site) -> None:
        """Azure DevOps gives these rights to nobody else."""
        site.token = site.sim.as_other(without=["members"]).token
        assert "Project Collection Administrators alone" in identities(site, "add", "Shop", *BOTH, status=2)

    def test_a_service_principal_of_another_tenant_is_told(self, untouched: Site) -> None:
        """Azure DevOps says so with status 200."""
        said = identities(untouched, "add", "Shop", "--fetch", FOREIGN, status=1)
        assert "was not found in the organisation's tenant" in said
        assert "the object id has to be that of the managed identity's service principal" in said
        identities(untouched, "remove", "--all", "--fetch", FOREIGN)
        assert groups(untouched) == []

    def test_a_rate_limit_is_waited_for(self, untouched: Site) -> None:
        """And said."""
        untouched.sim.fault("GET .*/graph/groups", "status", status=429, seconds=0.6, count=1)
        assert "asks for a pause" in identities(untouched, "add", "Shop", "--app", APP, "--dry-run")

    def test_a_wrong_url_is_refused(self) -> None:
        """Before anybody is called."""
        arguments = ["identities", "add", "Shop", "--app", APP, "--organisation-url", "dev.azure.com/fabrikam"]
        result = CliRunner().invoke(app, arguments, env={"AZURE_DEVOPS_EXT_PAT": "x"})
        assert result.exit_code == 2
        assert "--organisation-url: an organisation's URL such as" in " ".join(result.output.split())


def _id(site: Site, origin_id: str) -> str:
    listed = site.sim.call("GET", "_apis/graph/serviceprincipals?api-version=7.1-preview.1").json()["value"]
    (descriptor,) = [one["descriptor"] for one in listed if one["originId"] == origin_id]
    path = f"_apis/identities?subjectDescriptors={descriptor}&api-version=7.1"
    return str(site.sim.call("GET", path).json()["value"][0]["id"])
