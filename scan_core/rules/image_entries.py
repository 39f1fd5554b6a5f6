"""Kinds of values that name images and platforms in a rules file."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from pydantic import JsonValue

from scan_core.model.image import Platform, image_reference, platform
from scan_core.model.image_template import BUILD_VARIABLES, expand, variables_in
from scan_core.model.rules import ImageRule
from scan_core.rules.kinds import UNSEEN, Kind, Unfit, shown, whole
from scan_core.rules.problems import hint, quoted
from scan_core.rules.yaml_entries import Plain

MOST_IMAGES: Final = 50
_MOST_PLATFORMS: Final = 8
_LONGEST_IMAGE: Final = 500
_LONGEST_PIPELINE: Final = 260
"""Characters in a pipeline's name (Azure DevOps, "Naming restrictions and conventions")."""
_LARGEST_PIPELINE: Final = 2**31 - 1

_NO_SPACE: Final = r"(?![\s\S]*\s)"
"""Also keeps off a last line break, before which Python's ``$`` matches and JSON Schema's does not."""
_PLATFORM_PART: Final = "[a-z0-9][a-z0-9._-]{0,31}"
_PLATFORM: Final = f"^{_NO_SPACE}{_PLATFORM_PART}(?:/{_PLATFORM_PART}){{1,2}}$"
_PIPELINE: Final = rf"^(?!\s)(?!.*\s$)[^{UNSEEN}]{{1,{_LONGEST_PIPELINE}}}$"


def _image_pattern() -> str:
    """Write what `image_reference` and `expand` take together as one pattern that Python and JSON Schema read alike."""
    known = "|".join("".join(map(_either_case, name)) for name in BUILD_VARIABLES)
    variable = r"\$\([A-Za-z.]+\)"
    label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    port = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
    host = rf"(?=localhost[/:]|[^/]*[.:]){label}(?:\.{label})*(?::{port})?"
    name = f"(?:[a-z0-9]|{variable})+"
    part = rf"{name}(?:(?:\.|_|__|-+){name})*"
    tag = rf":(?:[A-Za-z0-9_]|{variable})(?:[A-Za-z0-9._-]|{variable}){{0,127}}"
    digest = "@sha256:[0-9a-f]{64}"
    only_known = rf"(?=(?:[^$]|\$\((?:{known})\))*$)"
    return f"^{_NO_SPACE}{only_known}{host}/{part}(?:/{part})*(?:{tag}(?:{digest})?|{digest})$"


def _either_case(letter: str) -> str:
    return f"[{letter.upper()}{letter.lower()}]" if letter.isalpha() else re.escape(letter)


_IMAGE: Final = _image_pattern()
_ANY_BUILD: Final = dict.fromkeys(BUILD_VARIABLES, "1")


class Platforms(NamedTuple):
    """A list of platforms."""

    def read(self, value: Plain) -> tuple[Platform, ...]:
        """Read it; a platform given twice, if in two spellings, counts once."""
        if not isinstance(value, list) or not value:
            raise Unfit(f"has to be a list of platforms such as linux/amd64, and is {shown(value)}")
        if len(value) > _MOST_PLATFORMS:
            raise Unfit(f"may hold {_MOST_PLATFORMS} entries, and holds {len(value)}")
        return tuple(dict.fromkeys(self._item(item, number) for number, item in enumerate(value)))

    def _item(self, item: Plain, number: int) -> Platform:
        if not isinstance(item, str) or not re.search(_PLATFORM, item):
            raise Unfit(
                f"holds {shown(item)}, which is no platform: write os/architecture such as linux/amd64 or "
                "linux/arm/v7, in lower case",
                number,
            )
        return platform(item)

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        items: dict[str, JsonValue] = {"type": "string", "pattern": _PLATFORM}
        return {"type": "array", "minItems": 1, "maxItems": _MOST_PLATFORMS, "items": items}


class _Pipeline(NamedTuple):
    """A pipeline's name, or the number of its definition."""

    def read(self, value: Plain) -> str:
        """Read it."""
        number = whole(value)
        if number is not None and 1 <= number <= _LARGEST_PIPELINE:
            return str(number)
        if isinstance(value, str) and re.search(_PIPELINE, value):
            return value
        raise Unfit(f"has to be a pipeline's name or the number of its definition, and is {shown(value)}")

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        number: dict[str, JsonValue] = {"type": "integer", "minimum": 1, "maximum": _LARGEST_PIPELINE}
        return {"anyOf": [number, {"type": "string", "pattern": _PIPELINE}]}


class _Image(NamedTuple):
    """A reference in which documented build variables may stand."""

    def read(self, value: Plain) -> str:
        """Read it."""
        if not isinstance(value, str):
            raise Unfit(f"has to be text such as contoso.azurecr.io/app:$(Build.BuildId), and is {shown(value)}")
        if len(value) > _LONGEST_IMAGE:
            raise Unfit(f"has {len(value)} characters, and at most {_LONGEST_IMAGE} are read")
        if not re.search(_IMAGE, value):
            raise Unfit(f"is {quoted(value)}: {_flaw(value)}")
        return value

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        return {"type": "string", "maxLength": _LONGEST_IMAGE, "pattern": _IMAGE}


_FIELDS: Final[Mapping[str, tuple[Kind, str]]] = {
    "image": (_Image(), "The reference, such as contoso.azurecr.io/app:$(Build.BuildId); its registry written out."),
    "pipeline": (_Pipeline(), "Whose builds make it: the pipeline's name or number; left out, every pipeline's."),
    "platforms": (Platforms(), "Which of its platforms are judged; left out, those of the rules."),
}


class Images(NamedTuple):
    """A list of images that builds make: a group of keys for each, or the reference alone."""

    def read(self, value: Plain) -> tuple[ImageRule, ...]:
        """Read it; an entry given twice counts once."""
        if not isinstance(value, list):
            raise Unfit(f"has to be a list of images, and is {shown(value)}")
        if len(value) > MOST_IMAGES:
            raise Unfit(f"may hold {MOST_IMAGES} entries, and holds {len(value)}")
        flaws: list[Unfit] = []
        entries = [self._entry(item, number, flaws) for number, item in enumerate(value)]
        if flaws:
            raise Unfit(flaws[0].says, *flaws[0].at, further=tuple(flaws[1:]))
        return tuple(dict.fromkeys(entry for entry in entries if entry is not None))

    def _entry(self, item: Plain, number: int, flaws: list[Unfit]) -> ImageRule | None:
        """Read one entry; what is wrong with it is added to `flaws`, and then there is none."""
        known = len(flaws)
        if isinstance(item, str):
            item = {"image": item}
        if not isinstance(item, dict):
            says = f"has to hold references, or groups of image, pipeline and platforms, and holds {shown(item)}"
            flaws.append(Unfit(says, number))
            return None
        if "image" not in item:
            flaws.append(Unfit("holds an entry that names no image: give it the key `image`", number))
        fields = {name: self._field(name, value, number, flaws) for name, value in item.items()}
        return ImageRule.model_validate(fields) if len(flaws) == known else None

    def _field(self, name: str, value: Plain, number: int, flaws: list[Unfit]) -> object:
        if name not in _FIELDS:
            flaws.append(
                Unfit(f"holds an entry with the unknown key {quoted(name)}{hint(name, _FIELDS)}", number, name)
            )
            return None
        try:
            return _FIELDS[name][0].read(value)
        except Unfit as unfit:
            flaws.append(Unfit(f"holds an entry whose `{name}` {unfit.says}", number, name, *unfit.at))
            return None

    def schema(self) -> dict[str, JsonValue]:
        """Describe it."""
        fields: dict[str, JsonValue] = {
            name: {"description": says, **kind.schema()} for name, (kind, says) in _FIELDS.items()
        }
        group: dict[str, JsonValue] = {
            "type": "object",
            "required": ["image"],
            "additionalProperties": False,
            "properties": fields,
        }
        return {"type": "array", "maxItems": MOST_IMAGES, "items": {"anyOf": [_Image().schema(), group]}}


def _flaw(text: str) -> str:
    """Say what keeps a text from being a reference with variables."""
    try:
        variables_in(text)
        image_reference(expand(text, _ANY_BUILD))
    except ValueError as unfit:
        return str(unfit)
    return "write it as registry/name:tag, with variables such as $(Build.BuildId), and without spaces"
