"""``scangate``: the command line, for whoever runs Scangate or tries it."""

import typer

from scan_core.cli import identities, local, poison, rules
from scan_core.cli.doctor import doctor
from scan_core.cli.onboard import onboard

app = typer.Typer(
    help="Scangate: a security gate for Azure DevOps that needs nothing in anyone's pipeline.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(local.app, name="local")
app.add_typer(rules.app, name="rules")
app.add_typer(poison.app, name="poison")
app.add_typer(identities.app, name="identities")
app.command()(onboard)
app.command()(doctor)
