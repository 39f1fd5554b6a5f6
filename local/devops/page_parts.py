"""What all pages for people share: plain, no script, every value escaped, readable on a phone and in the dark."""

from html import escape
from typing import Final
from urllib.parse import urlsplit

from local.devops.records import Status
from local.devops.render import quoted
from local.devops.state import Organisation
from local.devops.statuses import latest_by_name

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --good: #17803d; --bad: #c0262d; --wait: #9a6700; }
@media (prefers-color-scheme: dark) { :root { --good: #4cc38a; --bad: #ff7b72; --wait: #e3b341; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
ul { list-style: none; padding: 0; margin: 0; } li { border-top: 1px solid var(--line); padding: .5rem 0; }
code { font-family: ui-monospace, monospace; } .dim { opacity: .7; } .box { border: 1px solid var(--line);
border-radius: .5rem; padding: .75rem 1rem; margin: 1rem 0; border-left-width: .4rem; }
.good { border-left-color: var(--good); } .bad { border-left-color: var(--bad); }
.wait { border-left-color: var(--wait); }
b.good { color: var(--good); } b.bad { color: var(--bad); } b.wait { color: var(--wait); }
pre { white-space: pre-wrap; margin: .25rem 0; font: inherit; }
"""

_TONES: Final = {
    "succeeded": "good",
    "approved": "good",
    "notApplicable": "good",
    "completed": "good",
    "canceled": "bad",
    "timedOut": "bad",
    "partiallySucceeded": "bad",
    "failed": "bad",
    "error": "bad",
    "rejected": "bad",
    "conflicts": "bad",
}


def index_url(organisation: Organisation) -> str:
    """Return the path of the organisation's own page, escaped."""
    return escape(f"/{quoted(organisation.name)}/")


def moment(stamp: str) -> str:
    """Return a date as people read it, escaped."""
    return escape(f"{stamp[:19].replace('T', ' ')} UTC")


def tone(word: str) -> str:
    """Return a state in its colour, escaped."""
    return f"<b class={_TONES.get(word, 'wait')}>{escape(word)}</b>"


def status_rows(posted: tuple[Status, ...]) -> str:
    """Return statuses as list items, newest first.

    Args:
        posted: oldest first.
    """
    latest = latest_by_name(posted)
    return "".join(_status(status, superseded=status not in latest) for status in reversed(posted))


def _status(status: Status, *, superseded: bool) -> str:
    name = escape("/".join(filter(None, (status.genre, status.name))))
    described = f"<br>{escape(status.description)}" if status.description else ""
    link = ""
    if status.target_url and urlsplit(status.target_url).scheme in {"http", "https"}:
        link = f" <a rel='noreferrer nofollow' href='{escape(status.target_url)}'>details</a>"
    mark = " <span class=dim>(superseded)</span>" if superseded else ""
    by = f"<br><span class=dim>by {escape(status.author.display_name)}, {moment(status.created)}</span>"
    return f"<li>{tone(status.state)} {name}{mark}{described}{link}{by}</li>"


def page(title: str, body: str) -> str:
    """Return a whole page.

    Args:
        title: plain text.
        body: HTML.
    """
    return (
        "<!DOCTYPE html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
