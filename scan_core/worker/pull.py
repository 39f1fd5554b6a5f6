"""Getting what the scan of an image needs: that it is there still, and a short-lived token to pull its repository.

Loaded for images alone: an attempt on a source shall not pay for it.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from scan_core.model.attempt import AttemptError, AttemptErrorKind, AttemptSpec
from scan_core.model.image import ImageReference
from scan_core.model.target import ImageTarget
from scan_core.registry.access import ENTRA_SCOPE, RegistryAccess, address
from scan_core.registry.client import DEADLINE_SECONDS, RegistryClient
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from scan_core.registry.tokens import PullToken
from scan_core.worker import credential, pull_failures
from scan_core.worker.environment import FetchEnvironment
from scan_core.worker.fetch_failed import FetchFailed
from scan_core.worker.folder import WorkerFolder, remove
from scan_core.worker.stopping import Clock, StopSign

_LOOK_SECONDS: Final = 0.2
"""How often it is asked whether to stop."""
_PULL_SECONDS: Final = 300
"""How long pulling an image may well take; a token that ends sooner is worth a note."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One image: where it is, and how this step may ask for it.

    Attributes:
        spec: Which image, and the limits.
        target: The image of `spec`.
        folder: Where the worker keeps what.
        settings: What the fetch step was told.
        stop: Whether to stop.
        now: Tells the time.
    """

    spec: AttemptSpec
    target: ImageTarget
    folder: WorkerFolder
    settings: FetchEnvironment
    stop: StopSign
    now: Clock

    def token(self) -> PullToken | None:
        """Make sure that the image is there, and get a token to pull its repository.

        Returns:
            The token; None where the registry lets everybody in.

        Raises:
            FetchFailed: The image is gone, the registry must not be asked or refuses, or there was a reason to stop.
        """
        for left in (self.folder.source, self.folder.notes):
            remove(left)
        access = self._access()
        seconds = self.spec.limits.fetch_seconds
        late = self.stop.or_after(seconds, pull_failures.timed_out(self.target, seconds))
        client = RegistryClient([access], self._entra_token, now=self.now)
        try:
            token = _awaited(lambda: self._asked(client), late)
        except RegistryRefused as refused:
            raise FetchFailed(pull_failures.failure_of(refused, self.target)) from None
        if token is not None:
            self._note(token)
        return token

    def _access(self) -> RegistryAccess:
        """Find the registry among those that this step was told of: they decide how it is asked, not the queue."""
        target, told = self.target, self.spec.registry
        try:
            listed = [
                RegistryAccess.model_validate(entry) for entry in self.settings.registries_of(target.organisation)
            ]
        except ValidationError:
            # Without the cause: a password may stand in what it is about.
            raise FetchFailed(pull_failures.wrongly_listed(target.registry)) from None
        access = next((access for access in listed if access.host == target.registry), None)
        if told is None:
            raise FetchFailed(pull_failures.not_listed(target.registry))
        if access is None:
            raise FetchFailed(pull_failures.not_allowed(target.registry))
        if not _leads_to(told.url, access):
            raise FetchFailed(_UNFIT)
        return access

    def _asked(self, client: RegistryClient) -> PullToken | None:
        target = self.target
        seconds = min(DEADLINE_SECONDS, self.spec.limits.fetch_seconds)
        image = ImageReference(registry=target.registry, repository=target.repository, digest=target.digest)
        try:
            client.resolve(image, (target.platform,), deadline_seconds=seconds)
        except RegistryRefused as refused:
            # An index may say more of a platform than the image itself; the digest was chosen by what the index says.
            if refused.kind is not RefusalKind.NO_PLATFORM:
                raise
        return client.pull_token(target.registry, target.repository, deadline_seconds=seconds)

    def _entra_token(self) -> str:
        return credential.registry_token(self.settings.identity, ENTRA_SCOPE)

    def _note(self, token: PullToken) -> None:
        lasts = (token.expires_at - self.now()).total_seconds()
        wanted = min(_PULL_SECONDS, self.spec.limits.scan_seconds)
        if lasts >= wanted:
            return
        note = (
            f"The registry's token to pull the image lasts {max(lasts, 0):.0f} seconds, and pulling may take longer: "
            f"have the registry give tokens that last {wanted} seconds or more."
        )
        self.folder.notes.write_text(f"{note}\n", encoding="utf-8")


def _leads_to(url: str, access: RegistryAccess) -> bool:
    try:
        return address(url).origin == access.origin
    except ValueError:
        return False


def _awaited(call: Callable[[], PullToken | None], watch: Callable[[], AttemptError | None]) -> PullToken | None:
    """Wait for a call no longer than a watch allows; one that hangs in a library ends with this process."""
    given: list[PullToken | None] = []
    raised: list[Exception] = []

    def work() -> None:
        try:
            given.append(call())
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            raised.append(error)

    working = threading.Thread(target=work, name="registry", daemon=True)
    working.start()
    while working.is_alive():
        working.join(_LOOK_SECONDS)
        if working.is_alive() and (stopped := watch()):
            raise FetchFailed(stopped)
    if raised:
        raise raised[0]
    return given[0]


_UNFIT: Final = AttemptError(
    kind=AttemptErrorKind.ACCESS_REFUSED,
    sentence="The attempt names an image of one registry and the address of another, and none was asked: "
    "have the registries in Scangate's settings looked at.",
)
