"""XML read without document types, so without entities to expand or files to fetch."""

from typing import NamedTuple
from xml.parsers import expat

_MAX_DEPTH = 64
_MAX_ELEMENTS = 200_000


class Element(NamedTuple):
    """One element, its name without prefix or namespace."""

    name: str
    children: "list[Element]"
    texts: list[str]

    @property
    def content(self) -> str:
        """The element's own text."""
        return "".join(self.texts)

    def all(self, name: str) -> "list[Element]":
        """Give the children of a name."""
        return [child for child in self.children if child.name == name]

    def first(self, name: str) -> "Element":
        """Give the first child of a name, or a nameless empty element."""
        return next(iter(self.all(name)), _NOTHING)

    def text(self, name: str) -> str:
        """Give the text of the first child of a name, without white space around it."""
        return self.first(name).content.strip()


_NOTHING = Element("", [], [])


def read_xml(content: bytes) -> Element:
    """Read a document.

    Returns:
        Its root element.

    Raises:
        ValueError: It is not well-formed, declares a document type, or is nested or sized beyond any honest use.
    """
    top = Element("", [], [])
    open_elements = [top]
    count = 0

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(open_elements) > _MAX_DEPTH or count > _MAX_ELEMENTS:
            message = "has too many XML elements, or nests them too deeply"
            raise ValueError(message)
        element = Element(name.rpartition(":")[2], [], [])
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def add_text(text: str) -> None:
        open_elements[-1].texts.append(text)

    def refuse(*_: object) -> None:
        message = "declares a document type, which is not read"
        raise ValueError(message)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_elements.pop()
    parser.CharacterDataHandler = add_text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)  # noqa: FBT003 - expat's own signature: this is the last part
    except expat.ExpatError as error:
        message = f"is not well-formed XML: {error}"
        raise ValueError(message) from error
    return top.children[0]
