"""Orders onboarding from the app itself, and shows how it goes: whoever sits here needs none of the app's settings."""

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx2
import typer
from pydantic import ValidationError

from scan_core.cli.onboard_tables import show_plan
from scan_core.model.onboarding import ENDED, Onboarding, OnboardingState, Order
from scan_core.onboarding.order import Refused

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_PATH: Final = "/api/onboarding"
_LOOK_SECONDS: Final = 2.0
_CALL_SECONDS: Final = 30.0
_LOST_IN_A_ROW: Final = 10
"""Questions without an answer until it is given up; the app goes on meanwhile."""
_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}
_ANSWERS: Final = {
    HTTPStatus.UNAUTHORIZED: "it does not accept the token. Check --audience, and run 'az login' in the app's tenant.",
    HTTPStatus.FORBIDDEN: "you have not the role that it takes orders from: have the role Scangate.Onboard assigned.",
    HTTPStatus.NOT_FOUND: (
        "it takes no orders. Set SCANGATE_ADMIN_TENANT_ID and SCANGATE_ADMIN_CLIENT_ID (docs/deploy.md), or check"
        " --via."
    ),
}


def onboard_via(app: str, audience: str | None, organisation: str | None, order: Order) -> bool:
    """Order onboarding, and show plan and progress until it ends.

    Args:
        app: The app's address.
        audience: The client id of its registration in Entra; a token for that alone is sent.
        organisation: Which one; None for the only one.
        order: What is asked for.

    Returns:
        Whether everything came about.

    Raises:
        Refused: Nothing was begun.
    """
    place = urlsplit(app)
    if place.scheme != "https" and place.hostname not in _LOOPBACK:
        raise Refused("--via: expected an address with https://, because a token is sent there.")
    if not audience:
        raise Refused("--via needs --audience, the client id of the app's registration in Entra (docs/deploy.md).")
    with httpx2.Client(base_url=app.rstrip("/"), timeout=_CALL_SECONDS) as client:
        watch = _Watch(client, _credential(), f"api://{audience}/.default")
        return watch.until_the_end(watch.order(organisation, order))


class _Watch:
    """Asks the app, with a fresh token where the last one ended."""

    def __init__(self, client: httpx2.Client, credential: "TokenCredential", scope: str) -> None:
        self._client = client
        self._credential = credential
        self._scope = scope
        self._lines = self._problems = 0
        self._planned = False

    def order(self, organisation: str | None, order: Order) -> Onboarding:
        body = {"organisation": organisation, **order.model_dump(mode="json")}
        try:
            answer = self._client.post(_PATH, json=body, headers=self._headers())
        except httpx2.HTTPError as error:
            raise Refused(f"The app could not be reached ({type(error).__name__}): check --via.") from None
        if answer.status_code == HTTPStatus.ACCEPTED:
            return _read(answer)
        raise Refused(_refusal(answer))

    def until_the_end(self, onboarding: Onboarding) -> bool:
        lost = 0
        typer.echo(f"Ordered as {onboarding.id}; the app goes on also without this command.")
        while onboarding.state not in ENDED:
            time.sleep(_LOOK_SECONDS)
            try:
                answer = self._client.get(f"{_PATH}/{onboarding.id}", headers=self._headers())
            except httpx2.HTTPError:
                answer = None
            if answer is not None and answer.is_success:
                onboarding, lost = _read(answer), 0
                self._show(onboarding)
            else:
                lost += 1
                if lost == _LOST_IN_A_ROW:
                    typer.echo("The app does not answer any more. Look later: run the same command again.", err=True)
                    return False
        return onboarding.state is OnboardingState.DONE

    def _show(self, onboarding: Onboarding) -> None:
        if onboarding.plan is not None and not self._planned:
            self._planned = True
            show_plan(onboarding.plan)
        for line in onboarding.lines[self._lines :]:
            typer.echo(line)
        for problem in onboarding.problems[self._problems :]:
            typer.echo(problem, err=True)
        self._lines, self._problems = len(onboarding.lines), len(onboarding.problems)
        if onboarding.state is OnboardingState.REFUSED:
            raise Refused("The app began nothing.")

    def _headers(self) -> dict[str, str]:
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - slow to import

        try:
            return {"Authorization": f"Bearer {self._credential.get_token(self._scope).token}"}
        except ClientAuthenticationError as error:
            # Without its text, which is a page long.
            raise Refused(
                f"No token for {self._scope} could be had ({type(error).__name__}): run 'az login' in the app's tenant."
            ) from None


def _credential() -> "TokenCredential":
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - slow to import

    return DefaultAzureCredential()


def _read(answer: httpx2.Response) -> Onboarding:
    try:
        return Onboarding.model_validate_json(answer.content)
    except ValidationError:
        raise Refused("The app's answer cannot be read: check --via, and that both are of one version.") from None


def _refusal(answer: httpx2.Response) -> str:
    known = _ANSWERS.get(HTTPStatus(answer.status_code)) if answer.status_code in _ANSWERS else None
    if known is not None:
        return f"The app refused: {known}"
    try:
        said = str(answer.json().get("reason"))
    except (ValueError, AttributeError):
        said = ""
    return f"The app answered {answer.status_code}{f': {said}' if said else ''}. Look at its /api/health."
