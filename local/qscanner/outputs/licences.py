"""Licence texts from manifests, as SPDX and CycloneDX accept them."""

import re

# Identifiers of the SPDX licence list that packages commonly name; any other text is passed on as a mere name.
_IDENTIFIERS = frozenset({
    "0BSD", "AFL-2.1", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BlueOak-1.0.0",
    "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC-BY-3.0", "CC-BY-4.0", "CC0-1.0", "EPL-1.0", "EPL-2.0",
    "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-2.1-only",
    "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-1.1", "MPL-2.0",
    "OFL-1.1", "PSF-2.0", "Python-2.0", "Unlicense", "WTFPL", "Zlib",
})  # fmt: skip
_EXPRESSION = re.compile(r"\(?(?P<ids>[A-Za-z0-9.-]+(?: (?:AND|OR) [A-Za-z0-9.-]+)*)\)?")


def is_identifier(licence: str) -> bool:
    """Tell whether a text is one known SPDX identifier."""
    return licence in _IDENTIFIERS


def is_expression(licence: str) -> bool:
    """Tell whether a text is an SPDX expression of known identifiers with one kind of operator, in brackets or not."""
    match = _EXPRESSION.fullmatch(licence)
    if not match or licence.startswith("(") != licence.endswith(")"):
        return False
    words = match["ids"].split(" ")
    return len(set(words[1::2])) <= 1 and all(word in _IDENTIFIERS for word in words[::2])
