"""Reading QScanner's inventory for the secrets it lists: where they stand, never what they are.

The inventory's shape is not documented. Any list under a key that speaks of secrets is taken for one, whether each
entry names its file itself or stands under an object or a key that does.
"""

from collections.abc import Iterator
from typing import BinaryIO

from scan_core.model.finding import FoundSecret
from scan_core.qscanner.fields import each, field, name, plain, text, whole_number
from scan_core.qscanner.json_stream import Json, JsonEvents, JsonUnreadable, Scalar
from scan_core.qscanner.literals import MASK
from scan_core.qscanner.secret_fields import InventoryUnreadable, Place

MOST_SECRETS = 100_000
_LONGEST_KIND = 100
_LONGEST_PATH = 1_000
_MOST_NODES = 500_000

_KINDS = ("type", "kind", "ruleid", "rule", "rulename", "secrettype", "category", "title", "name", "detector")
_PATHS = ("path", "filepath", "file", "filename", "target", "uri")
_LINES = ("startline", "line", "linenumber", "lineno", "beginline")
_PLACES = ("location", "locations", "occurrences", "matches")
_UNKNOWN_KIND = "secret"
_AMONG_SECRETS = Place(among_secrets=True)


def read_secrets(stream: BinaryIO) -> tuple[FoundSecret, ...]:
    """Read where an inventory says that secrets stand.

    Args:
        stream: The inventory's bytes, scrubbed or not.

    Returns:
        Each place once, in the order of the inventory.

    Raises:
        InventoryUnreadable: The inventory is not one whole JSON object, or lists more than `MOST_SECRETS`.
    """
    try:
        found = _everywhere(JsonEvents(stream))
    except JsonUnreadable as error:
        raise InventoryUnreadable(f"The inventory {error}.") from error
    if len(found) > MOST_SECRETS:
        raise InventoryUnreadable(f"The inventory lists more than {MOST_SECRETS:,} secrets.")
    return tuple(found)


def _everywhere(events: JsonEvents) -> dict[FoundSecret, None]:
    first = events.next()
    if first[0] != "start_map":
        raise JsonUnreadable("is not a JSON object")
    found = dict.fromkeys(_within(events, first, ""))
    events.finish()
    return found


def _within(events: JsonEvents, first: tuple[str, Scalar], path: str) -> Iterator[FoundSecret]:
    """Walk what is not about secrets itself, down to what is. An object's own path counts for all below it."""
    if first[0] == "start_array":
        for item in events.items():
            yield from _within(events, item, path)
    if first[0] != "start_map":
        return
    own_path = path
    found: list[FoundSecret] = []
    for key in events.members():
        value, spelled = events.next(), plain(key)
        if "secret" in spelled and value[0].startswith("start_"):
            found += _listed(events, value)
        elif spelled in _PATHS and value[0] == "string":
            own_path = name(value[1], _LONGEST_PATH)
        else:
            found += _within(events, value, "")
    for secret in found:
        yield secret if secret.path else secret.model_copy(update={"path": own_path})


def _listed(events: JsonEvents, first: tuple[str, Scalar]) -> Iterator[FoundSecret]:
    """Read a list of secrets item by item; anything else under such a key at once."""
    if first[0] != "start_array":
        yield from _secrets(events.value(first, most_nodes=_MOST_NODES), "")
        return
    for item in events.items():
        if item[0] == "string":
            yield FoundSecret(kind=_UNKNOWN_KIND, path="")
        else:
            yield from _secrets(events.value(item, most_nodes=_MOST_NODES), "")


def _secrets(record: Json, path: str) -> Iterator[FoundSecret]:
    if isinstance(record, list):
        for item in record:
            yield from _secrets(item, path)
    elif isinstance(record, dict):
        inner = list(_grouped(record, path))
        yield from inner or (_entry(record, path) if _is_entry(record) else ())


def _is_entry(record: dict[str, Json]) -> bool:
    """An entry says what was found, or where; an object that only groups entries does neither."""
    return _said(record, _KINDS) is not None or any(_AMONG_SECRETS.member(key).below_match for key in record)


def _grouped(record: dict[str, Json], path: str) -> Iterator[FoundSecret]:
    """Read entries that stand in lists, or under file names, within an object that may name the file for all."""
    own_path = _path(record) or path
    for key, value in record.items():
        if _AMONG_SECRETS.member(key).below_match or plain(key) in _PLACES:
            continue
        if isinstance(value, list) or _looks_like_a_path(key) or not _is_entry(record):
            yield from _secrets(value, name(key, _LONGEST_PATH) if _looks_like_a_path(key) else own_path)


def _looks_like_a_path(key: str) -> bool:
    return "/" in key or "." in key


def _entry(record: dict[str, Json], path: str) -> Iterator[FoundSecret]:
    hidden = set(_hidden(record, _AMONG_SECRETS))
    kind = _without(text(_said(record, _KINDS), _LONGEST_KIND), hidden) or _UNKNOWN_KIND
    own_path = _path(record) or path
    places = [place for place in each(field(record, *_PLACES)) if isinstance(place, dict)]
    for place in places or [record]:
        where = _without(_path(place) or own_path, hidden)
        yield FoundSecret(kind=kind, path=where, line=_line(place) or _line(record))


def _line(record: Json) -> int | None:
    numbers = (whole_number(field(record, spelling)) for spelling in _LINES)
    return next((number for number in numbers if number is not None and number > 0), None)


def _path(record: Json) -> str:
    """Find a path, also one level down, as in ``"file": {"path": …}`` or ``"location": {"uri": …}``."""
    found = field(record, *_PATHS)
    for step in (found, field(record, *_PLACES)):
        if isinstance(step, dict):
            found = field(step, *_PATHS)
            break
    return name(found, _LONGEST_PATH)


def _said(record: Json, names: tuple[str, ...]) -> Json:
    """Take the first of these fields that holds text."""
    said = (field(record, each_name) for each_name in names)
    return next((value for value in said if isinstance(value, str) and value.strip()), None)


def _hidden(value: Json, place: Place) -> Iterator[str]:
    """Walk the texts of an entry that must not be shown."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _hidden(inner, place.member(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _hidden(inner, place)
    elif isinstance(value, str) and place.hides(value):
        yield value


def _without(shown: str, hidden: set[str]) -> str:
    """Take matches out of what is shown: nobody promises that a rule's name does not repeat what it found."""
    for match in hidden:
        if match.strip():
            shown = shown.replace(match.strip(), MASK)
    return shown
