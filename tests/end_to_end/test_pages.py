"""The report in headless Chromium: axe-core, a phone, the keyboard. `make browser` installs what it needs."""

import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "unit"))
from sample_run import write_run

from gome.report.follow import ReportServer
from gome.report.page import write_report

pytest.importorskip("playwright", reason="needs make browser")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs make browser")]

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(write_run(tmp_path_factory.mktemp("runs") / "churn")).resolve().as_uri()


def opened(browser: Browser, address: str, width: int, scheme: str = "light") -> Page:
    # axe-core is a script, which the page's own policy would not let in.
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)  # type: ignore[arg-type]
    page.goto(address)
    return page


@pytest.mark.parametrize(("width", "scheme"), [(1100, "light"), (390, "dark")])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    browser: Browser, address: str, width: int, scheme: str
) -> None:
    page = opened(browser, address, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert [v["id"] for v in Axe().run(page).response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_keyboard_reaches_a_step_from_the_lineage_and_opens_it(browser: Browser, address: str) -> None:
    page = opened(browser, address, 1100)
    assert page.locator("details.step[open]").count() == 0
    page.locator("svg.lineage a").first.focus()
    page.keyboard.press("Enter")
    first = page.locator("details.step").first
    assert first.get_attribute("open") is not None
    first.locator("> summary").focus()
    page.keyboard.press("Enter")
    assert first.get_attribute("open") is None


def test_a_followed_report_renews_itself_and_leaves_open_what_is_open(
    browser: Browser, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "churn", finished=False, steps=6)
    with ReportServer(run) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(server.address)
        assert page.locator("details.step").count() == 6
        page.locator("details.step > summary").nth(2).click()
        write_run(tmp_path / "later", finished=False, steps=8)
        (run / "history.jsonl").write_text((tmp_path / "later" / "history.jsonl").read_text())
        page.locator("details.step").nth(7).wait_for()
        assert page.locator("details.step[open]").evaluate_all(
            "all => all.map(d => d.querySelector('[id]').id)"
        ) == ["step-0-1"]
        server.shutdown()
