"""The colours of pages: text can be read on every ground, in light and dark."""

import re
from pathlib import Path

import pytest

import scan_core.report

CSS = (Path(scan_core.report.__file__).parent / "templates" / "page.css").read_text()


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


LIGHT, DARK = (_colours(block) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2])


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(colours: dict[str, str]) -> None:
    """Text reaches 4.5 to 1 on every ground it stands on (WCAG 2.2, 1.4.3)."""
    grounds = [name for name in colours if name.endswith("-ground")]
    pairs = [(name.removesuffix("-ground"), name) for name in grounds]
    pairs += [("ink", name) for name in ("page", "card", "soft", *grounds)]
    pairs += [("quiet", name) for name in ("page", "card", "soft")]
    pairs += [("link", "card"), ("good", "card"), ("bad", "card"), ("card", "link")]
    low = {pair: round(_contrast(*(colours[name] for name in pair)), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}
