"""The guards of the timers, which make up for whatever was lost."""

from tests.faults.guard import Guard

_FLOW = "flow"

GUARDS_OF_TIMERS = (
    Guard(
        "a lost look is asked for again",
        _FLOW,
        "    if look.value.served or now < look.value.next_try_at + _GRACE:\n        return",
        "    return",
        "tests/flow/test_watch.py::test_a_lost_request_is_asked_for_again",
    ),
    Guard(
        "a lost look is asked for by one",
        _FLOW,
        "    except Conflict:\n        return\n",
        "    except Conflict:\n        pass\n",
        "tests/flow/test_watch.py::test_a_lost_request_is_left_to_whoever_asks_first",
    ),
    Guard(
        "a verdict that was not reported is reported",
        _FLOW,
        "    return gate_steps.expects_answer(gate) or unreported is not None",
        "    return gate_steps.expects_answer(gate)",
        "tests/flow/test_watch.py::test_a_verdict_that_was_not_reported_is_reported",
    ),
    Guard(
        "a gate that did not let go is not forgotten",
        _FLOW,
        "        return not gate.released",
        "        return False",
        "tests/flow/test_moves.py::test_leave_a_gate_that_died_while_ending_to_the_watch",
    ),
    Guard(
        "one bad row does not keep the others waiting",
        _FLOW,
        "    except Exception as error:  # noqa: BLE001 - a defect in one subject must not stop the watch",
        "    except ZeroDivisionError as error:  #",
        "tests/flow/test_watch.py::test_one_bad_row_does_not_keep_the_others_waiting",
    ),
    Guard(
        "what is not settled stays on the agenda",
        _FLOW,
        "    if not is_busy and (look is None or look.value.served):",
        "    if True:",
        "tests/flow/test_watch.py::test_are_followed_by_another_attempt",
    ),
    Guard(
        "a project's turn is taken by one",
        _FLOW,
        "    if claimed is None:\n        return  # another instance has this turn\n",
        "    claimed = claimed or row\n",
        "tests/flow/test_reconcile.py::test_two_instances_do_not_both_take_one",
    ),
    Guard(
        "a turn that Azure DevOps cut short comes again",
        _FLOW,
        "        _postpone(services, claimed, error)",
        "        pass",
        "tests/flow/test_reconcile.py::test_are_put_off_where_azure_devops_fails",
    ),
    Guard(
        "a pull request that no hook told of is gated",
        _FLOW,
        "for pull_request, gate in answers if gate is None]",
        "for pull_request, gate in answers if False]",
        "tests/flow/test_reconcile.py::test_a_pull_request_without_any_event_is_gated",
    ),
    Guard(
        "a pull request that ended without a hook is closed",
        _FLOW,
        "    missed += [reference for reference in ended if not _is_forgotten(services, followed[reference])]",
        "    missed += []",
        "tests/flow/test_reconcile.py::test_a_pull_request_that_ended_without_an_event_closes_its_gate",
    ),
    Guard(
        "a gate that nobody looks after any more is looked at",
        _FLOW,
        "    return look is None or look.value.served",
        "    return False",
        "tests/flow/test_reconcile.py::test_a_gate_whose_look_was_given_up_is_looked_at_again",
    ),
    Guard(
        "one bad project does not keep the others waiting",
        _FLOW,
        "    except Exception as error:  # noqa: BLE001 - a defect in one project must not stop the others",
        "    except ZeroDivisionError as error:",
        "tests/flow/test_reconcile.py::test_that_fail_for_a_reason_of_our_own_do_not_stop_the_others",
    ),
    Guard(
        "a poison handler never throws",
        _FLOW,
        "    except Exception as error:  # noqa: BLE001 - a poison queue has no further poison queue",
        "    except ZeroDivisionError as error:  #",
        "tests/flow/test_poison.py::test_never_throw",
    ),
    Guard(
        "poison comes back while storage is out of reach",
        _FLOW,
        "    except AzureError:\n        raise\n    except Exception as error:",
        "    except Exception as error:",
        "tests/flow/test_poison.py::test_come_back_while_storage_is_out_of_reach",
    ),
    Guard(
        "a poisoned check that nobody took is looked at once more",
        _FLOW,
        "            services.queues.send_request(request)\n            return\n",
        "            return\n",
        "tests/flow/test_poison.py::test_that_nobody_took_are_looked_at_once_more",
    ),
    Guard(
        "a check that cannot be looked at is answered",
        _FLOW,
        "        opened(services, CheckPlace(check=request.of), request.accepted_at)\n",
        "        pass\n",
        "tests/flow/test_poison.py::test_that_fail_once_more_are_answered_with_an_error",
    ),
    Guard(
        "a poisoned request ends its gates",
        _FLOW,
        "            gates.decide(services, row.value, service_error(row.value.rules, sentence, services.now()))",
        "            pass",
        "tests/flow/test_poison.py::test_end_gates_that_wait_for_nothing_with_an_error",
    ),
)
