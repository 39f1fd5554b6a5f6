"""The pages for people."""

from html.parser import HTMLParser

from local.devops.visits import Kind, Visit
from tests.local.devops.driver import Receiver, Sim
from tests.local.devops.pipelines import function_check


class Tags(HTMLParser):
    """Collects tags and attributes, to see what a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take one tag."""
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        assert not any(name.startswith("on") for name, _ in attrs)


def page(sim: Sim, path: str) -> str:
    """Return a page as a browser on this machine gets it, without credentials."""
    answer = sim.session.get(sim.url + path, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    return answer.text


def test_a_pull_request_tells_what_decides_about_it(sim: Sim) -> None:
    """Branches, policies with reasons, iterations with statuses, whether it may be completed, comments."""
    project = sim.project("My Shop")
    named = {"statusName": "source", "statusGenre": "scangate", "defaultDisplayName": "The gate"}
    sim.policy(project, named)
    sim.policy(project, {}, "c6a1889d-b943-4856-b76f-9e46bb6b0df2")
    clone, pull = sim.repository(project).proposed()
    address = f"My%20Shop/_git/web/pullrequest/{pull.id}"
    assert "waiting for scangate/source" in page(sim, address)
    pull.status("pending", targetUrl="https://gate.example/page")
    pull.status("failed", description="two criticals")
    pull.status("succeeded", iteration=None, context={"name": "loose"})
    sim.post(f"{pull.path}/threads", {"comments": [{"content": "please look"}], "status": "active"})
    seen = page(sim, address)
    for expected in (
        "The gate",
        "two criticals",
        "May not be completed",
        "(superseded)",
        "please look",
        "one comment is",
    ):
        assert expected in seen
    assert "https://gate.example/page" in Tags(seen).links
    clone.commit({"x": "x"})
    clone.push("topic")
    thread = sim.get(f"{pull.path}/threads")["value"][0]
    sim.call("DELETE", f"{pull.path}/threads/{thread['id']}/comments/1")
    sim.patch(f"{pull.path}/threads/{thread['id']}", {"status": "closed"})
    pull.status("succeeded", iteration=2)
    assert "May be completed" in page(sim, address)
    pull.complete()
    assert "Completed" in page(sim, address)
    assert "(deleted)" in page(sim, address)


def test_nothing_that_anybody_wrote_acts(sim: Sim) -> None:
    """Titles, descriptions, statuses, comments and links are only text."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>'\""
    repo = sim.repository(sim.project("A & B"))
    clone = repo.started()
    clone.branch("a'b<i>")
    clone.commit({"a": "a"})
    clone.push("a'b<i>")
    pull = repo.pull_request("a'b<i>", title=evil, description=evil, isDraft=True)
    pull.status("failed", description=evil, targetUrl="javascript:alert(1)", context={"name": evil, "genre": evil})
    sim.post(
        f"{pull.path}/threads",
        {"comments": [{"content": evil}], "threadContext": {"filePath": f"/{evil}"}},
    )
    for path in ("", f"A%20%26%20B/_git/web/pullrequest/{pull.id}"):
        found = Tags(page(sim, path))
        assert not {"script", "img", "i"} & set(found.tags)
        assert not any(link.startswith("javascript") for link in found.links)
    pull.change(status="abandoned")
    assert "it is abandoned" in page(sim, f"A%20%26%20B/_git/web/pullrequest/{pull.id}")


def test_a_build_tells_what_holds_it_back(sim: Sim, receiver: Receiver) -> None:
    """Tags, properties, the commit's statuses, stages with their checks; the index leads there."""
    repo = sim.repository(sim.project("My Shop"))
    sha = repo.started().head()
    build = sim.build(repo, definition={"id": 4, "name": "<b>ci</b>"})
    address = f"My%20Shop/_build/results?buildId={build.id}"
    assert "Stage" not in page(sim, address)
    build.tag("scangate-failed")
    build.set_properties(
        {"op": "add", "path": "/scangate", "value": "https://gate.example/page"},
        {"op": "add", "path": "/odd", "value": "javascript:alert(1)"},
    )
    repo.commit_status(sha, "failed", description="a critical CVE in the base image")
    receiver.default = 401
    stage = build.reach_stage("deploy", checks=[function_check(receiver.url, displayName="<i>gate</i>")])
    assert stage.result() == "failed"
    build.reach_stage("quiet", checks=[function_check(receiver.url)])
    seen = page(sim, address)
    for expected in ("scangate-failed", "a critical CVE", "Stage deploy", "status 401", "&lt;i&gt;gate"):
        assert expected in seen
    links = Tags(seen).links
    assert "https://gate.example/page" in links
    assert not any(link.startswith("javascript") for link in links)
    assert f"/Contoso/{address}" in Tags(page(sim, "")).links
    for missing in ("My%20Shop/_build/results?buildId=99", "My%20Shop/_build/results", "No/_build/results?buildId=1"):
        assert sim.session.get(sim.url + missing, timeout=30).status_code == 404


def test_the_index_lists_what_there_is(sim: Sim) -> None:
    """From the root of the server too; an empty organisation says so."""
    assert "no project yet" in page(sim, "")
    _, pull = sim.repository(sim.project()).proposed()
    root = sim.session.get(sim.url.replace("Contoso/", ""), timeout=30)
    assert f"/Contoso/Shop/_git/web/pullrequest/{pull.id}" in Tags(root.text).links
    assert sim.session.get(sim.url.rstrip("/"), timeout=30).status_code == 200


def test_pages_that_are_not_there(sim: Sim) -> None:
    """Another repository's pull request, or none at all, is not found."""
    project = sim.project()
    _, pull = sim.repository(project).proposed()
    sim.repository(project, "other")
    for path in (f"Shop/_git/other/pullrequest/{pull.id}", "Shop/_git/web/pullrequest/99", "No/_git/web/pullrequest/1"):
        assert sim.session.get(sim.url + path, timeout=30).status_code == 404


def test_an_address_without_a_project_still_names_a_repository() -> None:
    """The short form of a clone address."""
    visit = Visit(Kind.GIT, "GET", ("_git", "web", "info", "refs"), "/", "", {}, {}, on_loopback=False)
    assert visit.git_place() == (None, "web", "info/refs")
