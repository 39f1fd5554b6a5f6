"""The headers of a page: which style may act, what is kept, and what is passed on."""

import base64
import hashlib
import re

from scan_core.report.gate_page import gate_page, headers
from tests.report.builders import failed_page


class TestHeaders:
    def test_only_its_own_style_is_allowed(self) -> None:
        """The policy names the hash of exactly what stands in the page."""
        style = re.search(r"<style>(.*?)</style>", gate_page(failed_page()), re.DOTALL)
        assert style
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        policy = headers()["Content-Security-Policy"]
        assert f"style-src 'sha256-{digest}'" in policy
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy

    def test_nothing_is_kept_or_passed_on(self) -> None:
        """Links are permissions: no cache, no referrer, no guessing of types."""
        sent = headers()
        assert sent["Cache-Control"] == "no-store"
        assert sent["Referrer-Policy"] == "no-referrer"
        assert sent["X-Content-Type-Options"] == "nosniff"
        assert sent["Content-Type"] == "text/html; charset=utf-8"

    def test_nobody_changes_them_for_others(self) -> None:
        """Each caller has its own."""
        headers().clear()
        assert headers()
