"""One call's conversation with one registry about one repository."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin

from scan_core.model.image import ImageDigest, ImageReference, Login, Platform, RepositoryName, image_digest
from scan_core.registry.access import Address, Origin, RegistryAccess, address
from scan_core.registry.addresses import Reach
from scan_core.registry.challenge import Challenge, read_challenge
from scan_core.registry.exchange import Answer, Question, ask, require_success
from scan_core.registry.manifest import ACCEPT, MANIFEST_BYTES, SingleImage, digest_of, read_config
from scan_core.registry.network import Deadline, Network
from scan_core.registry.refusals import RefusalKind, RegistryRefused, shown
from scan_core.registry.tokens import EntraToken, PullToken, TokenDesk, basic

_MOST_REDIRECTS: Final = 3
_PLACE_BYTES: Final = 64 * 1024
"""Of the answer to ``/v2/``, in which nothing stands that matters."""


class Visit:
    """Asks one registry about one repository, and holds the credential that it got for it."""

    def __init__(
        self,
        access: RegistryAccess,
        repository: RepositoryName,
        network: Network,
        deadline: Deadline,
        entra_token: EntraToken | None,
        now: Callable[[], datetime],
    ) -> None:
        """Begin.

        Args:
            access: The registry, and how to come in.
            repository: What it is about.
            network: The way out.
            deadline: When everything has to be over.
            entra_token: Gives an Entra token; None where this process has no identity.
            now: Tells the time.
        """
        self._access = access
        self._repository = repository
        self._network = network
        self._deadline = deadline
        self._desk = TokenDesk(access, repository, self._ask_for_token, entra_token, now)
        self._authorization: str | None = None

    def manifest(self, reference: ImageReference, name: str) -> tuple[bytes, str]:
        """Read the manifest that a reference names.

        Args:
            reference: The image; its digest, where it has one, decides.
            name: How to name it in a refusal.

        Returns:
            The manifest's bytes, which are those of the digest, and what the registry calls their type.

        Raises:
            RegistryRefused: There is none, or not that one.
        """
        question = self._question(f"Reading the manifest of {name}", f"manifests/{reference.digest or reference.tag}")
        answer = self._ask(replace(question, headers={"Accept": ACCEPT}))
        require_success(question, answer)
        named = reference.digest or _named_digest(answer)
        if named is not None and named != digest_of(answer.body):
            raise _mismatch(name, "manifest")
        return answer.body, answer.headers.get("Content-Type") or ""

    def config_platform(self, manifest: SingleImage, name: str) -> Platform:
        """Read for which platform an image is made.

        Args:
            manifest: The image's manifest.
            name: As for `manifest`.

        Returns:
            The platform.

        Raises:
            RegistryRefused: Its configuration cannot be had, is not that of its digest, or does not say.
        """
        question = self._question(f"Reading the configuration of {name}", f"blobs/{manifest.config}")
        answer = self._redirected(question)
        if digest_of(answer.body) != manifest.config:
            raise _mismatch(name, "configuration")
        return read_config(answer.body, name)

    def pull_token(self) -> PullToken | None:
        """Get a token, without reading anything.

        Returns:
            The token; None where the registry lets everybody in.

        Raises:
            RegistryRefused: There is none.
        """
        if self._access.login is Login.ENTRA:
            return self._desk.exchanged()
        doing = f"Getting a token to pull {shown(self._repository)}"
        target = Address(self._access.origin, "/v2/")
        question = Question(doing, target, _PLACE_BYTES, allowed=self._reach(target.origin))
        answer = ask(self._network, question, self._deadline)
        challenge = _challenge(answer)
        if challenge is None:
            require_success(question, answer)
            return None
        if challenge.scheme != "bearer":
            raise RegistryRefused(
                RefusalKind.REFUSED,
                f"{doing}: {self._access.host} gives no tokens, only asks for a password, and a password is not handed "
                "to the step that runs the scanner; use a registry with token authentication.",
            )
        return self._desk.answer_to(challenge)

    def _question(self, doing: str, what: str) -> Question:
        return Question(
            doing,
            Address(self._access.origin, f"/v2/{self._repository}/{what}"),
            MANIFEST_BYTES,
            too_large=RefusalKind.MANIFEST_TOO_LARGE,
            allowed=self._reach(self._access.origin),
        )

    def _reach(self, origin: Origin) -> Collection[Reach]:
        """Say how far the addresses of a listed host may reach. Without TLS, only to this machine."""
        if origin.scheme == "http":
            return {Reach.LOOPBACK} if self._access.private else set()
        return {Reach.PUBLIC, Reach.PRIVATE, Reach.LOOPBACK} if self._access.private else {Reach.PUBLIC}

    def _reach_elsewhere(self, origin: Origin) -> Collection[Reach]:
        """Say how far a redirect may lead: behind a private endpoint, a registry's blobs have private addresses too."""
        if origin == self._access.origin or origin.scheme == "http":
            return self._reach(origin)
        return {Reach.PUBLIC, Reach.PRIVATE} if self._access.private else {Reach.PUBLIC}

    def _ask(self, question: Question) -> Answer:
        """Ask the registry itself, with a credential where it wants one; once more with one where it says so."""
        if self._authorization is None and self._access.login is Login.ENTRA:
            self._authorization = f"Bearer {self._desk.exchanged().value}"
        answer = ask(self._network, self._with_credential(question), self._deadline)
        if answer.status != HTTPStatus.UNAUTHORIZED or self._authorization is not None:
            return answer
        self._authorization = self._answer_to(_challenge(answer))
        if self._authorization is None:
            return answer
        return ask(self._network, self._with_credential(question), self._deadline)

    def _with_credential(self, question: Question) -> Question:
        if self._authorization is None:
            return question
        return replace(question, headers={**question.headers, "Authorization": self._authorization})

    def _answer_to(self, challenge: Challenge | None) -> str | None:
        if challenge is None:
            return None
        if challenge.scheme == "bearer":
            return f"Bearer {self._desk.answer_to(challenge).value}"
        return basic(self._access) if self._access.login is Login.BASIC else None

    def _ask_for_token(self, question: Question) -> Answer:
        """Ask a realm. What it redirects is not followed: a credential would go with it."""
        answer = ask(self._network, replace(question, allowed=self._reach(question.address.origin)), self._deadline)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise RegistryRefused(
                RefusalKind.REFUSED,
                f"{question.doing}: {shown(question.address.origin.authority)} gives no tokens there (404); check the "
                "registry's login: entra is for Azure Container Registry alone.",
            )
        require_success(question, answer)
        return answer

    def _redirected(self, question: Question) -> Answer:
        """Ask for a blob, which registries keep elsewhere; the credential stays here."""
        answer = self._ask(question)
        for _ in range(_MOST_REDIRECTS):
            if not answer.redirects:
                break
            there = self._next(question, answer)
            question = replace(question, address=there, allowed=self._reach_elsewhere(there.origin))
            answer = ask(self._network, question, self._deadline)
        require_success(question, answer)
        return answer

    def _next(self, question: Question, answer: Answer) -> Address:
        """Read where a redirect leads. ``http`` is followed only from a registry on this machine's own loopback."""
        origin = question.address.origin
        here = f"{origin.scheme}://{origin.authority}{question.address.target}"
        try:
            there = address(urljoin(here, answer.headers.get("Location") or ""))
        except ValueError:
            raise self._not_followed(question, "to something that is no plain URL") from None
        if there.origin.scheme == "https" or self._access.origin.scheme == "http":
            return there
        raise self._not_followed(question, f"to {shown(there.origin.authority)} without TLS")

    def _not_followed(self, question: Question, where: str) -> RegistryRefused:
        return RegistryRefused(
            RefusalKind.REDIRECTED,
            f"{question.doing}: {shown(question.address.origin.authority)} redirects {where}, which is not followed; "
            "have its storage looked at.",
        )


def _challenge(answer: Answer) -> Challenge | None:
    if answer.status != HTTPStatus.UNAUTHORIZED:
        return None
    return read_challenge(answer.headers.get_all("WWW-Authenticate") or [])


def _named_digest(answer: Answer) -> ImageDigest | None:
    """Read the digest that the registry itself gives; one by another hash cannot be compared."""
    try:
        return image_digest(answer.headers.get("Docker-Content-Digest") or "")
    except ValueError:
        return None


def _mismatch(name: str, what: str) -> RegistryRefused:
    return RegistryRefused(
        RefusalKind.DIGEST_MISMATCH,
        f"{name}: the bytes of its {what} are not those of its digest, so it is not what was pushed; push it again, "
        "and have the registry looked at.",
    )
