"""The form of an action with rows and conditions, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from relay.engine.configuration import flow_lifecycle
from relay.models import Flow, Membership, Role, User, Workspace
from tests.e2e.test_first_flow import EMAIL, PASSWORD
from tests.support.offering import offer
from tests.support.shop import SHOP

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.exhaustive]  # it takes long


@pytest.fixture(autouse=True, scope="module")
def _loop_in_this_thread() -> Iterator[None]:
    """Playwright runs an event loop in the thread of the tests, where Django then refuses its database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield


@pytest.fixture
def flow(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Flow:
    offer(monkeypatch, SHOP)
    user = User.objects.create_user(EMAIL, PASSWORD)
    Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    step = {"id": "order", "kind": "action", "action": "shop.order", "inputs": {}}
    document = {"relay": 1, "name": "Orders", "trigger": {"kind": "webhook"}, "steps": [step]}
    return flow_lifecycle.create_flow(workspace, document)


@pytest.fixture
def editor(flow: Flow, live_server: object, page: Page) -> Page:
    page.goto(f"{live_server}/sign-in/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Flows")).to_be_visible()
    page.goto(f"{live_server}/flows/{flow.pk}/?step=order")
    return page


def is_saved(page: Page) -> None:
    expect(page.locator("#saved")).to_contain_text(re.compile(r"^\s*Saved"), timeout=30_000)


def test_a_choice_shows_what_it_asks_for_at_once_and_rows_are_added(editor: Page, flow: Flow) -> None:
    due = editor.locator('[name="in.due"]')
    expect(due).to_be_hidden()
    editor.get_by_label("Payment").select_option("invoice")
    expect(due).to_be_visible()
    due.fill("2026-01-31")
    editor.locator('[name="in.remind"]').select_option("true")
    expect(editor.locator('[name="in.at"]')).to_be_visible()
    editor.get_by_label("Payment").select_option("card")
    expect(due).to_be_hidden()
    expect(editor.locator('[name="in.at"]')).to_be_hidden()

    editor.locator('[name="in.items.0.name"]').fill("Pen")
    editor.get_by_role("button", name="Add this row").click()
    expect(editor.get_by_text("Row 1")).to_be_visible()
    editor.get_by_text("Another row").click()
    editor.locator('[name="in.items.1.unit"]').select_option("kilograms")
    editor.locator('[name="in.items.1.weight"]').fill("2.5")
    is_saved(editor)

    flow.refresh_from_db()
    inputs = flow.draft["steps"][0]["inputs"]
    assert inputs["due"] == "2026-01-31"
    assert inputs["items"] == [{"name": "Pen"}, {"unit": "kilograms", "weight": 2.5}]
