"""Prints docs/configuration.md."""

from scan_core.settings.documentation import documentation

print(documentation(), end="")  # noqa: T201 - its one purpose
