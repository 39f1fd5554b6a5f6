"""Go: the modules that go.mod requires (https://go.dev/ref/mod#go-mod-file)."""

import re

from local.qscanner.packages import Ecosystem, Package

FILE_NAME = "go.mod"
_COMMENT = re.compile(r"//.*$")
_VERSION = re.compile(r"v(?a:\d+)\.(?a:\d+)\.(?a:\d+)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_QUOTES = '"`'

type _Module = tuple[str, str]


def read_go_mod(content: bytes, path: str) -> list[Package]:
    """Read a go.mod file.

    Args:
        content: The file.
        path: Where it stands, relative to the scanned folder.

    Returns:
        The required modules, direct and indirect, after the file's own replacements; none that a folder replaces.

    Raises:
        ValueError: The file is not text.
    """
    required: list[_Module] = []
    replaced: dict[_Module, _Module | None] = {}
    for verb, words in _directives(content.decode("utf-8-sig")):
        match verb, words:
            case "require", [module, version] if _VERSION.fullmatch(version):
                required.append((module, version))
            case "replace", [module, "=>", *target]:
                replaced[module, ""] = _target(target)
            case "replace", [module, version, "=>", *target]:
                replaced[module, version] = _target(target)
    chosen = (replaced.get((name, version), replaced.get((name, ""), (name, version))) for name, version in required)
    return sorted({Package(Ecosystem.GO, module[0], module[1], path) for module in chosen if module})


def _target(words: list[str]) -> _Module | None:
    """Give a replacement module; a folder has no version, and is none."""
    match words:
        case [module, version] if _VERSION.fullmatch(version):
            return module, version
    return None


def _directives(text: str) -> list[tuple[str, list[str]]]:
    """Split the file into directives, those of a block each with the block's verb."""
    found: list[tuple[str, list[str]]] = []
    block = ""
    for raw in text.splitlines():
        words = [word.strip(_QUOTES) for word in _COMMENT.sub("", raw).split()]
        match words:
            case []:
                continue
            case [")"]:
                block = ""
            case [verb, "("] if not block:
                block = verb
            case [verb, *rest] if not block:
                found.append((verb, rest))
            case _:
                found.append((block, words))
    return found
