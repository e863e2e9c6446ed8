"""The first ten minutes with Relay, in a real browser against a real `relay up`."""

from __future__ import annotations

import re
from collections.abc import Callable

import requests
from playwright.sync_api import Page, expect
from pytest_httpserver import HTTPServer

from tests.support.running import EMAIL, PASSWORD, Relay


def test_from_the_set_up_link_to_a_delivered_order(
    page: Page, start_relay: Callable[..., Relay], httpserver: HTTPServer
) -> None:
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8")
    httpserver.expect_request("/orders", method="POST").respond_with_json({"taken": True}, status=201)

    _make_the_account(page, relay)
    _try_the_demo(page, relay)
    url = _build(page, relay, httpserver.url_for("/orders"))
    _publish(page)
    answer = requests.post(url, json={"id": 7, "total": 99, "customer": {"name": "Grace"}}, timeout=10)

    assert answer.status_code == 202
    _see_the_run(page, relay)
    request, _ = httpserver.log[0]
    assert request.get_json() == {"text": "Order 7 for Grace"}


def _make_the_account(page: Page, relay: Relay) -> None:
    page.goto(relay.setup_url)
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Flows")).to_be_visible()


def _try_the_demo(page: Page, relay: Relay) -> None:
    page.get_by_role("link", name="Demo").click()
    page.get_by_role("button", name=re.compile("Send a sample|Send to the URL")).first.click()
    page.get_by_role("button", name="Send it for real").click()
    expect(page.get_by_text("uses the live version")).to_be_visible()
    page.get_by_role("link", name="Inbox", exact=True).click()
    expect(page.get_by_text("Ada ordered for 149.90 EUR")).to_be_visible()


def _build(page: Page, relay: Relay, destination: str) -> str:
    """A filter and a request, with the live preview of both; the flow's URL."""
    page.goto(f"{relay.url}/flows/new/")
    page.get_by_label("What does it do?").fill("Orders to the warehouse")
    page.get_by_role("button", name="Create the flow", exact=True).click()
    expect(page.get_by_text("Waiting for the first event…")).to_be_visible()
    url = page.locator("#url").inner_text()
    requests.post(url, json={"id": 6, "total": 50, "customer": {"name": "Ada"}}, timeout=10)
    expect(page.locator("#data").get_by_text("customer", exact=True)).to_be_visible()
    _add_the_filter(page)
    _add_the_request(page, destination)
    return url


def _add_the_filter(page: Page) -> None:
    _add_a_step(page, "Filter")
    page.get_by_label("Value 1").click()
    page.locator("#data").get_by_role("button", name=re.compile("^total")).click()
    expect(page.get_by_label("Value 1")).to_have_value("{{ event.body.total }}")
    page.get_by_label("Comparison 1").select_option("greater_than")
    page.get_by_label("Compared with 1").fill("60")
    expect(page.get_by_text("This event would stop here")).to_be_visible()
    page.get_by_label("Compared with 1").fill("20")
    expect(page.get_by_text("This event would pass")).to_be_visible()


def _add_the_request(page: Page, destination: str) -> None:
    _add_a_step(page, "Action")
    page.get_by_role("button", name="Send a request").click()
    page.get_by_label("URL").fill(destination)
    page.get_by_label("Body", exact=True).first.select_option("json")
    body = page.locator("textarea[name='in.body.text']")
    body.fill('{"text": "Order {{ event.body.id }} for {{ event.body.customer.nam }}"}')
    expect(page.locator(".preview .missing")).to_contain_text("event.body.customer.nam is missing")
    page.get_by_role("button", name="Add a default").click()
    expect(body).to_have_value(re.compile(r"nam \| default"))
    body.fill('{"text": "Order {{ event.body.id }} for {{ event.body.customer.name }}"}')
    expect(page.locator("#would").get_by_text('"Order 6 for Ada"')).to_be_visible()


def _add_a_step(page: Page, kind: str) -> None:
    page.get_by_role("link", name=re.compile("^Add a step here")).last.click()
    page.get_by_role("button", name=re.compile(f"^{kind} ")).click()
    expect(page.locator(".card.is-open .card-name")).not_to_have_text("Webhook")


def _publish(page: Page) -> None:
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 1 is live")).to_be_visible()


def _see_the_run(page: Page, relay: Relay) -> None:
    page.get_by_role("link", name="Runs", exact=True).last.click()
    _until_listed(page, page.locator(".run-table tbody a").first.click)
    expect(page.get_by_text("Everything was delivered")).to_be_visible()
    expect(page.get_by_role("region", name="Request").get_by_text('"Order 7 for Grace"')).to_be_visible()
    expect(page.get_by_role("region", name="Answer").get_by_text('"taken"')).to_be_visible()


def _until_listed(page: Page, then: Callable[[], None]) -> None:
    """A run that came after the list was drawn is counted above it."""
    page.locator(".run-table tbody tr, #newer a").first.wait_for()
    if not page.locator(".run-table").is_visible():
        page.locator("#newer a").click()
    then()
