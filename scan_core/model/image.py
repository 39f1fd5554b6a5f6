"""Container images: which registry, which repository, which digest, for which platform; and how a reference is read.

Grammar: Open Container Initiative, "Distribution Specification", "Pulling manifests" (names and tags) and "Image
Specification", "Descriptors" (digests). It is read more strictly than a container engine reads it: nothing is guessed,
since what is scanned has to be what was meant.
"""

import re
import string
from enum import StrEnum
from typing import Annotated, Final, NewType

from pydantic import Field, model_validator

from scan_core.model.value import Value

RegistryHost = NewType("RegistryHost", str)
"""A registry's host, lower case, with its port where it has one: ``contoso.azurecr.io``, ``127.0.0.1:5000``."""
RepositoryName = NewType("RepositoryName", str)
"""A repository of a registry, such as ``team/app``."""
ImageTag = NewType("ImageTag", str)
ImageDigest = NewType("ImageDigest", str)
"""``sha256:`` and 64 hex digits: the hash of a manifest's bytes. It names one content for ever; a tag moves."""

NAME_CHARACTERS: Final = 255
"""Host, slash and repository together; many clients take no more (Distribution Specification, "Pulling manifests")."""
TAG_CHARACTERS: Final = 128
_DIGEST_CHARACTERS: Final = 71
REFERENCE_CHARACTERS: Final = NAME_CHARACTERS + 1 + TAG_CHARACTERS + 1 + _DIGEST_CHARACTERS

_LABEL: Final = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = rf"{_LABEL}(?:\.{_LABEL})*(?::[1-9][0-9]{{0,4}})?"
_COMPONENT: Final = "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*"
_REPOSITORY: Final = rf"{_COMPONENT}(?:/{_COMPONENT})*"
_TAG: Final = rf"[A-Za-z0-9_][A-Za-z0-9._-]{{0,{TAG_CHARACTERS - 1}}}"
_DIGEST: Final = "sha256:[0-9a-f]{64}"
_PLATFORM_PART: Final = "[a-z0-9][a-z0-9._-]{0,31}"

_ALLOWED: Final = frozenset(string.ascii_letters + string.digits + "._:/@-")
_WRITE: Final = "write it as registry/name:tag or registry/name@sha256:…"
_HIGHEST_PORT: Final = 65535

Host = Annotated[RegistryHost, Field(pattern=rf"^{_HOST}$", max_length=NAME_CHARACTERS)]
Repository = Annotated[RepositoryName, Field(pattern=rf"^{_REPOSITORY}$", max_length=NAME_CHARACTERS)]
Tag = Annotated[ImageTag, Field(pattern=f"^{_TAG}$")]
Digest = Annotated[ImageDigest, Field(pattern=f"^{_DIGEST}$")]
_Part = Annotated[str, Field(pattern=f"^{_PLATFORM_PART}$")]


class Platform(Value):
    """What an image is made to run on. Made by `platform` or `platform_of`, so that one platform has one spelling."""

    os: _Part
    architecture: _Part
    variant: _Part | None = None

    @property
    def text(self) -> str:
        """``os/architecture`` or ``os/architecture/variant``."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part is not None)


DEFAULT_PLATFORM: Final = Platform(os="linux", architecture="amd64")

_OTHER_NAMES: Final = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "i386": "386"}
"""Names of architectures beside Go's, which the Image Specification prescribes."""
_PLAIN_VARIANT: Final = {"amd64": "v1", "arm64": "v8", "arm": "v7"}
"""The variant that is meant where none is written, so that ``linux/arm64/v8`` is ``linux/arm64``."""


class Login(StrEnum):
    """How to come into a registry."""

    ENTRA = "entra"
    """With a token of the managed identity, exchanged at the registry; Azure Container Registry alone knows that."""
    BASIC = "basic"
    """With a user name and a password, given to the token realm."""
    ANONYMOUS = "anonymous"


class ImageReference(Value):
    """An image as somebody names it: by tag, by digest, or by both, of which the digest decides."""

    registry: Host
    repository: Repository
    tag: Tag | None = None
    digest: Digest | None = None

    @model_validator(mode="after")
    def _names_something(self) -> "ImageReference":
        if self.tag is None and self.digest is None:
            raise ValueError(f"an image needs a tag or a digest: {_WRITE}")
        if len(self.name) > NAME_CHARACTERS:
            raise ValueError(f"an image's registry and name have at most {NAME_CHARACTERS} characters together")
        return self

    @property
    def name(self) -> str:
        """``registry/repository``."""
        return f"{self.registry}/{self.repository}"

    @property
    def text(self) -> str:
        """``registry/repository[:tag][@digest]``, which `image_reference` reads back."""
        tag = "" if self.tag is None else f":{self.tag}"
        return self.name + tag + ("" if self.digest is None else f"@{self.digest}")


def image_reference(text: str) -> ImageReference:
    """Read an image reference.

    A missing registry is refused, since a guess would be Docker Hub's; a missing tag and digest too, since ``latest``
    is a moving name that a build hardly ever means.

    Args:
        text: The reference, such as ``contoso.azurecr.io/team/app:1.4``. Untrusted.

    Returns:
        The reference.

    Raises:
        ValueError: Something in it is wrong; the one sentence names it. It repeats names only, never a user's.
    """
    _require_plain(text)
    named, at, digest = text.partition("@")
    if at and not re.fullmatch(_DIGEST, digest):
        raise ValueError(
            "an image reference holds an '@' that no sha256 digest follows; a user name or password does not belong "
            "in it, and a digest is 'sha256:' with 64 lower-case hex digits"
        )
    host, slash, rest = named.partition("/")
    if not slash or not _looks_like_a_host(host):
        raise ValueError(f"an image reference has to begin with its registry's host and a slash: {_WRITE}")
    repository, colon, tag = rest.rpartition(":") if ":" in rest.rpartition("/")[2] else (rest, "", "")
    if not colon and not at:
        raise ValueError(f"the image reference for {_quoted(repository)} has neither tag nor digest: {_WRITE}")
    _require_length(host, repository)
    return ImageReference(
        registry=registry_host(host),
        repository=repository_name(repository),
        tag=image_tag(tag) if colon else None,
        digest=ImageDigest(digest) if at else None,
    )


def registry_host(text: str) -> RegistryHost:
    """Read a registry's host.

    Args:
        text: A host name or IPv4 address in lower case, with its port where it is not the usual one.

    Returns:
        The host.

    Raises:
        ValueError: It is not one; the sentence says why.
    """
    if text != text.lower():
        raise ValueError(f"the registry's host {_quoted(text)} has upper-case letters: write it in lower case")
    if len(text) > NAME_CHARACTERS or not re.fullmatch(_HOST, text):
        raise ValueError(f"{_quoted(text)} is not a registry's host, such as contoso.azurecr.io or localhost:5000")
    if int(text.partition(":")[2] or "1") > _HIGHEST_PORT:
        raise ValueError(f"the registry's host {_quoted(text)} has a port above {_HIGHEST_PORT}")
    return RegistryHost(text)


def repository_name(text: str) -> RepositoryName:
    """Read the name of a repository.

    Args:
        text: Such as ``team/app``.

    Returns:
        The name.

    Raises:
        ValueError: It is not one; the sentence says why.
    """
    if text != text.lower():
        raise ValueError(f"the image name {_quoted(text)} has upper-case letters: registries take lower case only")
    if ".." in text:
        raise ValueError(f"the image name {_quoted(text)} holds '..', which no image name may")
    if len(text) > NAME_CHARACTERS or not re.fullmatch(_REPOSITORY, text):
        raise ValueError(
            f"{_quoted(text)} is not an image name: it has lower-case letters and digits, separated by single dots, "
            "one or two underscores, dashes or slashes"
        )
    return RepositoryName(text)


def image_tag(text: str) -> ImageTag:
    """Read a tag.

    Args:
        text: Such as ``1.4-rc1``.

    Returns:
        The tag.

    Raises:
        ValueError: It is not one; the sentence says why.
    """
    if not re.fullmatch(_TAG, text):
        raise ValueError(
            f"{_quoted(text)} is not a tag: it has 1 to {TAG_CHARACTERS} letters, digits, underscores, dots and "
            "dashes, and begins with none of the last two"
        )
    return ImageTag(text)


def image_digest(text: str) -> ImageDigest:
    """Read a digest.

    Args:
        text: ``sha256:`` and 64 lower-case hex digits.

    Returns:
        The digest.

    Raises:
        ValueError: It is not one.
    """
    if not re.fullmatch(_DIGEST, text):
        raise ValueError(f"{_quoted(text)} is not a digest, which is 'sha256:' with 64 lower-case hex digits")
    return ImageDigest(text)


def platform(text: str) -> Platform:
    """Read a platform.

    Args:
        text: ``os/architecture`` or ``os/architecture/variant``, such as ``linux/arm64``.

    Returns:
        The platform in its one spelling.

    Raises:
        ValueError: It is not one.
    """
    parts = text.split("/")
    if len(parts) not in {2, 3} or not all(re.fullmatch(_PLATFORM_PART, part) for part in parts):
        raise ValueError(f"{_quoted(text)} is not a platform, which is os/architecture such as linux/amd64")
    return platform_of(*parts)


def platform_of(os: str, architecture: str, variant: str | None = None) -> Platform:
    """Bring a platform into its one spelling, as containerd's package "platforms" does.

    Args:
        os: Such as ``linux``.
        architecture: Such as ``amd64``; other usual names of it are understood.
        variant: Such as ``v7``; the one that is meant without saying is left out.

    Returns:
        The platform.

    Raises:
        ValueError: A part is not one.
    """
    known = _OTHER_NAMES.get(architecture, architecture)
    plain = not variant or _PLAIN_VARIANT.get(known) == variant
    return Platform(os=os, architecture=known, variant=None if plain else variant)


def _require_plain(text: str) -> None:
    """Refuse what has no place anywhere in a reference. Nothing is repeated here: it could hold a password."""
    if not text:
        raise ValueError(f"the image reference is empty: {_WRITE}")
    if len(text) > REFERENCE_CHARACTERS:
        raise ValueError(f"the image reference has {len(text)} characters; at most {REFERENCE_CHARACTERS} are possible")
    if "://" in text:
        raise ValueError(
            f"the image reference is an address with a scheme; leave out what stands up to '://': {_WRITE}"
        )
    strange = next((character for character in text if character not in _ALLOWED), None)
    if strange is not None:
        raise ValueError(f"the image reference holds {strange!a}, which no image reference may: {_WRITE}")


def _require_length(host: str, repository: str) -> None:
    if len(host) + 1 + len(repository) > NAME_CHARACTERS:
        raise ValueError(
            f"the image reference has {len(host) + 1 + len(repository)} characters of registry and name; "
            f"at most {NAME_CHARACTERS} are possible"
        )


def _looks_like_a_host(text: str) -> bool:
    """Tell a registry from the first part of a name, as container engines do: by a dot or a port."""
    return "." in text or ":" in text or text == "localhost"


def _quoted(text: str) -> str:
    """Show a stranger's text: short, in ASCII and without what could act."""
    shown = ascii(text)[1:-1]
    return f"'{shown}'" if len(shown) <= 80 else f"'{shown[:77]}...'"  # noqa: PLR2004 - a line's worth
