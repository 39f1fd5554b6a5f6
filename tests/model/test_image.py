"""Image references: what is read, what is refused, and that a refusal says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scan_core.model.image import (
    DEFAULT_PLATFORM,
    NAME_CHARACTERS,
    ImageReference,
    Platform,
    image_digest,
    image_reference,
    platform,
    platform_of,
    registry_host,
    repository_name,
)
from tests.model.references import DIGEST, references


class TestReading:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("contoso.azurecr.io/app:1", ("contoso.azurecr.io", "app", "1", None)),
            (
                "contoso.azurecr.io/team/my-app__x:V1.2_rc-3",
                ("contoso.azurecr.io", "team/my-app__x", "V1.2_rc-3", None),
            ),
            ("localhost/app:1", ("localhost", "app", "1", None)),
            ("127.0.0.1:5000/a/b/c:_", ("127.0.0.1:5000", "a/b/c", "_", None)),
            (f"ghcr.io/app@{DIGEST}", ("ghcr.io", "app", None, DIGEST)),
            (f"ghcr.io/app:1@{DIGEST}", ("ghcr.io", "app", "1", DIGEST)),
        ],
    )
    def test_a_reference_is_taken_apart(self, text: str, parts: tuple[str | None, ...]) -> None:
        """Into registry, repository, tag and digest, and put together again as it was."""
        found = image_reference(text)
        assert (found.registry, found.repository, found.tag, found.digest) == parts
        assert found.text == text

    @given(references())
    def test_every_reference_is_read_back_from_its_text(self, reference: ImageReference) -> None:
        """The canonical text loses nothing."""
        assert image_reference(reference.text) == reference
        assert ImageReference.model_validate_json(reference.model_dump_json()) == reference

    @given(st.text(max_size=80) | st.text(alphabet="aA0.:/@-_$% \n", max_size=40))
    def test_whatever_is_read_is_its_own_canonical_text(self, text: str) -> None:
        """Anything else is refused with one line of ASCII, short enough for a status page."""
        try:
            assert image_reference(text).text == text
        except ValidationError:
            raise
        except ValueError as refusal:
            sentence = str(refusal)
            assert sentence.isascii() or "…" in sentence
            assert sentence.isprintable()
            assert len(sentence) < 300


class TestRefusing:
    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("", "is empty"),
            ("app:1", "begin with its registry's host"),
            ("library/app:1", "begin with its registry's host"),
            ("contoso.azurecr.io", "begin with its registry's host"),
            ("contoso.azurecr.io/app", "neither tag nor digest"),
            ("contoso.azurecr.io:443/team/app", "neither tag nor digest"),
            ("https://contoso.azurecr.io/app:1", "scheme"),
            ("https://user:hunter22@contoso.azurecr.io/app:1", "scheme"),
            ("user:hunter22@contoso.azurecr.io/app:1", "user name or password"),
            ("contoso.azurecr.io/app@sha256:hunter22", "no sha256 digest"),
            (f"contoso.azurecr.io/app@sha512:{'0' * 128}", "no sha256 digest"),
            (f"contoso.azurecr.io/app@{DIGEST.upper()}", "no sha256 digest"),
            (f"contoso.azurecr.io/app@{DIGEST}@{DIGEST}", "no sha256 digest"),
            ("contoso.azurecr.io/app:1?x=y", r"holds '\?'"),
            ("contoso.azurecr.io/app:1#x", "holds '#'"),
            ("contoso.azurecr.io/app:$(id)", r"holds '\$'"),
            ("contoso.azurecr.io/app:`id`", "holds '`'"),
            ("contoso.azurecr.io/app:1;id", "holds ';'"),
            ("contoso.azurecr.io/app:1|id", r"holds '\|'"),
            ("contoso.azurecr.io/app:%2e%2e", "holds '%'"),
            ("contoso.azurecr.io\\app:1", r"holds '\\\\'"),
            ("contoso.azurecr.io/my app:1", "holds ' '"),
            ("contoso.azurecr.io/app:1\n", r"holds '\\n'"),
            ("contoso.azurecr.io/app:1\x00", r"holds '\\x00'"),
            ("contoso.azurecr.io/äpp:1", r"holds '\\xe4'"),
            ("contoso.azurecr.io/App:1", "upper-case"),
            ("Contoso.azurecr.io/app:1", "upper-case"),
            ("contoso.azurecr.io/../app:1", r"'\.\.'"),
            ("contoso.azurecr.io/a/../../v2/b:1", r"'\.\.'"),
            ("contoso.azurecr.io//app:1", "not an image name"),
            ("contoso.azurecr.io/app/:1", "not an image name"),
            ("contoso.azurecr.io/:1", "not an image name"),
            ("contoso.azurecr.io/-app:1", "not an image name"),
            ("contoso.azurecr.io/a___b:1", "not an image name"),
            ("contoso.azurecr.io/app:refs/heads/main", "neither tag nor digest"),
            (f"contoso.azurecr.io/app:refs/heads/main@{DIGEST}", "not an image name"),
            ("contoso.azurecr.io/app:", "not a tag"),
            ("contoso.azurecr.io/app:-1", "not a tag"),
            ("contoso.azurecr.io/app:.1", "not a tag"),
            (f"contoso.azurecr.io/app:{'1' * 129}", "not a tag"),
            ("-contoso.azurecr.io/app:1", "not a registry's host"),
            ("contoso..io/app:1", "not a registry's host"),
            ("contoso.io./app:1", "not a registry's host"),
            ("contoso_.io/app:1", "not a registry's host"),
            ("contoso.io:0/app:1", "not a registry's host"),
            ("contoso.io:99999/app:1", "port above 65535"),
            (f"contoso.io/{'a' * 250}:1", "at most 255"),
            (f"contoso.io/{'a' * 600}:1", "characters"),
        ],
    )
    def test_a_refusal_names_what_is_wrong(self, text: str, why: str) -> None:
        """And never repeats what could be a password."""
        with pytest.raises(ValueError, match=why) as caught:
            image_reference(text)
        assert not isinstance(caught.value, ValidationError)
        assert "hunter22" not in str(caught.value)

    def test_a_long_name_is_shown_by_its_beginning(self) -> None:
        """A status has no room for the rest."""
        with pytest.raises(ValueError, match=r"'A{77}\.\.\.'"):
            repository_name("A" * 200)

    @pytest.mark.parametrize("text", ["a" * (NAME_CHARACTERS + 1), "a b"])
    def test_hosts_and_names_are_checked_alone_too(self, text: str) -> None:
        """A token is asked for by name, with no reference around it."""
        with pytest.raises(ValueError, match="not a registry's host"):
            registry_host(text)
        with pytest.raises(ValueError, match="not an image name"):
            repository_name(text)

    def test_a_digest_is_checked_alone_too(self) -> None:
        """It comes from a registry."""
        assert image_digest(DIGEST) == DIGEST
        with pytest.raises(ValueError, match="not a digest"):
            image_digest("sha256:../../x")

    @pytest.mark.parametrize(
        "fields",
        [
            {"registry": "contoso.io", "repository": "app"},
            {"registry": "contoso.io", "repository": "App", "tag": "1"},
            {"registry": "contoso.io/x", "repository": "app", "tag": "1"},
            {"registry": "contoso.io", "repository": "a" * 250, "tag": "1"},
            {"registry": "contoso.io", "repository": "app", "digest": "sha256:0"},
        ],
    )
    def test_a_stored_reference_is_held_to_the_same(self, fields: dict[str, str]) -> None:
        """What stands in a queue or a row is read by the model itself."""
        with pytest.raises(ValidationError):
            ImageReference.model_validate(fields)


class TestPlatforms:
    @pytest.mark.parametrize(
        ("text", "canonical"),
        [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm/v7", "linux/arm"),
            ("linux/arm/v6", "linux/arm/v6"),
            ("windows/amd64", "windows/amd64"),
        ],
    )
    def test_one_platform_has_one_spelling(self, text: str, canonical: str) -> None:
        """So that equal work has one name."""
        assert platform(text).text == canonical
        assert platform(canonical) == platform(text)

    def test_linux_on_amd64_is_meant_where_nothing_is_said(self) -> None:
        """As Qualys' own task has it."""
        assert platform("linux/amd64") == DEFAULT_PLATFORM

    @pytest.mark.parametrize("text", ["", "linux", "linux/", "/amd64", "Linux/amd64", "linux/amd64/v1/x", "linux/a b"])
    def test_anything_else_is_refused(self, text: str) -> None:
        """With the form that is wanted."""
        with pytest.raises(ValueError, match="os/architecture"):
            platform(text)

    def test_parts_are_checked_where_they_come_apart(self) -> None:
        """As they do from a manifest."""
        assert platform_of("linux", "arm64", "") == Platform(os="linux", architecture="arm64")
        with pytest.raises(ValueError, match="pattern"):
            platform_of("linux", "arm64\n")
