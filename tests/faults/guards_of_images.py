"""The guards of images: which are judged, what they stood for, and what becomes of their gates later."""

from tests.faults.guard import Guard

_FLOW = "flow"
_NAMING = "tests/flow/test_naming_images.py"
_REVIEWS = "tests/flow/test_image_reviews.py"
_LATE = "tests/flow/test_late_results.py"
_OUTAGES = "tests/flow/test_build_outages.py"
_STEPS = "tests/flow/test_images_steps.py"

GUARDS_OF_IMAGES = (
    # ------------------------------------------------------------------------------------------------ which
    Guard(
        "a build does not name images without end",
        "flow/naming_images",
        "    kept, told = dict(islice(images.items(), most)), wrong[:MOST_IMAGES]",
        "    kept, told = images, wrong",
        f"{_NAMING}::test_are_not_followed_without_end",
    ),
    Guard(
        "nor by one tag after the other",
        "flow/naming_images",
        "max(0, MOST_IMAGES - len(known.asked))",
        "MOST_IMAGES",
        f"{_NAMING}::test_that_change_without_end_are_not_followed_either",
    ),
    Guard(
        "registries are not asked for longer than a message lasts",
        "flow/naming_images",
        "        if services.now() > until:",
        "        if False:",
        f"{_NAMING}::test_ends_in_time_and_leaves_the_rest_for_the_next_message",
    ),
    Guard(
        "a registry that does not answer is not asked for its other images",
        "flow/naming_images",
        "        if reference.registry in away:\n            continue\n",
        "",
        f"{_NAMING}::test_keeps_what_it_found_while_another_image_is_waited_for",
    ),
    Guard(
        "what a registry asks for is waited",
        "flow/looks",
        "_postpone(services, look, request, str(not_yet), not_yet.retry_after)",
        "_postpone(services, look, request, str(not_yet))",
        f"{_OUTAGES}::test_a_registry_is_left_alone_for_as_long_as_it_asks",
    ),
    # ------------------------------------------------------------------------------------------------ of one build
    Guard(
        "nothing passes while a build's images are not known",
        "flow/images_steps",
        "    if any(build.unresolved for build in builds):",
        "    if False:",
        f"{_STEPS}::test_nothing_passes_while_a_builds_images_are_not_known",
    ),
    Guard(
        "an image that was seen stays judged",
        "flow/images_steps",
        "        images = together(known, images)",
        "        pass",
        f"{_STEPS}::test_an_image_that_was_seen_stays_judged",
    ),
    Guard(
        "no gate passes on what is half known of a build",
        "flow/build",
        'images=both.model_copy(update={"unresolved": new.images.unresolved})',
        "images=both",
        f"{_OUTAGES}::test_another_gate_does_not_pass_on_what_is_half_known",
    ),
    Guard(
        "a check keeps what its images stood for while others are looked for",
        "flow/check",
        "        change_gate(services.gates, gate.gate_id, lambda row: images_steps.found_so_far(row, new.images))\n",
        "",
        "tests/flow/test_check_gates.py::test_an_image_that_moves_while_another_is_waited_for_stays_what_it_was",
    ),
    Guard(
        "a check's log that was begun meanwhile is not forgotten",
        "flow/opening",
        '    return replace(asked, place=row.place.model_copy(update={"commit": asked.place.commit}))',
        "    return asked",
        "tests/flow/test_check_gates.py::test_the_log_that_was_begun_while_it_was_read_is_gone_on_with",
    ),
    Guard(
        "a gate that a build asks anew stands on the agenda",
        "flow/build",
        "    services.gates.touch(gate.place.subject, services.now())\n    after",
        "    after",
        f"{_REVIEWS}::test_the_watch_knows_of_a_gate_that_a_build_asks_anew",
    ),
    # ------------------------------------------------------------------------------------------------ opened again
    Guard(
        "a gate of images that opens again judges the builds that it judged",
        "flow/opening",
        "    if gate.builds and not (is_check or has_moved):",
        "    if False:",
        f"{_REVIEWS}::test_the_images_of_every_build_are_judged_again",
    ),
    Guard(
        "another commit's images do not answer where there are no iterations",
        "flow/opening",
        "not (was_given_up or has_moved):",
        "not was_given_up:",
        f"{_REVIEWS}::test_another_commit_is_another_question[False]",
    ),
    Guard(
        "a push ends the gate of images where there are no iterations",
        "flow/pull_request",
        "        return place.source_commit != latest.source_commit",
        "        return False",
        f"{_REVIEWS}::test_another_commit_is_another_question[True]",
    ),
    Guard(
        "another commit's images do not come back with their pull request",
        "flow/pull_request",
        "        return None if moved else revived(row, look.accepted_at, limit)",
        "        return revived(row, look.accepted_at, limit)",
        f"{_REVIEWS}::test_a_push_while_it_was_abandoned_brings_no_older_image_back",
    ),
    Guard(
        "a gate that forgot its rules is told them again",
        "flow/images_steps",
        "    if images == known and gate.rules is not None:",
        "    if images == known:",
        f"{_STEPS}::test_a_gate_that_forgot_its_rules_is_told_them_again",
    ),
    Guard(
        "a gate that somebody else opened again is looked at as it is",
        "flow/pull_request",
        "    row = services.gates.gate(fresh.gate_id) or row  #",
        "    #",
        "tests/flow/test_races.py::test_a_gate_that_somebody_else_opened_again_is_told_what_it_waits_for",
    ),
    # ------------------------------------------------------------------------------------------------ late results
    Guard(
        "a gate that is asked again is asked the whole question",
        "flow/review_steps",
        "    return Question(**{each.name: getattr(gate, each.name) for each in fields(Question)})",
        "    return Question(gate.place, gate.rules, gate.targets, gate.missing)",
        f"{_LATE}::test_the_other_builds_of_the_commit_are_still_judged",
    ),
    Guard(
        "a late result is told by whoever comes after one that died",
        "flow/result",
        "        _ask_again(services, gate_id, after)",
        "        if row.value.state is ScanState.FAILED:\n            _ask_again(services, gate_id, after)",
        f"{_LATE}::test_a_process_that_dies_before_it_asked_again_is_made_up_for",
    ),
    Guard(
        "a result that a verdict knows asks nothing again",
        "flow/result",
        "    return (scan.scan_id, scan.conclusion.attempt) not in gate.decision.judged",
        "    return True",
        f"{_LATE}::test_a_message_that_comes_twice_asks_nothing_again",
    ),
    Guard(
        "a late result does not change what a check was answered",
        "flow/result",
        " or isinstance(gate.place, CheckPlace):",
        ":",
        f"{_LATE}::test_a_check_that_was_answered_stays_as_it_was_answered",
    ),
    Guard(
        "a gate that a late result asks again stands on the agenda",
        "flow/result",
        "    services.gates.touch(row.value.place.subject, services.now())\n",
        "",
        f"{_LATE}::test_the_watch_knows_of_a_gate_that_is_asked_again",
    ),
    # ------------------------------------------------------------------------------------------------ reviews
    Guard(
        "images whose rules were mended are judged again",
        "flow/review",
        "(gate.rules.rules == found.rules and _misses_the_same(gate, found))",
        "(gate.rules.rules == found.rules)",
        f"{_REVIEWS}::test_that_were_mended_by_taking_the_file_away_let_the_images_pass",
    ),
    Guard(
        "rules that switch the gate off switch off that of the images",
        "flow/review",
        "        return same if found.rules.enabled else disabled(found, services.now())",
        "        return same",
        f"{_REVIEWS}::test_that_switch_the_gate_off_switch_off_that_of_the_images",
    ),
    Guard(
        "a status of images that somebody else wrote is overwritten",
        "flow/reconcile",
        "        verify(turn.services, place.gate_id, sys.maxsize)",
        "        pass",
        f"{_REVIEWS}::test_a_status_of_images_that_somebody_else_posted_is_overwritten",
    ),
    Guard(
        "where there are no iterations the status of images stands on none",
        "flow/pull_request",
        "    if not pull_request.supports_iterations:\n        return IterationRead(",
        "    if False:\n        return IterationRead(",
        f"{_REVIEWS}::test_the_status_stands_on_the_pull_request_itself",
    ),
)
