"""``scangate rules``: the rules file, checked before it is pushed."""

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue

from scan_core.model.image import Platform
from scan_core.model.rules import Rules
from scan_core.rules.rules_file import RulesUnreadable, read_rules

app = typer.Typer(help="Check a rules file.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Check a rules file."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The rules file.")] = Path(".scangate.yml"),
) -> None:
    """Say whether a rules file can be read, and what it comes to."""
    try:
        rules = read_rules(file.read_bytes(), Rules(), str(file))
    except OSError as error:
        typer.echo(f"{file}: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    except RulesUnreadable as unreadable:
        typer.echo(unreadable.sentence, err=True)
        raise typer.Exit(1) from None
    typer.echo(json.dumps(_told(rules), indent=2, ensure_ascii=False))


def _told(rules: Rules) -> dict[str, JsonValue]:
    """Write rules with their platforms as people write them."""
    told: dict[str, JsonValue] = rules.model_dump(mode="json")
    told["images"] = [
        {**entry.model_dump(mode="json"), "platforms": _names(entry.platforms or rules.platforms)}
        for entry in rules.images
    ]
    told["platforms"] = _names(rules.platforms)
    return told


def _names(platforms: tuple[Platform, ...]) -> list[JsonValue]:
    return [platform.text for platform in platforms]
