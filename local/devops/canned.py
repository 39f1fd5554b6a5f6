"""The made-up pull request that the portal's Test button sends.

It has the shape and the well-known marks of the documentation's Fabrikam samples: ids and people that exist nowhere.
"""

from typing import Any, Final

_BASE: Final = "https://fabrikam.visualstudio.com/DefaultCollection"
_REPOSITORY: Final = "4bc14d40-c903-45e2-872e-0462c7748079"
_PROJECT: Final = "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c"
_PERSON: Final = "54d125f7-69f7-4191-904f-c5b96b6261c8"
_COMMITS_URL: Final = f"{_BASE}/_apis/git/repositories/{_REPOSITORY}/commits"

FABRIKAM_TEXT: Final = "Jamal Hartnett created a new pull request"


def _commit(sha: str) -> dict[str, Any]:
    return {"commitId": sha, "url": f"{_COMMITS_URL}/{sha}"}


FABRIKAM_PULL_REQUEST: Final[dict[str, Any]] = {
    "repository": {
        "id": _REPOSITORY,
        "name": "Fabrikam",
        "url": f"{_BASE}/_apis/git/repositories/{_REPOSITORY}",
        "project": {
            "id": _PROJECT,
            "name": "Fabrikam",
            "url": f"{_BASE}/_apis/projects/{_PROJECT}",
            "state": "wellFormed",
            "visibility": "unchanged",
            "lastUpdateTime": "0001-01-01T00:00:00",
        },
        "defaultBranch": "refs/heads/master",
        "remoteUrl": f"{_BASE}/_git/Fabrikam",
    },
    "pullRequestId": 1,
    "status": "active",
    "createdBy": {
        "displayName": "Jamal Hartnett",
        "url": f"https://fabrikam.vssps.visualstudio.com/_apis/Identities/{_PERSON}",
        "id": _PERSON,
        "uniqueName": "fabrikamfiber4@hotmail.com",
    },
    "creationDate": "2014-06-17T16:55:46.589889Z",
    "title": "my first pull request",
    "description": " - test2\r\n",
    "sourceRefName": "refs/heads/mytopic",
    "targetRefName": "refs/heads/master",
    "mergeStatus": "succeeded",
    "mergeId": "a10bb228-6ba6-4362-abd7-49ea21333dbd",
    "lastMergeSourceCommit": _commit("53d54ac915144006c2c9e90d2c7d3880920db49c"),
    "lastMergeTargetCommit": _commit("a511f535b1ea495ee0c903badb68fbc83772c882"),
    "lastMergeCommit": _commit("eef717f69257a6333f221566c1c987dc94cc0d72"),
    "reviewers": [],
    "url": f"{_BASE}/_apis/git/repositories/{_REPOSITORY}/pullRequests/1",
}
