"""The guards that keep the promises, each with what it looks like when it is gone, and a test that misses it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """One line that must not be deleted."""

    name: str
    file: str
    text: str
    """As it stands in the file, once."""
    without: str
    """The same without the guard."""
    missed_by: str
    """What pytest is asked to run."""


_FLOW = "scan_core/flow"
_STORE = "scan_core/store"

GUARDS = (
    Guard(
        "the agenda before the row",
        f"{_FLOW}/pull_request.py",
        "    services.gates.touch(subject, services.now())\n    if _is_overtaken",
        "    if _is_overtaken",
        "tests/flow/test_gating.py -k is_on_the_agenda_before",
    ),
    Guard(
        "a newer request has the say",
        f"{_FLOW}/pull_request.py",
        "    except Conflict:\n        return False\n    return True",
        "    except Conflict:\n        return True\n    return True",
        "tests/flow/test_devops_faults.py -k a_newer_request_has_the_say",
    ),
    Guard(
        "a lost look is asked for again",
        f"{_FLOW}/watch.py",
        "    if look.value.served or now < look.value.next_try_at + _GRACE:\n        return",
        "    return",
        "tests/flow/test_watch.py -k a_lost_request_is_asked_for_again",
    ),
    Guard(
        "a row is replaced in the version read",
        f"{_STORE}/rows.py",
        "                match_condition=MatchConditions.IfNotModified,\n            )\n        except (Resource",
        "                match_condition=MatchConditions.IfPresent,\n            )\n        except (Resource",
        "tests/store/test_rows.py -k replacing_an_old_version_conflicts",
    ),
    Guard(
        "the agenda is settled in the version read",
        f"{_STORE}/rows.py",
        "row, etag=old.etag, match_condition=MatchConditions.IfNotModified)",
        "row)",
        "tests/store/test_gates.py -k touched_since",
    ),
    Guard(
        "an attempt is claimed once",
        "scan_core/worker/claim.py",
        "        if _execution_at(links, url) != claim.execution:",
        "        if False:",
        "tests/worker/test_fetch.py",
    ),
    Guard(
        "a link to a claim creates and never overwrites",
        f"{_STORE}/attempts.py",
        "once = BlobSasPermissions(create=True, read=True)",
        "once = BlobSasPermissions(create=True, read=True, write=True)",
        "tests/store/test_attempts.py tests/flow/test_isolation.py",
    ),
    Guard(
        "a gate that ended lets go of its scans",
        f"{_FLOW}/gates.py",
        "    if not gate.state.is_current:\n        release(services, gate)\n        return",
        "    if not gate.state.is_current:\n        return",
        "tests/flow/test_moves.py -k supersede_the_gate_and_stop",
    ),
    Guard(
        "a gate that ended while it joined leaves again",
        f"{_FLOW}/gates.py",
        "    if _left_meanwhile(services, gate):",
        "    if False:",
        "tests/flow/test_moves.py -k end_a_gate_that_joins",
    ),
    Guard(
        "a verdict is taken by the question it answers",
        f"{_FLOW}/gates.py",
        "return taken(row, decision) if gate_steps.asks_the_same(row, gate) else None",
        "return taken(row, decision)",
        "tests/flow/test_moves.py -k a_verdict_of_the_commit_before",
    ),
    Guard(
        "a verdict stands",
        f"{_FLOW}/gate_steps.py",
        "    if not (expects_answer(gate) or gate.state is GateState.WAITING):\n        return None\n",
        "",
        "tests/flow/test_gate_steps.py -k a_verdict_stands",
    ),
    Guard(
        "a time-out never replaces a verdict",
        f"{_FLOW}/gate_steps.py",
        "    if decision.provisional and gate.state is not GateState.OPEN:\n        return None\n",
        "",
        "tests/flow/test_gate_steps.py -k a_time_out_only_ends_open_gates",
    ),
    Guard(
        "only a current gate is superseded",
        f"{_FLOW}/gate_steps.py",
        '{"state": GateState.SUPERSEDED}) if gate.state.is_current else None',
        '{"state": GateState.SUPERSEDED})',
        "tests/flow/test_gate_steps.py -k ended_gates_stay",
    ),
    Guard(
        "an older iteration's gate is superseded",
        f"{_FLOW}/pull_request.py",
        "    for gate_id in older:\n        gates.supersede(services, gate_id)\n",
        "",
        "tests/flow/test_moves.py -k supersede_the_gate_and_stop",
    ),
    Guard(
        "the deadline",
        f"{_FLOW}/gates.py",
        "    return gate.state is GateState.OPEN and now >= gate_steps.time_out_at(gate)",
        "    return False",
        "tests/flow/test_watch.py -k end_a_gate_before_they_have_passed",
    ),
    Guard(
        "one instance posts at a time",
        f"{_FLOW}/gate_steps.py",
        "    if taken:\n        return None\n",
        "",
        "tests/flow/test_reporting.py -k nobody_else_posts",
    ),
    Guard(
        "a look after each post",
        f"{_FLOW}/reporting.py",
        "    _renew_newer(services, gate)\n    return True",
        "    _renew_newer(services, gate)\n    return False",
        "tests/flow/test_reporting.py -k a_row_that_moves_while_it_is_posted",
    ),
    Guard(
        "a late post is doubted",
        f"{_FLOW}/reporting.py",
        "        change_gate(services.gates, gate.gate_id, gate_steps.doubted)\n    emit(",
        "        pass\n    emit(",
        "tests/flow/test_reporting.py -k a_post_that_comes_after_its_lease",
    ),
    Guard(
        "what an older gate's post hides is shown again",
        f"{_FLOW}/reporting.py",
        "    _renew_newer(services, gate)\n    return True",
        "    return True",
        "tests/flow/test_moves.py -k are_shown_again_where_an_older",
    ),
    Guard(
        "a look for a newer iteration before a verdict is posted",
        f"{_FLOW}/reporting.py",
        "if wanted.state is not StatusState.PENDING and moved_on(services, gate):",
        "if False:",
        "tests/flow/test_moves.py -k of_which_no_event_came",
    ),
    Guard(
        "equal work is joined",
        f"{_FLOW}/scan_steps.py",
        'return None if waits else scan.model_copy(update={"waiters": (*scan.waiters, wanted.gate_id)})',
        "return None if waits else _next_round(scan, wanted.gate_id, now)",
        "tests/flow/test_scan_steps.py -k the_second_gate_shares",
    ),
    Guard(
        "work that nobody waits for stops",
        f"{_FLOW}/scan_steps.py",
        "    stops = scan.state is ScanState.ACTIVE and not waiters",
        "    stops = False",
        "tests/flow/test_scan_steps.py -k the_last_one_out",
    ),
    Guard(
        "others keep work going",
        f"{_FLOW}/scan_steps.py",
        "    stops = scan.state is ScanState.ACTIVE and not waiters",
        "    stops = scan.state is ScanState.ACTIVE",
        "tests/flow/test_scan_steps.py -k others_keep_it_running",
    ),
    Guard(
        "who finds it stopping opens a new attempt",
        f"{_FLOW}/scan_steps.py",
        "        case ScanState.STOPPING:\n",
        "        case ScanState.STOPPING if False:\n",
        "tests/flow/test_scan_steps.py -k who_finds_it_stopping",
    ),
    Guard(
        "the first conclusive result wins",
        f"{_FLOW}/scan_steps.py",
        "if scan is None or scan.state is ScanState.CONCLUDED or not takes_result_of(scan, conclusion.attempt):",
        "if scan is None or not takes_result_of(scan, conclusion.attempt):",
        "tests/flow/test_scan_steps.py -k the_first_conclusive_result_wins",
    ),
    Guard(
        "a result of another round means nothing",
        f"{_FLOW}/scan_steps.py",
        "    return scan.round_start <= attempt <= scan.current.number",
        "    return True",
        "tests/flow/test_scan_steps.py -k a_result_of_no_attempt_of_the_round",
    ),
    Guard(
        "attempts have a cap",
        f"{_FLOW}/scan_steps.py",
        "    again = error.kind.retryable and attempts_spent(ended) < cap",
        "    again = error.kind.retryable",
        "tests/flow/test_scan_steps.py -k at_the_cap",
    ),
    Guard(
        "an attempt that was never queued is queued",
        f"{_FLOW}/scans.py",
        "            admission.resume(services, scan)\n",
        "            pass\n",
        "tests/flow/test_watch.py -k an_attempt_that_was_never_queued",
    ),
    Guard(
        "an attempt that nobody claims is queued again",
        f"{_FLOW}/scans.py",
        "            attempts.dispatch(services, scan)\n",
        "            pass\n",
        "tests/flow/test_watch.py -k whose_message_was_lost_is_queued",
    ),
    Guard(
        "a result without its message is found",
        f"{_FLOW}/scans.py",
        "    if take_end(services, scan, record.number) is not None:\n        return\n",
        "",
        "tests/flow/test_watch.py -k a_result_whose_message_was_lost",
    ),
    Guard(
        "a silent worker is dead",
        f"{_FLOW}/scans.py",
        "    if now - last_sign > timedelta(seconds=settings.heartbeat_limit_seconds):",
        "    if False:",
        "tests/flow/test_watch.py -k are_followed_by_another_attempt",
    ),
    Guard(
        "a worker that runs too long is stopped",
        f"{_FLOW}/scans.py",
        "    if now - claim.claimed_at > longest:",
        "    if False:",
        "tests/flow/test_watch.py -k are_followed_by_another_attempt",
    ),
    Guard(
        "an artifact has the hash that its manifest names",
        f"{_FLOW}/results.py",
        "if stream is None or _sha256(stream) != named.sha256:",
        "if stream is None:",
        "tests/flow/test_evidence.py -k what_is_not_proven",
    ),
    Guard(
        "a manifest is signed by its own attempt",
        f"{_FLOW}/results.py",
        "    if not any(signature_holds(manifest, attempt_secret(key, scan.scan_id, attempt)) for key in keys):",
        "    if False:",
        "tests/flow/test_evidence.py -k what_is_not_proven",
    ),
    Guard(
        "a manifest is that of the attempt it stands with",
        f"{_FLOW}/results.py",
        "    if (manifest.scan_id, manifest.attempt) != (scan.scan_id, attempt):",
        "    if False:",
        "tests/flow/test_evidence.py tests/flow/test_isolation.py",
    ),
    Guard(
        "a manifest is the one that was concluded",
        f"{_FLOW}/results.py",
        "if body is None or hashlib.sha256(body).hexdigest() != conclusion.manifest_sha256:",
        "if body is None:",
        "tests/flow/test_evidence.py tests/flow/test_isolation.py",
    ),
)
