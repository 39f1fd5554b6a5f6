"""The gate page as people meet it: on a phone, in the dark, by keyboard; and as an attacker wants it."""

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from scan_core.model.finding import FoundSecret
from scan_core.model.verdict import Outcome, ReasonCode
from scan_core.report.gate_page import GatePage, error_page, gate_page
from tests.report.builders import (
    concluded_scan,
    decided,
    failed_image_page,
    failed_page,
    finding,
    gate,
    page,
    reason,
    verdict,
)

if TYPE_CHECKING:
    from tests.browser.conftest import Browser

pytestmark = pytest.mark.browser

WIDTHS = [320, 390, 768, 1280]


def hostile(address: str) -> str:
    """Write what would act, or ask the site for something, if it were taken for markup."""
    return (
        f'"\'></style></title><script>document.title="taken";fetch("{address}/stolen")</script>'
        f'<img src="{address}/stolen" onerror=\'document.title="taken"\'>'
        f'<svg onload=\'document.title="taken"\'></svg><link rel=stylesheet href="{address}/stolen">'
        f'<meta http-equiv=refresh content="0;url={address}/stolen"><base href="{address}/stolen/">'
    )


def hostile_page(address: str) -> GatePage:
    """Build a page whose every foreign text is hostile."""
    text = hostile(address)
    why = reason(text)
    found = finding(
        qid=text,
        package=text,
        installed_version=text,
        path=text,
        title=text,
        cves=(text,),
        fixed_version=text,
        layer_command=text,
    )
    whole = verdict(Outcome.FAILED, why, findings=(found,), secrets=(FoundSecret(kind=text, path=text),))
    return page(decided(Outcome.FAILED, why), concluded_scan(), verdict=whole)


def long_page() -> GatePage:
    """Build a page with words that do not end."""
    endless = "x" * 290
    found = finding(
        package=endless,
        installed_version=endless,
        path=endless,
        title=endless,
        fixed_version=endless,
        layer_command=endless,
    )
    why = reason(endless)
    whole = verdict(Outcome.FAILED, why, findings=(found,), secrets=(FoundSecret(kind=endless, path=endless),))
    return page(decided(Outcome.FAILED, why), concluded_scan(), verdict=whole)


class TestSmallScreens:
    @pytest.mark.parametrize("width", WIDTHS)
    @pytest.mark.parametrize("of", ["failed", "images", "long", "error"])
    def test_the_page_does_not_scroll_sideways(self, browser: "Browser", width: int, of: str) -> None:
        """Whatever the width, and whatever stands in it."""
        pages = {
            "failed": gate_page(failed_page()),
            "images": gate_page(failed_image_page()),
            "long": gate_page(long_page()),
            "error": error_page(403, "This link does not open", "Open the status on the pull request again."),
        }
        driver = browser.open(pages[of], width=width)
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width

    def test_findings_become_cards(self, browser: "Browser") -> None:
        """On a phone each value has its name beside it, and is still a cell of a table."""
        driver = browser.open(gate_page(failed_page()), width=390)
        cell = driver.find_element(By.CSS_SELECTOR, "#findings ~ table td[data-label='Fixed in']")
        label = driver.execute_script("return getComputedStyle(arguments[0], '::before').content", cell)
        assert label == '"Fixed in"'
        assert cell.aria_role == "cell"

    def test_buttons_can_be_hit(self, browser: "Browser") -> None:
        """At least 24 by 24 pixels (WCAG 2.2, 2.5.8); these are larger."""
        driver = browser.open(gate_page(failed_page()), width=390)
        for button in driver.find_elements(By.CLASS_NAME, "button"):
            assert button.size["height"] >= 40


class TestImages:
    @pytest.mark.parametrize("width", [390, 1280])
    @pytest.mark.parametrize("colours", ["light", "dark"])
    def test_each_is_told_with_what_was_found_in_it(self, browser: "Browser", width: int, colours: str) -> None:
        """The worst first; on a phone each value has its name beside it."""
        driver = browser.open(gate_page(failed_image_page()), width=width, colours=colours)
        rows = driver.find_elements(By.CSS_SELECTOR, "#images ~ table tbody tr")
        assert [row.find_element(By.TAG_NAME, "th").text for row in rows] == [
            "contoso.azurecr.io/team/app:17",
            "contoso.azurecr.io/team/app:17",
            "contoso.azurecr.io/team/web:17",
        ]
        cells = [cell.text for cell in rows[0].find_elements(By.TAG_NAME, "td")]
        assert cells == ["sha256:aaaaaaaaaaaa…", "linux/amd64", "17", "2 critical, 1 low"]
        assert rows[0].find_element(By.TAG_NAME, "code").get_attribute("title") == f"sha256:{'a' * 64}"
        assert browser.complaints() == []

    def test_a_finding_leads_to_its_layer(self, browser: "Browser") -> None:
        """And to the image it is in."""
        driver = browser.open(gate_page(failed_image_page()))
        where = driver.find_element(By.CSS_SELECTOR, "#findings ~ table td[data-label='Where']").text
        assert where.startswith("app/service.jar\nin layer sha256:dddddddddddd…\nRUN apt-get update")
        assert where.endswith("in team/app (linux/amd64)")


class TestHostileText:
    def test_nothing_acts_and_nothing_is_asked_for(self, browser: "Browser") -> None:
        """Every text of a finding, a secret and a reason tries to act."""
        driver = browser.open(gate_page(hostile_page(browser.site.address)))
        assert driver.title.startswith("Failed: pull request 12")
        assert driver.current_url.endswith("/page")
        assert [path for path in browser.site.asked if path != "/page"] == []
        assert browser.complaints() == []
        assert "<script>" in driver.find_element(By.TAG_NAME, "table").text

    def test_even_markup_that_got_in_is_stopped(self, browser: "Browser") -> None:
        """The policy alone would hold: no script runs, no picture, style sheet or font is fetched."""
        address = browser.site.address
        injected = (
            f"<script>document.title='taken'</script><img src='{address}/stolen' onerror=\"document.title='taken'\">"
            f"<link rel=stylesheet href='{address}/stolen'><iframe src='{address}/stolen'></iframe>"
            "<style>h1 { display: none }</style><main"
        )
        driver = browser.open(gate_page(failed_page()).replace("<main", injected))
        assert driver.title.startswith("Failed")
        assert driver.find_element(By.TAG_NAME, "h1").is_displayed()
        assert set(browser.site.asked) == {"/page"}

    def test_the_pages_own_style_is_let_in(self, browser: "Browser") -> None:
        """The hash in the policy is the one of the style sheet."""
        driver = browser.open(gate_page(failed_page()))
        assert ground(driver) == "rgb(244, 246, 248)"
        assert browser.complaints() == []


class TestColours:
    @pytest.mark.parametrize(
        ("colours", "page_ground", "ink"),
        [("light", "rgb(244, 246, 248)", "rgb(26, 32, 39)"), ("dark", "rgb(14, 19, 24)", "rgb(231, 237, 243)")],
    )
    def test_by_the_readers_choice(self, browser: "Browser", colours: str, page_ground: str, ink: str) -> None:
        """Light and dark as the system says."""
        driver = browser.open(gate_page(failed_page()), colours=colours)
        assert ground(driver) == page_ground
        assert driver.execute_script("return getComputedStyle(document.body).color") == ink

    def test_the_state_is_said_in_words_too(self, browser: "Browser") -> None:
        """Neither verdict nor severity nor what blocks is told by colour alone."""
        driver = browser.open(gate_page(failed_page()))
        assert driver.find_element(By.TAG_NAME, "h1").text == "Failed"
        assert driver.find_element(By.CLASS_NAME, "badge").text == "Critical"
        assert driver.find_element(By.CLASS_NAME, "mark").text == "✕ Blocks"


class TestKeyboard:
    def test_the_order_of_focus(self, browser: "Browser") -> None:
        """The skip link, what to do, then the links in reading order, each with a visible outline."""
        driver = browser.open(gate_page(failed_page()))
        links = driver.find_elements(By.TAG_NAME, "a")
        for link in links:
            driver.switch_to.active_element.send_keys(Keys.TAB)
            assert driver.switch_to.active_element == link
            style = driver.execute_script("return getComputedStyle(arguments[0]).outlineStyle", link)
            assert style == "solid"
        assert [link.text for link in links[1:3]] == ["Open the pull request", "Verdict as JSON"]

    def test_the_skip_link(self, browser: "Browser") -> None:
        """Out of sight until it is reached, and it leads to the content."""
        driver = browser.open(gate_page(failed_page()))
        skip = driver.find_element(By.CLASS_NAME, "skip")
        assert top(driver, skip) < 0
        driver.switch_to.active_element.send_keys(Keys.TAB)
        assert top(driver, skip) >= 0
        skip.send_keys(Keys.ENTER)
        assert driver.switch_to.active_element.get_attribute("id") == "main"


def test_pending_renews_itself(browser: "Browser") -> None:
    """The browser knows the refresh, and the policy lets it."""
    driver = browser.open(gate_page(page(gate())))
    refresh = driver.find_element(By.CSS_SELECTOR, "meta[http-equiv=refresh]")
    assert refresh.get_attribute("content") == "10"
    assert browser.complaints() == []


def test_an_error_without_a_scan_can_be_read(browser: "Browser") -> None:
    """A stranger learns what happened and what to do."""
    why = reason(".scangate.yml line 4: unknown key 'max_critcal'", code=ReasonCode.RULES_UNREADABLE)
    driver = browser.open(gate_page(page(decided(Outcome.ERROR, why))), width=390)
    seen = driver.find_element(By.TAG_NAME, "main").text
    assert "unknown key 'max_critcal'" in seen
    assert "Correct .scangate.yml on the target branch" in seen
    assert "Nothing was scanned for this gate." in seen


def ground(driver: Any) -> str:
    """Return the colour the page stands on."""
    return str(driver.execute_script("return getComputedStyle(document.body).backgroundColor"))


def top(driver: Any, element: Any) -> float:
    """Return where an element begins in the window."""
    return float(driver.execute_script("return arguments[0].getBoundingClientRect().top", element))
