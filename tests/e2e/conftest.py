"""A real browser: Debian's Chromium, driven by playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

expect.set_options(timeout=15_000)  # a machine may be busy

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium() -> str:
    """The path of a Chromium; skips the test where there is none, unless one is required."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        reason = "no Chromium on this machine: install the package chromium"
        if os.environ.get("RELAY_TEST_BROWSER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@dataclass
class Console:
    """What the console of `page` complains about. A test that breaks the network on purpose sets `is_broken`."""

    complaints: list[str] = field(default_factory=list)
    is_broken: bool = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Generator[None]:
    """Close the page when the test is over: its server may end before it, and the page would still ask it."""
    try:
        yield
    finally:
        if "page" in item.funcargs:
            item.funcargs["page"].close()


@pytest.fixture
def console() -> Console:
    return Console()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module: a session's would run an event loop under tests that use the database."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, console: Console) -> Iterator[Page]:
    """A page with cookies and storage of its own; what its console complains about fails the test."""
    complaints = console.complaints
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(15_000)
    yield page
    context.close()
    assert console.is_broken or complaints == []
