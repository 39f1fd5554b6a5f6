"""The canned data that the portal's Test button sends, so that it is answered and nothing is scanned.

The ids are those of the sample payloads in Microsoft, "Service hooks events": the ones published until 2024, which
Azure DevOps still sends, and the all-zero ones published since.
"""

from scan_core.intake.payload import Fields

_NIL = "00000000-0000-0000-0000-000000000000"
_EVENTS = {
    _NIL,
    "2ab4e3d3-b7a6-425e-92b1-5a9982c1269e",  # git.pullrequest.created
    "af07be1b-f3ad-44c8-a7f1-c4835f2df06b",  # git.pullrequest.updated
    "6872ee8c-b333-4eff-bfb9-0d5274943566",  # git.pullrequest.merged
    "03c164c2-8912-4d5e-8009-3707d5f83734",  # git.push
    "4a5d99d6-1c75-4e53-91b9-ee80057d4ce3",  # build.complete
    "33433986-7f56-4969-bfd4-3e59774c75ad",  # build.complete, as published since 2022
}
_PROJECTS = {
    _NIL,
    "6ce954b1-ce1f-45d1-b94d-e6bf2464ba2c",
    "be9b3917-87e6-42a4-a549-2bc06a7a878f",
    "71777fbc-1cf2-4bd1-9540-128c1c71f766",  # of builds
}
_REPOSITORIES = {_NIL, "4bc14d40-c903-45e2-872e-0462c7748079", "278d5cd2-584d-4b63-824a-2ba458937249"}


def is_sample_event(event: Fields) -> bool:
    """Recognise a Test payload by its envelope.

    Args:
        event: The event.

    Returns:
        Whether no subscription sent it, or it has the id of a published sample.
    """
    return event.get("subscriptionId") == _NIL or _known(event.get("id"), _EVENTS)


def is_sample_place(project_id: str | None, repository_id: str | None) -> bool:
    """Recognise a Test payload by where it says that something happened.

    Args:
        project_id: The project's GUID in lower case, where known.
        repository_id: The repository's, where known.

    Returns:
        Whether one of them is Fabrikam's.
    """
    return project_id in _PROJECTS or repository_id in _REPOSITORIES


def _known(value: object, samples: set[str]) -> bool:
    return isinstance(value, str) and value.lower() in samples
