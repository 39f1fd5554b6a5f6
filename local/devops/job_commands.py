"""What a step of a build's job prints, and the logging command in it that matters here.

"Logging commands" of the Azure Pipelines documentation. A tag that a job sets may not contain a colon, since it travels
in a path; a body, in which the REST API takes tags as well, is not so narrow.
"""

import re
from typing import Final

from local.devops.build_jobs import say
from local.devops.builds import tag_build, tag_in_path
from local.devops.errors import ServiceError
from local.devops.pipeline_records import Build
from local.devops.records import Project
from local.devops.state import Organisation

_ADD_TAG: Final = re.compile(r"##vso\[build\.addbuildtag[^\]]*\](.*)", re.IGNORECASE)


def run_line(organisation: Organisation, project: Project, build: Build, line: str) -> None:
    """Print a line to a job's log and obey the command that it may hold.

    Args:
        organisation: where.
        project: in which project.
        build: whose job.
        line: as a script prints it.
    """
    with organisation.store.change():
        say(organisation, build, line)
        found = _ADD_TAG.search(line)
        if not found:
            return
        tag = found[1].strip()
        refusal = _refusal(organisation, project, build, tag)
        if refusal:
            say(organisation, build, f"##[error]Unable to process command '{line}' successfully. {refusal}")


def _refusal(organisation: Organisation, project: Project, build: Build, tag: str) -> str | None:
    # Sets the tag, or returns why not.
    try:
        tag_build(organisation, project, build.id, [tag_in_path(tag)])
    except ServiceError as refused:
        return refused.message.partition("\r\n")[0]
    return None
