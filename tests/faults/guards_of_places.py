"""The guards of what is gated beside pull requests: branches, builds with their images, checks of pipelines."""

from tests.faults.guard import Guard

_FLOW = "flow"
_DIED_BETWEEN = "tests/flow/test_push_deaths.py::test_a_death_between_two_pushes_leaves_no_older_gate_behind"

GUARDS_OF_PLACES = (
    # ------------------------------------------------------------------------------------------------ branches
    Guard(
        "a branch's next gate stands in its look before it is opened",
        _FLOW,
        "    return services.gates.write_look(branch.subject, look, look.value.model_copy(update=update))",
        "    return Versioned(look.value.model_copy(update=update), look.etag)",
        _DIED_BETWEEN,
    ),
    Guard(
        "a gate that was still to be ended is not forgotten for the next one",
        _FLOW,
        "    ending = dict.fromkeys((*look.value.ending, before))",
        "    ending = dict.fromkeys((before,))",
        _DIED_BETWEEN,
    ),
    Guard(
        "a new look at a branch knows the gate of the one before",
        _FLOW,
        "            current=None if old is None else old.value.current,\n",
        "",
        "tests/flow/test_pushes.py::test_a_burst_of_pushes_scans_the_last",
    ),
    Guard(
        "the gate of a branch's older commit is superseded",
        _FLOW,
        "        gates.supersede(services, gate_id)\n\n\ndef _start(",
        "        pass\n\n\ndef _start(",
        "tests/flow/test_pushes.py::test_a_burst_of_pushes_scans_the_last",
    ),
    Guard(
        "the gate of a deleted branch is closed",
        _FLOW,
        '        gates.close(services, row.value, "branch gone")',
        "        pass",
        "tests/flow/test_pushes.py::test_a_deleted_branch_ends_its_gate",
    ),
    Guard(
        "a push that no hook told of is found",
        "flow/unheard",
        "    ask_for_look(services, branch)\n    return True",
        "    return False",
        "tests/flow/test_pushes.py::test_a_push_of_which_no_hook_told_is_found",
    ),
    # ------------------------------------------------------------------------------------------------ builds
    Guard(
        "what a build's image stood for is not asked again",
        _FLOW,
        "next((images for images in gate.builds if images.build_id == build.ref.build_id), to_be_found(build))",
        "to_be_found(build)",
        "tests/flow/test_builds.py::test_a_tag_that_moved_is_not_followed",
    ),
    Guard(
        "what a gate waits for is found out once",
        _FLOW,
        "    return gate_steps.expects_answer(gate) and not gate.waits_for and not gate.missing",
        "    return gate_steps.expects_answer(gate)",
        "tests/flow/test_answers.py::test_one_that_is_asked_again_is_about_the_same_image",
    ),
    Guard(
        "of a pipeline's builds the newest counts",
        _FLOW,
        "    if known is not None and known.build_id > images.build_id:\n        return None\n",
        "",
        "tests/flow/test_builds.py::test_a_newer_build_of_a_pipeline_replaces_the_older",
    ),
    Guard(
        "a build says nothing on another commit's iteration",
        _FLOW,
        "    if latest.source_commit != build.pull_request_commit:\n        return None\n",
        "",
        "tests/flow/test_builds.py::test_a_build_of_an_older_commit_says_nothing_on_the_pull_request",
    ),
    Guard(
        "a build has one of our tags",
        _FLOW,
        "remove_tags=tuple(each for each in _BUILD_TAGS.values() if each != tag),",
        "remove_tags=(),",
        "tests/flow/test_build_marks.py::test_a_verdict_that_changes_takes_the_other_tag_off",
    ),
    Guard(
        "a build that no hook told of is found",
        "flow/unheard",
        "    for reference in missed:\n        ask_for_look(services, reference)\n",
        "",
        "tests/flow/test_builds.py::test_a_build_of_which_no_hook_told_is_found",
    ),
    # ------------------------------------------------------------------------------------------------ checks
    Guard(
        "a check is of the build whose plan it belongs to",
        _FLOW,
        "    if check.plan_id not in build.plan_ids:",
        "    if False:",
        "tests/flow/test_checks.py::test_another_builds_id_is_refused",
    ),
    Guard(
        "one 404 is not taken for a build that is not there",
        _FLOW,
        "        if error.kind is DevOpsErrorKind.NOT_FOUND and is_sure:",
        "        if error.kind is DevOpsErrorKind.NOT_FOUND:",
        "tests/flow/test_answers.py::test_a_build_is_not_there_when_that_is_said_repeatedly",
    ),
    Guard(
        "one 404 is not taken for a check that nobody waits for",
        _FLOW,
        "        if not _is_over(error, gate):\n            raise",
        "        if error.kind is not DevOpsErrorKind.NOT_FOUND:\n            raise",
        "tests/flow/test_answers.py::test_one_404_of_somebody_on_the_way_is_not_believed",
    ),
    Guard(
        "a second answer that is refused is no trouble",
        _FLOW,
        "        if not _is_over(error, gate):\n            raise",
        "        raise",
        "tests/flow/test_answers.py::test_an_answer_whose_end_was_lost_is_not_repeated_for_ever",
    ),
    Guard(
        "a check's time-out is its answer",
        _FLOW,
        "provisional=not isinstance(row.value.place, CheckPlace))",
        "provisional=True)",
        "tests/flow/test_checks.py::test_a_late_verdict_changes_nothing",
    ),
    Guard(
        "a check's log does not keep back its answer",
        _FLOW,
        "        if status.state is StatusState.PENDING or error.everywhere:\n            raise",
        "        raise",
        "tests/flow/test_answers.py::test_a_log_that_cannot_be_written_does_not_keep_the_answer_back",
    ),
    Guard(
        "a check's gate forgets the token once it is answered",
        _FLOW,
        "    return logged if status.state is StatusState.PENDING else forgotten(logged)",
        "    return logged",
        "tests/flow/test_checks.py::test_the_token_is_forgotten_once_it_is_answered",
    ),
    Guard(
        "a check's look forgets the token once it is gated",
        _FLOW,
        'model_copy(update={"sealed_token": None}) if isinstance(subject, Check) else subject',
        "model_copy() if isinstance(subject, Check) else subject",
        "tests/flow/test_checks.py::test_the_token_is_forgotten_once_it_is_answered",
    ),
    Guard(
        "a token is sealed for its own check",
        "intake/sealing",
        "digest([check.organisation, check.project_id, check.hub, check.plan_id, check.job_id, check.task_id])",
        '"any"',
        "tests/intake/test_sealing.py::test_a_sealed_token_that_is_moved_to_another_check_does_not_open",
    ),
    Guard(
        "a token opens for what it was sealed for",
        "intake/sealing",
        "decrypt(nonce, sealed, context.encode())",
        "decrypt(nonce, sealed, None)",
        "tests/intake/test_sealing.py::test_what_is_sealed_opens",
    ),
)
