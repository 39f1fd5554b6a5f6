"""The steps of a gate of images; `scan_core.flow.gate_steps` has the table of all steps."""

from datetime import datetime, timedelta

from scan_core.flow.gate_steps import Question, expects_answer
from scan_core.model.gate import BuildImages, Gate, GateState
from scan_core.model.place import Place
from scan_core.model.rules import RulesRead


def asked_of(
    place: Place, rules: RulesRead, builds: tuple[BuildImages, ...], also_missing: tuple[str, ...] = ()
) -> Question:
    """Say what a gate of images has scanned.

    Args:
        place: Where it stands.
        rules: The rules that hold.
        builds: The builds whose images it judges.
        also_missing: What keeps a verdict from being trusted beside images that cannot be scanned.

    Returns:
        The images of all builds, each once; none, so that there is no verdict, while those of a build are not known.
    """
    if any(build.unresolved for build in builds):
        return Question(place, rules, (), (), builds)
    return Question(
        place,
        rules,
        tuple(dict.fromkeys(target for build in builds for target in build.targets)),
        tuple(dict.fromkeys((*also_missing, *(sentence for build in builds for sentence in build.missing)))),
        builds,
    )


def together(known: BuildImages, images: BuildImages) -> BuildImages:
    """Put together what was found out about one build at different times, in whatever order.

    Args:
        known: What is known.
        images: What was found out now.

    Returns:
        Both: an image that the build was once seen to have made stays judged, though a tag that named it is gone.
    """
    lists = ("references", "targets", "missing", "asked", "plan_ids")
    both = {name: tuple(dict.fromkeys((*getattr(known, name), *getattr(images, name)))) for name in lists}
    return known.model_copy(update={**both, "unresolved": known.unresolved and images.unresolved})


def contributed(
    gate: Gate,
    images: BuildImages,
    rules: RulesRead,
    accepted_at: datetime,
    limit: timedelta,
    also_missing: tuple[str, ...] = (),
) -> Gate | None:
    """Let a gate judge the images of one more build, or of a newer build of the same pipeline.

    Args:
        gate: The gate as it stands.
        images: The build's images; `unresolved` where they are not known yet.
        rules: The rules that hold.
        accepted_at: When the request was accepted; what is asked anew has its deadline from here.
        limit: The deadline.
        also_missing: As for `asked_of`.

    Returns:
        The gate as it shall stand; None where it knows these images and its rules, knows newer ones, or is not current.
    """
    if not gate.state.is_current:
        return None
    known = next((each for each in gate.builds if each.definition_id == images.definition_id), None)
    if known is not None and known.build_id > images.build_id:
        return None
    if known is not None and known.build_id == images.build_id:
        images = together(known, images)
    if images == known and gate.rules is not None:
        return None
    builds = tuple(
        sorted((*(each for each in gate.builds if each is not known), images), key=lambda each: each.build_id)
    )
    question = asked_of(gate.place, rules, builds, also_missing)
    clocks = {} if gate.decision is None else {"opened_at": accepted_at}
    clocks |= {"accepted_at": accepted_at, "deadline": max(gate.deadline, accepted_at + limit)}
    nothing = {"decision": None, "problem": None, "ahead": None}
    return gate.model_copy(update={"state": GateState.OPEN, **clocks, **question.update, **nothing})


def revived(gate: Gate, accepted_at: datetime, limit: timedelta) -> Gate | None:
    """Open a gate of images again whose pull request was reactivated.

    Args:
        gate: The gate as it stands.
        accepted_at: When the request was accepted.
        limit: The deadline.

    Returns:
        The gate as it shall stand; None where it was not closed.
    """
    return anew(gate, accepted_at, limit) if gate.state is GateState.CLOSED else None


def anew(gate: Gate, accepted_at: datetime, limit: timedelta) -> Gate:
    """Open a gate of images again that ended; it judges the builds that it judged before.

    Args:
        gate: The gate as it stands.
        accepted_at: Since when its answer is waited for.
        limit: The deadline.

    Returns:
        The gate as it shall stand.
    """
    clocks = {"accepted_at": accepted_at, "opened_at": accepted_at, "deadline": accepted_at + limit}
    nothing = {"decision": None, "problem": None, "ahead": None, "released": False}
    return gate.model_copy(update={"state": GateState.OPEN, **clocks, **nothing})


def found_so_far(gate: Gate, images: BuildImages) -> Gate | None:
    """Keep what was found out of the images that a check is about, while the others are still looked for.

    Args:
        gate: The check's gate as it stands.
        images: What was found out now.

    Returns:
        The gate as it shall stand; None where it knows all that, waits for its scans already, or expects no answer.
    """
    both = together(gate.builds[0], images) if gate.builds else images
    is_told = bool(gate.waits_for or gate.missing)
    if is_told or not expects_answer(gate) or gate.builds == (both,):
        return None
    return gate.model_copy(update={"builds": (both,)})
