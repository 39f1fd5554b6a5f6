"""Git over HTTP, and reading repositories over REST."""

import gzip
import io

import pytest

from local.devops.git_http import commands
from tests.local.devops.driver import TOKEN, ZERO, Clone, Repo, Sim, git


class TestSmartHttp:
    def test_clone_and_push_take_bearer_and_basic_and_nothing_else(self, sim: Sim) -> None:
        """Without a good token git is asked for one."""
        repo = sim.repository(sim.project("My Shop"), "web äpp")
        clone = repo.started()
        address = repo.json["webUrl"]
        bearer = ["-c", f"http.extraHeader=Authorization: Bearer {TOKEN}"]
        assert "refs/heads/main" in git(clone.folder, *bearer, "ls-remote", address).stdout
        assert git(clone.folder, "ls-remote", address, check=False).returncode != 0
        wrong = sim.session.get(f"{address}/info/refs?service=git-upload-pack", auth=("", "wrong"), timeout=30)
        assert wrong.status_code == 401
        assert wrong.headers["WWW-Authenticate"].startswith("Basic")

    def test_a_large_compressed_push_arrives_whole(self, sim: Sim) -> None:
        """Larger than what stays in memory, and in pieces."""
        repo = sim.repository(sim.project())
        clone = repo.clone()
        noise = "".join(f"{number * 2654435761 % 2**32:08x}" for number in range(400_000))
        commit = clone.commit({"big.txt": noise})
        clone.push("main")
        other = repo.clone("other")
        other.remote_git("fetch", "-q", "origin", commit)
        assert git(other.folder, "show", "FETCH_HEAD:big.txt").stdout == noise

    def test_a_push_into_a_branch_under_a_required_policy_is_refused(self, sim: Sim) -> None:
        """Unless the token may bypass; new branches may always be made."""
        project = sim.project()
        repo = sim.repository(project)
        clone = repo.started()
        sim.policy(project, {"statusName": "source"})
        weak = sim.as_other(without=["bypass_push"])
        clone.commit({"a.txt": "a"})
        clone.token = weak.token
        refused = clone.push("main", check=False)
        assert refused.returncode != 0
        assert "TF402455" in refused.stderr
        assert clone.push("main:topic").returncode == 0
        clone.token = sim.token
        assert clone.push("main").returncode == 0

    def test_rights_to_read_write_and_force_are_kept_apart(self, sim: Sim) -> None:
        """Who may not read learns nothing; who may not write is told the permission."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        clone.token = sim.as_other(without=["force_push"]).token
        clone.commit({"a.txt": "a"})
        clone.push("main")
        git(clone.folder, "reset", "-q", "--hard", "HEAD~1")
        clone.commit({"b.txt": "b"})
        assert "rejected" in clone.push("--force", "main", check=False).stderr
        clone.token = sim.as_other(without=["code_write"]).token
        assert "TF401027" in clone.push("--force", "main", check=False).stderr
        clone.token = sim.as_other(without=["code_read"]).token
        assert "TF401019" in clone.remote_git("fetch", "origin", check=False).stderr

    def test_the_servers_own_refs_cannot_be_pushed(self, sim: Sim) -> None:
        """Nobody can put a merge commit in the server's place."""
        clone, pull = sim.repository(sim.project()).proposed()
        assert clone.push("--force", f"HEAD:refs/pull/{pull.id}/merge", check=False).returncode != 0

    def test_a_repository_with_its_projects_name_needs_no_project_in_its_address(self, sim: Sim) -> None:
        """As on dev.azure.com; unknown paths and repositories are not found."""
        project = sim.project()
        (first,) = sim.get(f"{project['id']}/_apis/git/repositories")["value"]
        clone = Repo(sim, first).started()
        assert clone.remote_git("ls-remote", f"{sim.url}_git/Shop").stdout
        assert "TF401019" in clone.remote_git("ls-remote", f"{sim.url}Shop/_git/none", check=False).stderr
        odd = sim.session.get(f"{sim.url}Shop/_git/Shop/objects/info/packs", auth=("", TOKEN), timeout=30)
        assert odd.status_code == 404

    def test_the_commands_of_a_push_are_read_without_spending_them(self) -> None:
        """Plain or compressed; what is no push has none."""
        line = b"0" * 40 + b" " + b"1" * 40 + b" refs/heads/main\0 report-status"
        body = f"{len(line) + 4:04x}".encode() + line + b"0000PACK"
        plain = io.BytesIO(body)
        assert commands(plain, zipped=False) == [("0" * 40, "refs/heads/main")]
        assert plain.tell() == 0
        assert commands(io.BytesIO(gzip.compress(body)), zipped=True) == [("0" * 40, "refs/heads/main")]
        assert commands(io.BytesIO(b"zzzz"), zipped=False) == []
        assert commands(io.BytesIO(b"not gzip"), zipped=True) == []
        assert commands(io.BytesIO(b"0008abcd0000"), zipped=False) == []


class TestReading:
    def test_files_come_raw_or_as_json(self, sim: Sim) -> None:
        """By Accept header or $format, with content on request."""
        repo = sim.repository(sim.project())
        clone = repo.clone()
        commit = clone.commit({"dir/.scangate.yml": "enabled: true\n", "dir/sub/x.txt": "x"})
        clone.push("main")
        path = f"{repo.path}/items"
        raw = {"headers": {"Accept": "application/octet-stream;api-version=7.1"}}
        named = {"path": "/dir/.scangate.yml", "versionDescriptor.version": "main"}
        plain = sim.call("GET", path, params=named, **raw)
        assert plain.content == b"enabled: true\n"
        assert plain.headers["Content-Type"] == "application/octet-stream"
        text = sim.call("GET", path, params={**named, "$format": "text", "download": "true"})
        assert text.headers["Content-Type"].startswith("text/plain")
        assert ".scangate.yml" in text.headers["Content-Disposition"]
        by_commit = {
            "path": "dir/.scangate.yml",
            "versionDescriptor.version": commit,
            "versionDescriptor.versionType": "commit",
            "includeContent": "true",
            "includeContentMetadata": "true",
            "latestProcessedChange": "true",
        }
        json = sim.get(path, params=by_commit)
        assert (json["path"], json["content"], json["commitId"]) == ("/dir/.scangate.yml", "enabled: true\n", commit)
        assert json["contentMetadata"]["isBinary"] is False
        assert json["latestProcessedChange"]["commitId"] == commit
        folder = sim.get(path, params={"path": "/dir"})
        assert (folder["isFolder"], folder["gitObjectType"]) == (True, "tree")
        one = sim.get(path, params={"scopePath": "/dir", "recursionLevel": "oneLevel"})["value"]
        assert [entry["path"] for entry in one] == ["/dir", "/dir/.scangate.yml", "/dir/sub"]
        full = sim.get(path, params={"recursionLevel": "full"})["value"]
        assert [entry["path"] for entry in full] == ["/", "/dir", "/dir/.scangate.yml", "/dir/sub", "/dir/sub/x.txt"]
        assert sim.get(path, params={"scopePath": "/dir/.scangate.yml"})["count"] == 1

    def test_missing_files_branches_and_repositories_are_told_apart(self, sim: Sim) -> None:
        """Each has a type key of its own, all with 404."""
        repo = sim.repository(sim.project())
        repo.started()

        def key(place: str, **query: str) -> str:
            answer = sim.call("GET", place, params=query)
            assert answer.status_code == 404
            return str(answer.json()["typeKey"])

        items = f"{repo.path}/items"
        assert key(items, path="/none") == "GitItemNotFoundException"
        branch = {"path": "/README.md", "versionDescriptor.version": "none"}
        assert key(items, **branch) == "GitUnresolvableToCommitException"
        sha = {**branch, "versionDescriptor.versionType": "commit"}
        assert key(items, **sha) == "GitUnresolvableToCommitException"
        assert key(f"{repo.json['project']['id']}/_apis/git/repositories/none/items", path="/a") == (
            "GitRepositoryNotFoundException"
        )
        assert key("None/_apis/git/repositories/web/items", path="/a") == "ProjectDoesNotExistWithNameException"
        odd = sim.call("GET", items, params={"path": "/a", "versionDescriptor.versionType": "shelf"})
        assert odd.status_code == 400

    def test_an_empty_repository_has_no_version(self, sim: Sim) -> None:
        """Reading a file of it is not found; lists are empty."""
        repo = sim.repository(sim.project())
        answer = sim.call("GET", f"{repo.path}/items", params={"path": "/a"})
        assert (answer.status_code, answer.json()["typeKey"]) == (404, "GitUnresolvableToCommitException")
        assert sim.get(f"{repo.path}/commits")["count"] == 0
        assert sim.get(f"{repo.path}/refs")["count"] == 0
        assert "defaultBranch" not in sim.get(repo.path)

    @pytest.mark.parametrize("name", ["fix/#1", "a&path=%2Fevil.yml", "ünï cöde".replace(" ", "-"), "q'uo\"te"])
    def test_hostile_branch_and_file_names_are_what_they_are(self, sim: Sim, name: str) -> None:
        """Encoded names reach exactly the file and branch that they spell."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        clone.branch(name)
        odd = "a b'\"\n;ö.txt"
        commit = clone.commit({odd: "odd\n"})
        clone.push(name)
        answer = sim.get(
            f"{repo.path}/items",
            params={"path": f"/{odd}", "versionDescriptor.version": name, "includeContent": "true"},
        )
        assert (answer["content"], answer["commitId"]) == ("odd\n", commit)
        pull = repo.pull_request(name)
        assert sim.get(f"{pull.path}/iterations/1/changes")["changeEntries"][0]["item"]["path"] == f"/{odd}"
        assert pull.json()["sourceRefName"] == f"refs/heads/{name}"

    def test_symlinks_tags_and_binary_files_are_marked(self, sim: Sim) -> None:
        """A link out of the tree is only its own text."""
        repo = sim.repository(sim.project())
        clone = repo.clone()
        clone.folder.joinpath("link").symlink_to("/etc/passwd")
        clone.folder.joinpath("blob.bin").write_bytes(b"\0\1\xff")
        clone.commit({})
        git(clone.folder, "tag", "v1")
        clone.push("main", "v1")
        at_tag = {"versionDescriptor.version": "v1", "versionDescriptor.versionType": "tag"}
        link = sim.get(f"{repo.path}/items", params={"path": "link", "includeContent": "true", **at_tag})
        assert (link["isSymLink"], link["content"]) == (True, "/etc/passwd")
        binary = sim.get(f"{repo.path}/items", params={"path": "blob.bin", "includeContentMetadata": "true"})
        assert binary["contentMetadata"]["isBinary"] is True

    def test_refs_commits_and_pushes_are_listed(self, sim: Sim) -> None:
        """Refs in pages with a token in the header, commits from newest to oldest, pushes with their updates."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        first = clone.head()
        second = clone.commit({"b.txt": "b"}, "second\n\nwith a \x01 body")
        clone.push("main", "main:a", "main:b")
        page = sim.call("GET", f"{repo.path}/refs", params={"filter": "heads/", "$top": 2})
        assert [one["name"] for one in page.json()["value"]] == ["refs/heads/a", "refs/heads/b"]
        token = page.headers["x-ms-continuationtoken"]
        rest = sim.call("GET", f"{repo.path}/refs", params={"filter": "heads/", "continuationToken": token})
        assert [one["name"] for one in rest.json()["value"]] == ["refs/heads/main"]
        assert "x-ms-continuationtoken" not in rest.headers
        commits = sim.get(f"{repo.path}/commits", params={"searchCriteria.itemVersion.version": "a"})["value"]
        assert [one["commitId"] for one in commits] == [second, first]
        one = sim.get(f"{repo.path}/commits/{second}")
        assert (one["parents"], one["comment"]) == ([first], "second\n\nwith a \x01 body")
        pushes = sim.get(f"{repo.path}/pushes", params={"searchCriteria.includeRefUpdates": "true"})["value"]
        assert [len(push["refUpdates"]) for push in pushes] == [3, 1]
        on_b = sim.get(f"{repo.path}/pushes", params={"searchCriteria.refName": "refs/heads/b"})["value"]
        assert [push["pushId"] for push in on_b] == [2]
        assert "refUpdates" not in on_b[0]

    def test_refs_can_be_changed_over_rest(self, sim: Sim) -> None:
        """With the old object as the condition; the push is remembered."""
        repo = sim.repository(sim.project())
        commit = repo.started().head()
        zero = "0" * 40

        def change(name: str, old: str, new: str) -> str:
            body = [{"name": name, "oldObjectId": old, "newObjectId": new}]
            return str(sim.post(f"{repo.path}/refs", body)["value"][0]["updateStatus"])

        assert change("refs/heads/new", zero, commit) == "succeeded"
        assert change("refs/heads/new", zero, commit) == "staleOldObjectId"
        assert change("refs/heads/odd", zero, "1" * 40) == "unresolvableToCommit"
        assert change("refs/pull/1/merge", zero, commit) == "invalidRefName"
        assert change("refs/heads/a..b", zero, commit) == "invalidRefName"
        assert change("refs/heads/new", commit, zero) == "succeeded"
        assert sim.get(f"{repo.path}/pushes")["count"] == 3
        assert sim.call("POST", f"{repo.path}/refs", {}).status_code == 400

    def test_refs_over_rest_need_the_rights_of_a_push(self, sim: Sim) -> None:
        """A branch under a required policy moves by pull requests alone; history is rewritten by who may."""
        project = sim.project()
        repo = sim.repository(project)
        clone = repo.started()
        first = clone.head()
        second = clone.commit({"a.txt": "a"})
        clone.push("main", "main:topic")
        sim.policy(project, {"statusName": "source"})
        weak = sim.as_other(without=["bypass_push", "force_push"])

        def change(by: Sim, name: str, old: str, new: str) -> tuple[str, bool]:
            body = [{"name": f"refs/heads/{name}", "oldObjectId": old, "newObjectId": new}]
            outcome = by.post(f"{repo.path}/refs", body)["value"][0]
            return outcome["updateStatus"], outcome["success"]

        assert change(weak, "main", second, ZERO) == ("rejectedByPolicy", False)
        assert change(weak, "main", second, first) == ("rejectedByPolicy", False)
        assert change(weak, "topic", second, first) == ("forcePushRequired", False)
        assert change(weak, "made", ZERO, first) == ("succeeded", True)
        assert change(weak, "made", first, second) == ("succeeded", True)
        assert change(sim, "topic", second, first) == ("succeeded", True)
        assert change(sim, "main", second, first) == ("succeeded", True)


class TestRepositories:
    def test_names_are_checked_and_kept_apart(self, sim: Sim) -> None:
        """Twice the same name is a conflict, characters that Azure refuses are refused."""
        project = sim.project()
        sim.repository(project, "web")
        path = f"{project['id']}/_apis/git/repositories"
        assert sim.call("POST", path, {"name": "WEB"}).status_code == 409
        for name in ("", "a/b", "_a", ".a", "a.", "x" * 65, 'q"', None):
            assert sim.call("POST", path, {"name": name}).status_code == 400
        assert sim.call("POST", "_apis/git/repositories", {"name": "lost"}).status_code == 400
        assert sim.post("_apis/git/repositories", {"name": "found", "project": {"id": "shop"}})["name"] == "found"
        assert sim.get("_apis/git/repositories")["count"] == 3
        assert sim.get(f"{project['name'].upper()}/_apis/git/repositories/WEB")["name"] == "web"

    def test_a_repository_can_be_renamed_and_given_another_default_branch(self, sim: Sim) -> None:
        """A branch that is not there is refused."""
        repo = sim.repository(sim.project())
        clone = repo.started()
        clone.push("main:develop")
        changed = sim.patch(repo.path, {"name": "shop", "defaultBranch": "refs/heads/develop"})
        assert (changed["name"], changed["defaultBranch"]) == ("shop", "refs/heads/develop")
        assert sim.call("PATCH", repo.path, {"defaultBranch": "refs/heads/none"}).status_code == 400

    def test_a_fork_can_take_one_branch(self, sim: Sim) -> None:
        """The other branches stay behind; a parent that is not there or not readable is refused."""
        project = sim.project()
        repo = sim.repository(project)
        repo.started().push("main:release")
        wanted = {"name": "fork", "parentRepository": {"id": repo.json["id"]}}
        path = f"{project['id']}/_apis/git/repositories"
        fork = sim.post(f"{path}?sourceRef=refs/heads/release", wanted)
        assert fork["defaultBranch"] == "refs/heads/release"
        refs = sim.get(f"{path}/{fork['id']}/refs")["value"]
        assert [one["name"] for one in refs] == ["refs/heads/release"]
        blind = sim.as_other(without=["code_read"])
        assert blind.call("POST", path, {**wanted, "name": "other"}).status_code == 403
        assert blind.get(path)["count"] == 0
        lost = {"name": "lost", "parentRepository": {"id": "0" * 32}}
        assert sim.call("POST", path, lost).status_code == 404

    def test_the_first_pushed_branch_becomes_the_default(self, sim: Sim) -> None:
        """Main is preferred when several come at once; tags alone make none."""
        project = sim.project()
        alone = sim.repository(project, "alone").clone("alone")
        alone.commit({"a": "a"})
        git(alone.folder, "tag", "v1")
        alone.push("v1")
        repo = sim.repository(project, "many")
        many = Clone(sim.folder / "many", repo.json["webUrl"])
        many.commit({"a": "a"})
        many.push("main:a", "main:main", "main:z")
        assert sim.get(repo.path)["defaultBranch"] == "refs/heads/main"
