"""A headless Chromium, and a server on the loopback that tells what was asked of it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium import webdriver

from scan_core.report.gate_page import headers

_CHROMIUM = Path("/usr/bin/chromium")
_DRIVER = Path("/usr/bin/chromedriver")
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Site:
    """Pages by path, served with the headers of the real ones, and the paths that were asked for."""

    pages: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def site() -> Iterator[Site]:
    """Serve pages until the test ends."""
    served = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            page = served.pages.get(self.path)
            self.send_response(200 if page else 404)
            for name, value in headers().items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Start one browser for all tests."""
    for needed in (_CHROMIUM, _DRIVER):
        if not needed.exists():
            pytest.skip(f"{needed} is absent: install chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = str(_CHROMIUM)
    for argument in (*_QUIET, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(_DRIVER)))
    yield driver
    driver.quit()


@dataclass
class Browser:
    """The browser at one site, in the size and colours a test wants."""

    driver: webdriver.Chrome
    site: Site

    def open(self, html: str, *, width: int = 1280, colours: str = "light") -> webdriver.Chrome:
        """Show a page."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": colours}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.site.pages["/page"] = html
        self.driver.get(f"{self.site.address}/page")
        return self.driver

    def complaints(self) -> list[str]:
        """Take what the browser has logged, such as what a policy stopped."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]  # published so
        return [entry["message"] for entry in entries]


@pytest.fixture
def browser(chromium: webdriver.Chrome, site: Site) -> Iterator[Browser]:
    """Give a test the browser with nothing left from the one before."""
    fresh = Browser(chromium, site)
    fresh.complaints()
    yield fresh
    chromium.get("about:blank")
