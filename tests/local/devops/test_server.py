"""Who may call, in which version, how fast; projects; faults; the simulator's own route."""

from pathlib import Path
from typing import Any

import pytest

from local.devops.clock import iso, seconds_of
from local.devops.errors import ServiceError
from local.devops.records import Counter
from local.devops.server import serve
from local.devops.state import Config
from local.devops.store import Store, Table
from local.devops.versions import ResourceVersion, accepted_version
from tests.local.devops.driver import ORGANISATION, TOKEN, Sim


class TestSigningIn:
    @pytest.mark.parametrize("auth", [None, ("", "wrong"), ("", "")])
    def test_bad_credentials_are_answered_with_a_page(self, sim: Sim, auth: Any) -> None:
        """203 and HTML, where a careless client sees success."""
        answer = sim.call("GET", "_apis/projects", auth=auth)
        assert answer.status_code == 203
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "Sign In" in answer.text

    @pytest.mark.parametrize("header", ["Basic !!!", "Basic /w==", "Digest abc", "Bearer", "Bearer wrong"])
    def test_odd_authorization_headers_are_no_credentials(self, sim: Sim, header: str) -> None:
        """Whatever they are."""
        answer = sim.session.get(f"{sim.url}_apis/projects", headers={"Authorization": header}, timeout=30)
        assert answer.status_code == 203

    def test_a_browser_is_sent_to_a_sign_in_page(self, sim: Sim) -> None:
        """Unless the redirect is suppressed."""
        accept = {"Accept": "text/html", "X-TFS-FedAuthRedirect": ""}
        answer = sim.call("GET", "_apis/projects", auth=None, headers=accept)
        assert answer.status_code == 302
        assert sim.session.get(answer.headers["Location"], timeout=30).status_code == 200
        suppressed = sim.call("GET", "_apis/projects", auth=None, headers={"Accept": "text/html"})
        assert suppressed.status_code == 203

    def test_a_bearer_token_and_any_case_of_the_organisation_will_do(self, sim: Sim) -> None:
        """As with dev.azure.com."""
        url = sim.url.replace(ORGANISATION, ORGANISATION.lower())
        answer = sim.session.get(f"{url}_apis/projects", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8; api-version=7.1"

    def test_another_organisation_is_not_found(self, sim: Sim) -> None:
        """With a page, not JSON."""
        answer = sim.session.get(sim.url.replace(ORGANISATION, "Fabrikam") + "_apis/projects", timeout=30)
        assert answer.status_code == 404

    def test_identities_are_those_of_the_tokens(self, sim: Sim) -> None:
        """Connection data says who calls."""
        gate = sim.as_other(id="9C1A3A1E-0B52-4F0A-8E2E-0A3B0F4E5D6C", displayName="Gate", uniqueName="g@example.com")
        data = gate.get("_apis/connectionData", params={"api-version": "7.1-preview.1"})
        assert data["authenticatedUser"]["id"] == "9c1a3a1e-0b52-4f0a-8e2e-0a3b0f4e5d6c"
        assert data["authenticatedUser"]["providerDisplayName"] == "Gate"

    @pytest.mark.parametrize("right", ["code_read", "pull_request_contribute"])
    def test_a_missing_right_is_refused_in_the_services_words(self, sim: Sim, right: str) -> None:
        """Who may not read finds nothing; who may not contribute is told the permission."""
        _, pull = sim.repository(sim.project()).proposed()
        weak = sim.as_other(without=[right])
        answer = weak.call("POST", f"{pull.path}/statuses", {"context": {"name": "x"}})
        if right == "code_read":
            assert (answer.status_code, answer.json()["typeKey"]) == (404, "GitRepositoryNotFoundException")
            project = pull.repo.json["project"]["id"]
            assert weak.get(f"{project}/_apis/git/pullrequests")["count"] == 0
            assert weak.call("GET", f"_apis/git/pullrequests/{pull.id}").status_code == 404
        else:
            assert answer.status_code == 403
            body = answer.json()
            assert body.keys() == {"$id", "innerException", "message", "typeName", "typeKey", "errorCode", "eventId"}
            assert body["message"].startswith("TF401027: You need the Git 'PullRequestContribute' permission")
            assert body["typeName"].startswith("Microsoft.TeamFoundation.Git.Server.GitNeedsPermissionException, ")


class TestVersions:
    @pytest.mark.parametrize(
        ("method", "asked", "resource", "expected"),
        [
            ("GET", None, ResourceVersion(), "7.1"),
            ("GET", None, ResourceVersion(2, released=False), "7.1-preview.2"),
            ("POST", None, ResourceVersion(), "VssVersionNotSpecifiedException"),
            ("GET", "7.1", ResourceVersion(), "7.1"),
            ("GET", "5.0-preview", ResourceVersion(), "5.0-preview"),
            ("GET", "7.2-preview.1", ResourceVersion(), "7.2-preview.1"),
            ("GET", "7.2", ResourceVersion(), "VssInvalidPreviewVersionException"),
            ("GET", "7.1", ResourceVersion(1, released=False), "VssInvalidPreviewVersionException"),
            ("GET", "7.1-preview.9", ResourceVersion(), "VssVersionOutOfRangeException"),
            ("GET", "8.0", ResourceVersion(), "VssVersionOutOfRangeException"),
            ("GET", "0.9", ResourceVersion(), "VssVersionNotSupportedException"),
            ("GET", "seven", ResourceVersion(), "VssInvalidApiResourceVersionException"),
        ],
    )
    def test_versions_are_taken_and_refused_as_documented(
        self, method: str, asked: str | None, resource: ResourceVersion, expected: str
    ) -> None:
        """Missing, old, new, under preview, nonsense."""
        if not expected.startswith("Vss"):
            assert accepted_version(method, asked, resource) == expected
            return
        with pytest.raises(ServiceError) as caught:
            accepted_version(method, asked, resource)
        assert (caught.value.status, caught.value.type_key) == (400, expected)

    def test_the_version_stands_in_the_query_or_the_accept_header(self, sim: Sim) -> None:
        """A call without either is refused unless it only reads."""
        plain = {"Accept": "application/json"}
        assert sim.call("POST", "_apis/projects", {}, headers=plain).json()["typeKey"] == (
            "VssVersionNotSpecifiedException"
        )
        queried = sim.call("POST", "_apis/projects?api-version=7.1", {"name": "Shop"}, headers=plain)
        assert queried.status_code == 202
        evaluations = sim.call("GET", "Shop/_apis/policy/evaluations?api-version=7.1")
        assert evaluations.json()["typeKey"] == "VssInvalidPreviewVersionException"


class TestProjects:
    def test_a_project_is_made_by_an_operation_and_has_a_repository(self, sim: Sim) -> None:
        """As the service does, under the project's own name."""
        answer = sim.call("POST", "_apis/projects", {"name": "Größe & Co", "description": "x"})
        assert answer.status_code == 202
        assert answer.json()["status"] == "queued"
        operation = f"_apis/operations/{answer.json()['id']}"
        assert sim.get(operation)["status"] == "succeeded"
        project = sim.get("_apis/projects/Gr%C3%B6%C3%9Fe%20%26%20Co", params={"includeCapabilities": "true"})
        assert (project["state"], project["description"]) == ("wellFormed", "x")
        assert project["capabilities"]["versioncontrol"]["sourceControlType"] == "Git"
        (repository,) = sim.get(f"{project['id']}/_apis/git/repositories")["value"]
        assert repository["name"] == "Größe & Co"
        assert sim.call("GET", f"_apis/operations/{project['id']}").status_code == 404

    def test_projects_are_listed_in_pages(self, sim: Sim) -> None:
        """With the token in the header until there is no more."""
        for name in ("a", "b", "c"):
            sim.project(name)
        first = sim.call("GET", "_apis/projects?$top=2")
        token = first.headers["x-ms-continuationtoken"]
        second = sim.call("GET", f"_apis/projects?$top=2&continuationToken={token}")
        assert [one["name"] for one in first.json()["value"] + second.json()["value"]] == ["a", "b", "c"]
        assert "x-ms-continuationtoken" not in second.headers
        assert sim.call("GET", "_apis/projects?$top=many").status_code == 400

    def test_names_taken_or_not_allowed_are_refused(self, sim: Sim) -> None:
        """Also an unknown visibility, and who has no right."""
        sim.project()
        for body in ({"name": "SHOP"}, {"name": "a/b"}, {"name": "x", "visibility": "shy"}, {}):
            assert sim.call("POST", "_apis/projects", body).status_code == 400
        weak = sim.as_other(without=["projects"])
        assert weak.call("POST", "_apis/projects", {"name": "y"}).status_code == 403

    def test_resource_areas_point_here(self, sim: Sim) -> None:
        """One by one, and all; an unknown area is empty."""
        preview = {"api-version": "7.1-preview"}
        areas = sim.get("_apis/resourceAreas", params=preview)["value"]
        assert {one["locationUrl"] for one in areas} == {sim.url}
        assert sim.get(f"_apis/resourceAreas/{areas[0]['id']}", params=preview)["name"] == areas[0]["name"]
        assert sim.call("GET", "_apis/resourceAreas/none", params=preview).status_code == 204


class TestBodies:
    def test_broken_bodies_and_unknown_paths_are_refused(self, sim: Sim) -> None:
        """JSON of the wrong kind, no JSON, no such path, the wrong method, too much."""
        headers = {"Accept": "application/json;api-version=7.1"}
        broken = sim.session.post(f"{sim.url}_apis/projects", data=b"{", headers=headers, auth=("", TOKEN), timeout=30)
        assert broken.status_code == 400
        assert sim.call("POST", "_apis/projects", []).status_code == 400
        missing = sim.call("GET", "_apis/nothing")
        assert (missing.status_code, missing.json()["typeKey"]) == (404, "VssResourceNotFoundException")
        assert sim.call("DELETE", "_apis/projects").status_code == 405
        assert sim.call("GET", "//_apis/git/repositories").status_code == 404
        assert sim.call("GET", "Shop/_apis/git/pullrequests/x").status_code == 400
        large = sim.session.post(
            f"{sim.url}_apis/projects", data=b" " * (33 << 20), headers=headers, auth=("", TOKEN), timeout=60
        )
        assert large.status_code == 413


class TestParts:
    def test_a_store_takes_back_what_failed(self, tmp_path: Path) -> None:
        """Memory and file stay together, also for deletions and nested changes."""
        store = Store(tmp_path / "state.sqlite")
        table = Table(store, Counter)
        with store.change():
            table.put("a", Counter("a", 1))

        def change_and_fail() -> None:
            with store.change():
                table.put("a", Counter("a", 2))
                with store.change():
                    table.put("b", Counter("b", 1))
                table.delete("a")
                table.delete("never there")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            change_and_fail()
        assert table.all() == [Counter("a", 1)]
        with pytest.raises(RuntimeError):
            table.put("c", Counter("c", 1))
        with store.change():
            table.delete("a")
        store.close()
        again = Store(tmp_path / "state.sqlite")
        assert Table(again, Counter).all() == []
        again.close()

    def test_dates_are_read_as_they_are_written(self) -> None:
        """With and without a zone."""
        assert iso(0) == "1970-01-01T00:00:00.000000Z"
        assert seconds_of(iso(1234.5)) == 1234.5
        assert seconds_of("1970-01-01T00:00:10") == 10

    def test_a_taken_port_is_an_error(self, sim: Sim, tmp_path: Path) -> None:
        """Raised at once, not hidden in a thread."""
        port = int(sim.url.split(":")[2].split("/")[0])
        config = Config(data=tmp_path / "other", organisation="X", tokens=("t",), port=port)
        with pytest.raises(OSError, match="in use"), serve(config):
            pass

    def test_a_simulator_that_cannot_start_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Instead of letting its callers wait."""

        def broken(_: object) -> None:
            raise OSError("no disk")

        monkeypatch.setattr("local.devops.server._catch_up", broken)
        config = Config(data=tmp_path / "data", organisation="X", tokens=("t",))
        with pytest.raises(RuntimeError, match="did not start"), serve(config):
            pass

    def test_several_tokens_have_several_identities(self, tmp_path: Path) -> None:
        """The first is the administrator's."""
        config = Config(data=tmp_path / "data", organisation="X", tokens=("one", "two"))
        with serve(config) as running:
            found = []
            for token in ("one", "two"):
                seen = Sim(running.url, tmp_path, token)
                user = seen.get("_apis/connectionData", params={"api-version": "7.1-preview"})["authenticatedUser"]
                found.append(user["providerDisplayName"])
                seen.close()
            running.stop()
        assert found[0] == "Administrator"
        assert found[1].startswith("User ")
