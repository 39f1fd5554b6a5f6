"""Settings read from the environment, and refused in one line."""

from pydantic import ValidationError
from pydantic_settings import SettingsError

from scan_core.settings.deployment import Settings


class SettingsInvalid(Exception):
    """A setting is missing or wrong; the message is one line that names it."""


def load() -> Settings:
    """Read the settings from the environment.

    Returns:
        The settings.

    Raises:
        SettingsInvalid: One is missing or wrong; the message is one line that names it, without its value.
    """
    try:
        return Settings()
    except SettingsError as unreadable:
        name = str(unreadable).split('"')[1].upper()
        raise SettingsInvalid(f"SCANGATE_{name}: expected JSON") from None
    except ValidationError as invalid:
        first = invalid.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        name = f"SCANGATE_{place.split('.')[0].upper()}" if place else "settings"
        inner = place.partition(".")[2]
        raise SettingsInvalid(f"{name}{f' ({inner})' if inner else ''}: {_words(first['msg'])}") from None


def _words(message: str) -> str:
    return "is missing" if message == "Field required" else message.removeprefix("Value error, ")
