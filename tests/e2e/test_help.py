"""Help on a phone and on a desk, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.running import EMAIL, PASSWORD, Relay

pytestmark = pytest.mark.exhaustive  # it takes long

NAMES = sorted(path.stem for path in (Path(__file__).parents[2] / "docs").glob("*.md"))


@pytest.fixture
def reader(page: Page, shared_relay: Relay) -> Page:
    page.goto(shared_relay.url)
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("link", name="Help", exact=True)).to_have_attribute("href", "/help/")
    return page


@pytest.mark.browser
def test_no_page_is_wider_than_the_window(reader: Page, shared_relay: Relay) -> None:
    paths = [f"/help/{name}/" for name in NAMES if name != "index"] + ["/help/?q=time", "/help/filters/"]

    urls = [shared_relay.url + path for path in paths]
    wide = [url for url in urls for width in (360, 900, 1280) if _is_too_wide(reader, url, width)]

    assert wide == []


def _is_too_wide(page: Page, url: str, width: int) -> bool:
    if page.url != url:
        page.goto(url)
    page.set_viewport_size({"width": width, "height": 800})
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@pytest.mark.browser
def test_the_list_of_pages_folds_on_a_phone(reader: Page, shared_relay: Relay) -> None:
    reader.set_viewport_size({"width": 360, "height": 800})
    reader.goto(f"{shared_relay.url}/help/?q=time")
    filters = reader.get_by_role("navigation", name="Help pages").get_by_role("link", name="Filters")
    expect(filters).to_be_hidden()

    reader.get_by_text("All pages").click()
    filters.click()

    expect(reader.get_by_role("heading", name="Filters", level=1)).to_be_visible()
