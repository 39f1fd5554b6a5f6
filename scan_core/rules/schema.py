"""The JSON Schema of the rules file, for editors. ``python -m scan_core.rules.schema`` prints it."""

import json
import sys

from pydantic import JsonValue

from scan_core.rules.keys import COUNT_LIMITS, FAIL_ON_SEVERITY, KEYS


def schema() -> dict[str, JsonValue]:
    """Describe the rules file.

    Returns:
        A schema in JSON Schema 2020-12. It accepts what the reader accepts, except that YAML's own rules (keys given
        twice, aliases, size) are beyond a schema.
    """
    both: list[JsonValue] = [{"type": "object", "required": [FAIL_ON_SEVERITY, limit]} for limit in COUNT_LIMITS]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scangate rules",
        "description": "What .scangate.yml may hold. Keys that are left out keep the organisation's value.",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {name: {"description": key.description, **key.kind.schema()} for name, key in KEYS.items()},
        "not": {"anyOf": both},
    }


def as_text() -> str:
    """Give the schema as the file that is published.

    Returns:
        Indented JSON with a newline at its end.
    """
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_text())
