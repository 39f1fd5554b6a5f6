"""What hooks may be answered, and the deliveries that mutations begin with."""

from typing import Any

from tests.intake.deliveries import BUILD_URL, OTHER_PROJECT, build, event, pull_request, push

CONTRACT = {200, 202, 401, 413, 503}
DOCUMENTS: tuple[Any, ...] = (
    event(pull_request()),
    event({"pullRequest": pull_request()}, resourceVersion="2.0"),
    event(None),
    event({"url": pull_request()["url"]}),
    event(pull_request(), eventType="git.pullrequest.created", resourceContainers={"project": {"id": OTHER_PROJECT}}),
    event(push("refs/heads/main"), eventType="git.push"),
    event(
        push("refs/heads/main", "refs/tags/v1", "refs/heads/é", commits=[{"commitId": "1" * 40}]), eventType="git.push"
    ),
    event({"repository": push()["repository"], "pushId": 14}, eventType="git.push"),
    event(build(), eventType="build.complete", resourceVersion="2.0"),
    event({"id": 31, "url": BUILD_URL}, eventType="build.complete"),
)
