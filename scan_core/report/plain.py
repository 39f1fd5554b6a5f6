"""Foreign text made harmless to look at: one line, nothing invisible, cut at a word."""

import unicodedata

_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode general categories that show nothing or, as directional overrides do, change what stands beside them."""

_ELLIPSIS = "…"


def one_line(text: str) -> str:
    """Remove what cannot be seen and put everything on one line.

    Args:
        text: Any text.

    Returns:
        The visible characters, with single spaces between the words.
    """
    return " ".join("".join(_visible(character) for character in text).split())


def marked(text: str) -> str:
    """Show where a text holds something that cannot be seen, as for a path that tries to look like another.

    Args:
        text: Any text.

    Returns:
        The same text with a replacement character for each invisible one.
    """
    return "".join("\ufffd" if unicodedata.category(character) in _INVISIBLE else character for character in text)


def units(text: str) -> int:
    """Measure a text as Azure DevOps does.

    Args:
        text: Any text without lone surrogates.

    Returns:
        Its number of UTF-16 code units; an emoji has two.
    """
    return len(text.encode("utf-16-le")) // 2


def shortened(text: str, limit: int) -> str:
    """Cut a text at a word.

    Args:
        text: One line, as `one_line` gives it.
        limit: UTF-16 code units, at least 1.

    Returns:
        The text, or its beginning followed by an ellipsis; never longer than the limit.
    """
    if units(text) <= limit:
        return text
    beginning = text[: limit - 1]
    while units(beginning) > limit - 1:
        beginning = beginning[:-1]
    words, space, _ = beginning.rpartition(" ")
    within_reason = space and len(words) * 2 >= len(beginning)
    ends_at_word = text[len(beginning) : len(beginning) + 1] == " "
    kept = words if within_reason and not ends_at_word else beginning
    return kept.rstrip(" ,;:(") + _ELLIPSIS


def _visible(character: str) -> str:
    if character.isspace() or unicodedata.category(character) in {"Zl", "Zp"}:
        return " "
    return "" if unicodedata.category(character) in _INVISIBLE else character
