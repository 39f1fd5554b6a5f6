"""A page as a reader meets it: its elements, attributes and text."""

from html.parser import HTMLParser

from scan_core.report.gate_page import GatePage, gate_page


class Document(HTMLParser):
    """A page as its elements, attributes and text."""

    def __init__(self, html: str) -> None:
        """Read a page."""
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text += data

    def every(self, name: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of a name."""
        return [attributes for tag, attributes in self.tags if tag == name]


def read(view: GatePage) -> Document:
    """Write a page and read it."""
    return Document(gate_page(view))
