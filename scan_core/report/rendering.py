"""Templates, the style sheet, and the headers that make a page inert: no script, nothing from elsewhere."""

import base64
import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from scan_core.report.findings import foreign
from scan_core.report.moments import clock

_TEMPLATES = Path(__file__).parent / "templates"


def rendered(template: str, **values: Any) -> str:  # noqa: ANN401 - a template takes any value
    """Fill in a template; everything is escaped.

    Args:
        template: File name within this room's templates.
        values: What the template speaks of.

    Returns:
        An HTML document.
    """
    return _environment().get_template(template).render(**values, style=Markup(_style()))  # noqa: S704 - a file of ours


@cache
def headers() -> dict[str, str]:
    """Name the headers every page is sent with.

    Returns:
        Headers that keep a page out of caches, frames, search engines and referrers, and allow it nothing but its
        own style sheet, known by its hash (W3C, Content Security Policy Level 3).
    """
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex",
    }


@cache
def _style() -> str:
    return (_TEMPLATES / "page.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"foreign": foreign, "clock": clock, "iso": datetime.isoformat}
    return environment
