"""What most tests of resolving ask for, and how a refusal of it has to look."""

from typing import Any

import pytest

from scan_core.model.image import image_reference, platform
from scan_core.registry.refusals import SENTENCE_CHARACTERS, RegistryRefused
from tests.registry.internet import BASIC, CONTOSO, ENTRA, PASSWORD, PULL, REFRESH

AMD, ARM = platform("linux/amd64"), platform("linux/arm64")
TAGGED = image_reference(f"{CONTOSO}/app:1")


def refusal(client: Any, reference: Any = TAGGED, *platforms: Any, seconds: float = 10) -> RegistryRefused:
    """Resolve what cannot be; the refusal has to be fit to be shown."""
    with pytest.raises(RegistryRefused) as caught:
        client.resolve(reference, platforms or (AMD,), deadline_seconds=seconds)
    sentence = caught.value.sentence
    assert sentence.isprintable()
    assert len(sentence) <= SENTENCE_CHARACTERS
    assert sentence == str(caught.value)
    assert not any(secret in sentence for secret in (PASSWORD, BASIC, ENTRA, REFRESH, PULL))
    return caught.value
