"""axe finds nothing on any page: light and dark, wide and on a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from django.urls import URLPattern, get_resolver
from playwright.sync_api import Browser, Page

from tests.e2e.test_safe_editing import make, note, sign_in
from tests.support.running import Relay, wait_until

# Pages that cannot be opened by their address alone, each with the reason.
NOT_OPENED = {
    **dict.fromkeys(("start", "setup", "reset", "join", "forgotten", "mfa_authenticate"), "for people not signed in"),
    **dict.fromkeys(("account_login", "mfa_login_webauthn", "account_inactive"), "for people not signed in"),
    **dict.fromkeys(("account_logout", "mfa_index", "authorized"), "they lead to another page"),
    **dict.fromkeys(("mfa_reauthenticate", "mfa_reauthenticate_webauthn", "mfa_deactivate_totp"), "without an app"),
    **dict.fromkeys(("mfa_view_recovery_codes", "mfa_generate_recovery_codes"), "without an app"),
    **dict.fromkeys(("mfa_edit_webauthn", "mfa_remove_webauthn"), "without a passkey"),
    **dict.fromkeys(("account_reauthenticate", "mfa_activate_totp", "mfa_add_webauthn"), "they ask for a password"),
    **dict.fromkeys(("arrivals", "data", "newer-runs", "changed-runs", "count-runs", "run-step"), "parts of pages"),
    **dict.fromkeys(("file", "export-audit", "api-root"), "downloads"),
    **dict.fromkeys(("issue", "batch", "rejection", "resume-flow"), "their rows are made by failures"),
    **dict.fromkeys(("start-flow", "many-runs", "remove-former-secrets"), "with other parameters"),
    **dict.fromkeys(("connection-access", "oauth-client", "subscription"), "for services with OAuth"),
}
MODES = [
    pytest.param(1280, "light", id="wide, light"),
    pytest.param(1280, "dark", id="wide, dark"),
    pytest.param(360, "light", id="phone, light"),
    pytest.param(360, "dark", id="phone, dark"),
]
pytestmark = pytest.mark.exhaustive  # each mode opens every page, which takes half a minute


@pytest.fixture(scope="module")
def relay(shared_relay: Relay) -> Relay:
    return shared_relay


@pytest.fixture(scope="module")
def addresses(browser: Browser, relay: Relay, cookies: list[Any]) -> dict[str, str]:
    """The address of every page by its URL's name; of the editor, one for each kind of card."""
    steps: list[dict[str, Any]] = [
        {"id": "f", "kind": "filter", "when": {"left": "{{ event.body.id }}", "op": "exists"}},
        {"id": "s", "kind": "set", "values": {"a": "{{ event.body.id }}"}},
        {"id": "d", "kind": "changed", "value": "{{ event.body.id }}"},
        note("Order {{ event.body.id }}"),
    ]
    flow, url = make(relay, *steps, publish=True)
    manual, _ = make(relay, note("x"), publish=True, trigger={"kind": "manual"})
    timed, _ = make(relay, note("x"), trigger={"kind": "schedule", "cron": "0 9 * * *"})
    draft, draft_url = make(relay, note("x"))
    for address in (url, draft_url):
        requests.post(address, json={"id": 1, "items": [{"a": 1}, {"a": 2}]}, timeout=10)
    run = wait_until(lambda: relay.json("runs", "--flow", str(flow), "--json"), what="a run")[0]["run"]
    event = {"method": "POST", "headers": {"content-type": "application/json"}, "body": {"id": 1}}
    relay.command("sample", "add", str(flow), "Approved", "--event", "-", given=json.dumps(event))
    hook = {"webhook_url": "https://hooks.slack.com/services/T000/B000/secret"}
    relay.command("connection", "set", "Axe", "slack", given=json.dumps(hook))
    relay.command("variable", "set", "axe", given="100")
    known = _rows(browser, relay, cookies, flow) | {"flow_id": flow, "run_id": run}
    known |= {"slug": "payment-outcome", "connector_key": "slack", "page": "steps", "form": "csv"}
    made = dict(_plain(known))
    made |= {f"flow {step}": f"/flows/{flow}/?step={step}" for step in ("f", "s", "d", "note", "flow")}
    made |= {"flow by hand": f"/flows/{manual}/", "schedule": f"/flows/{timed}/", "draft": f"/flows/{draft}/"}
    made |= {"start-flow": f"/flows/{manual}/start/", "many-runs": "/runs/many/?all=1", "found": "/help/?q=retry"}
    made |= {
        "dry run": f"/flows/{flow}/dry-run/?do=run&event=sample:{known['sample_id']}",
        "check": f"/flows/{flow}/dry-run/?do=check",
    }
    return made


def _rows(browser: Browser, relay: Relay, cookies: list[Any], flow: int) -> dict[str, Any]:
    """The ids of rows that only pages show, from their links."""
    context = browser.new_context()
    context.add_cookies(cookies)
    page = context.new_page()
    found = {}
    for part, address, name in [
        ("connection_id", "/connections/", "Axe"),
        ("variable_id", "/variables/", "axe"),
        ("sample_id", f"/flows/{flow}/samples/", "Approved"),
        ("event_id", "/inbox/captured/", "id: 1"),
    ]:
        page.goto(f"{relay.url}{address}")
        link = page.get_by_role("link", name=name, exact=part != "event_id").first.get_attribute("href") or ""
        found[part] = link.rstrip("/").rpartition("/")[2]
    context.close()
    return found


def _plain(known: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The addresses that need only what is known, of pages that can be opened."""
    from relay.web.auth.permissions import REQUIRED

    for pattern in get_resolver().url_patterns:
        assert isinstance(pattern, URLPattern)
        name, parts = str(pattern.name), pattern.pattern.converters
        if name not in NOT_OPENED and "GET" in REQUIRED[name] and parts.keys() <= known.keys():
            route = str(pattern.pattern)
            for part in parts:
                route = route.replace(f"<{_kind(route, part)}:{part}>", str(known[part]))
            yield name, f"/{route}"


def _kind(route: str, part: str) -> str:
    return route.partition(f":{part}>")[0].rpartition("<")[2]


@pytest.fixture(scope="module")
def cookies(browser: Browser, relay: Relay) -> list[Any]:
    page = browser.new_page()
    sign_in(page, relay)
    kept: list[Any] = page.context.cookies()
    page.close()
    return kept


@pytest.mark.parametrize(("width", "scheme"), MODES)
def test_axe_finds_nothing(
    page: Page, relay: Relay, cookies: list[Any], addresses: dict[str, str], width: int, scheme: Any
) -> None:
    page.context.add_cookies(cookies)
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    found = {}

    for name, address in addresses.items():
        answer = page.goto(f"{relay.url}{address}")
        assert answer is not None
        assert answer.status == 200, (name, answer.status)
        result = Axe().run(page, options={"resultTypes": ["violations"]})
        found[name] = [
            (one["id"], [node["html"][:150] for node in one["nodes"][:3]]) for one in result.response["violations"]
        ]

    assert {name: faults for name, faults in found.items() if faults} == {}
    assert len(found) > 40
