"""``scangate onboard`` when something goes wrong: interruptions, the pace of calls, refusals."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.organisation import (
    EVENTS,
    NAME,
    POLICIES,
    PROJECTS,
    SECRET,
    Site,
)

ALL = len(PROJECTS)


class TestInterruption:
    @pytest.mark.parametrize("after", [False, True])
    @pytest.mark.parametrize("calls", [0, 4, 7])
    def test_a_call_without_an_answer_is_made_up_for_by_the_next_run(self, calls: int, after: bool, site: Site) -> None:
        """Whether or not it was carried out; and the other projects are done at once."""
        site.sim.fault("^POST", "reset", skip=calls, after=after)
        said = site.onboard("--all", status=1)
        assert "Run the same command again: it continues where it stopped." in said
        assert "projects failed: 1" in said
        site.onboard("--all")
        assert len(site.subscriptions()) == EVENTS * ALL
        assert [len(site.policies(name)) for name in PROJECTS] == [POLICIES] * ALL
        assert f"{ALL} as wanted" in site.onboard("--all", "--dry-run")

    def test_ctrl_c_leaves_what_is_done_and_says_how_to_go_on(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The next run does only the rest."""
        from scan_core.devops.administration import Administration  # noqa: PLC0415 - to be interrupted

        made = 0
        create = Administration.create_subscription

        def interrupted(self: Administration, *arguments: Any) -> Any:
            nonlocal made
            made += 1
            if made == 7:
                raise KeyboardInterrupt
            return create(self, *arguments)

        monkeypatch.setattr(Administration, "create_subscription", interrupted)
        assert "Stopped. Run the same command again" in site.onboard("--all", status=1)
        monkeypatch.undo()
        said = site.onboard("--all")
        assert f"Done: {EVENTS * ALL - 6} × hook created, {POLICIES * (ALL - 1)} × policy created" in said

    def test_an_outage_ends_the_run_after_some_projects(self, site: Site) -> None:
        """Nobody waits for a time-out in each of two hundred."""
        site.sim.fault("^POST", "status", status=503, count=-1)
        said = site.onboard("--all", status=1)
        assert "The other projects were not tried" in said
        assert "projects failed: 3; projects not tried: 3" in said

    def test_a_deletion_without_an_answer_is_made_again(self, onboarded: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """And what is gone already counts as deleted."""
        monkeypatch.setattr("scan_core.onboarding.patience._AGAIN_SECONDS", 0.01)
        onboarded.sim.fault("^DELETE .*policy", "reset", after=True)
        onboarded.sim.fault("^DELETE .*hooks", "reset", after=True)
        onboarded.sim.fault("^DELETE .*hooks", "status", status=403, skip=3)
        assert "(403" in onboarded.onboard("Shop", "--remove", status=1)
        assert f"Done: {EVENTS - 3} × hook removed" in onboarded.onboard("Shop", "--remove")
        assert onboarded.policies("Shop") == []


class TestPace:
    def test_a_refusal_for_the_pace_is_waited_out(self, site: Site) -> None:
        """With 429 and a time, the same call is made again; the pause is told."""
        site.sim.fault("^POST .*subscriptions", "status", status=429, seconds=0.6, count=2, skip=1)
        said = site.onboard("Shop")
        assert said.count("Azure DevOps asks for a pause: 1 s") == 2
        assert len(site.subscriptions()) == EVENTS

    def test_a_success_that_asks_to_slow_down_is_heeded(self, site: Site) -> None:
        """Its call counts, and the next one waits."""
        site.sim.fault("^POST .*subscriptions", "retry_after_200", seconds=0.6)
        said = site.onboard("Shop")
        assert "Azure DevOps asks for a pause" in said
        assert len(site.subscriptions()) == EVENTS

    def test_a_reading_without_an_answer_is_made_again(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        """Three times."""
        monkeypatch.setattr("scan_core.onboarding.patience._AGAIN_SECONDS", 0.01)
        site.sim.fault("^GET .*projects", "status", status=500, count=2)
        site.onboard("Shop")
        site.sim.fault("^GET .*projects", "status", status=500, count=3)
        assert "is not available" in site.onboard("Shop", status=2)


class TestRefusals:
    def test_an_unknown_project_is_named_with_those_near_it(self, site: Site) -> None:
        """Before anything is done, to any project."""
        said = site.onboard("Ops", "Shopp", status=2)
        assert "No project fits 'Shopp'" in said
        assert "Did you mean 'Shop'" in said
        assert "Correct the name" in said
        assert site.writes() == []

    @pytest.mark.parametrize("arguments", [(), ("Shop", "--all")])
    def test_projects_have_to_be_named_or_all(self, arguments: tuple[str, ...], site: Site) -> None:
        """Never all by accident."""
        assert "Name the projects, or give --all" in site.onboard(*arguments, status=2)

    @pytest.mark.parametrize("branch", ["", "refs/tags/v1", "a b", "*", "a..b"])
    def test_what_is_no_branch_is_refused(self, branch: str, site: Site) -> None:
        """With what is expected."""
        assert "expected one like main" in site.onboard("Shop", "--branch", branch, status=2)

    @pytest.mark.parametrize(
        ("right", "done", "words"),
        [
            ("policies", f"{EVENTS} × hook created", "creating the status policy"),
            ("hooks", "", "listing the service hook subscriptions"),
        ],
    )
    def test_a_right_that_is_missing_is_a_sentence(self, right: str, done: str, words: str, site: Site) -> None:
        """With what was being done, what Azure DevOps said, and where to look."""
        site.token = site.sim.as_other(without=[right]).token
        said = site.onboard("Shop", status=1 if done else 2)
        assert done in said
        assert words in said.lower()
        assert "(403" in said
        assert "'scangate doctor' names those that are missing" in said

    def test_a_wrong_credential_is_a_sentence(self, site: Site) -> None:
        """Nothing was begun."""
        site.token = "wrong-credential"
        said = site.onboard("--all", status=2)
        assert "did not accept the credential" in said
        assert "member of the organisation" in said

    def test_a_credential_that_ends_in_the_middle_ends_the_run(self, site: Site) -> None:
        """The others would fail alike."""
        site.sim.fault("^POST", "html203", skip=2, count=-1)
        said = site.onboard("--all", status=1)
        assert f"projects failed: 1; projects not tried: {ALL - 1}" in said

    def test_a_project_that_cannot_be_read_does_not_hold_up_the_others(self, site: Site) -> None:
        """It is named, and the exit status says so."""
        site.sim.fault(f"GET .*{site.projects['Ops']}/_apis/policy", "status", status=404, count=-1)
        assert "listing the status policies" in site.onboard("--all", "--dry-run", status=1).lower()
        said = site.onboard("--all", status=1)
        assert f"{EVENTS * (ALL - 1)} × hook created" in said
        assert "projects failed: 1" in said

    @pytest.mark.parametrize("command", [("onboard", "--all"), ("doctor",)])
    def test_a_setting_that_is_missing_is_named(self, command: tuple[str, ...], site: Site) -> None:
        """With where to find it."""
        result = site.run(*command, SCANGATE_PUBLIC_URL=None)
        assert result.exit_code == 2
        assert result.output.startswith("SCANGATE_PUBLIC_URL: is missing")

    @pytest.mark.parametrize(
        ("command", "federated"), [(("onboard", "--all"), False), (("onboard", "--all"), True), (("doctor",), True)]
    )
    def test_without_a_token_the_apps_own_identity_calls(
        self, command: tuple[str, ...], federated: bool, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Managed, or by federation where a federated token is named; neither can be had here."""
        monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/token")
        monkeypatch.setenv("IDENTITY_HEADER", "of-the-app")
        changes = {"SCANGATE_DEVOPS_PAT": None, "SCANGATE_IDENTITY_CLIENT_ID": "12345678-1234-1234-1234-123456789012"}
        if federated:
            changes |= {"AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "none"), "AZURE_TENANT_ID": site.projects["Ops"]}
        storage = {"SCANGATE_STORAGE_CONNECTION": None, "SCANGATE_STORAGE_ACCOUNT": "fabrikam"}
        result = site.run(*command, **changes, **storage)
        said = " ".join(result.output.split())
        assert f"from the {'federated token' if federated else 'managed identity'}" in said
        assert result.exit_code == (1 if command == ("doctor",) else 2)
        assert ("bad storage: cannot be " in said) is (command == ("doctor",))

    def test_half_a_federation_is_refused(self, site: Site, tmp_path: Path) -> None:
        """With what else to set."""
        result = site.run(
            "onboard", "Ops", SCANGATE_DEVOPS_PAT=None, AZURE_FEDERATED_TOKEN_FILE=str(tmp_path), AZURE_TENANT_ID=None
        )
        assert result.exit_code == 2
        assert "set AZURE_TENANT_ID and SCANGATE_IDENTITY_CLIENT_ID too" in result.output

    def test_an_end_of_everything_while_reading_ends_the_command(self, site: Site) -> None:
        """No project could be read any more."""
        site.sim.fault("GET .*/_apis/policy", "html203", count=-1)
        assert "did not accept the credential" in site.onboard("--all", status=2)
        assert site.writes() == []

    def test_the_organisation_is_chosen_where_there_are_several(self, site: Site) -> None:
        """Or is the only one."""
        described = {"url": site.sim.url, "hook_secrets": [SECRET]}
        several = json.dumps({NAME: described, "fabrikam": described})
        for arguments, words in ((["--all"], "Several organisations"), (["--organisation", "tailspin"], "known are")):
            result = site.run("onboard", "--all", *arguments[1:] and arguments, SCANGATE_ORGANISATIONS=several)
            assert result.exit_code == 2
            assert words in result.output
        chosen = site.run("onboard", "Ops", "--dry-run", "--organisation", NAME.upper(), SCANGATE_ORGANISATIONS=several)
        assert chosen.exit_code == 0

    def test_an_organisation_without_a_hook_secret_is_refused(self, site: Site) -> None:
        """Its hooks would be answered 503."""
        site.hook_secrets = ()
        assert "has no hook secret" in site.onboard("Shop", status=2)
        assert "has no hook secret" in site.run("doctor").output
