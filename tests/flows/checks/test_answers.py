"""Tests which headers an answer of a flow may carry: written, rendered, or from another process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relay import ingest as ingest_package
from relay.connectors import registry
from relay.errors import DocumentFaults, RelayError
from relay.flows.checks.answers import ALLOWED, check_answer, is_allowed, sendable_headers
from relay.flows.checks.validation import parse_document, self_redirect_faults

OWN = (
    "relay.example.com",
    "hooks.example.com",
    ".inner.example",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "xn--rlay-bpa.example",
)
# What browsers keep for an origin, load, or do by it; what proxies and caches do by it; what is Relay's own to say.
REFUSED = (
    "NEL", "nel", "Report-To", "Reporting-Endpoints", "Alt-Svc", "Set-Cookie", "Set-Cookie2", "Clear-Site-Data",
    "Strict-Transport-Security", "Public-Key-Pins", "Expect-CT", "Expect-Staple", "WWW-Authenticate",
    "Proxy-Authenticate", "Authentication-Info", "Refresh", "Link", "Content-Location", "SourceMap", "Origin-Trial",
    "Service-Worker-Allowed", "Set-Login", "Accept-CH", "Critical-CH", "Accept-CH-Lifetime", "Permissions-Policy",
    "Feature-Policy", "Document-Policy", "Origin-Agent-Cluster", "Origin-Policy", "Use-As-Dictionary", "No-Vary-Search",
    "Available-Dictionary", "Speculation-Rules", "Supports-Loading-Mode", "Attribution-Reporting-Register-Source",
    "Observe-Browsing-Topics", "Shared-Storage-Write", "Sec-Session-Registration", "Sec-Session-Challenge",
    "Ad-Auction-Allowed", "Activate-Storage-Access", "Content-Security-Policy", "Content-Security-Policy-Report-Only",
    "Cross-Origin-Opener-Policy", "Cross-Origin-Embedder-Policy", "Cross-Origin-Resource-Policy", "Referrer-Policy",
    "Timing-Allow-Origin", "Server-Timing", "Access-Control-Allow-Private-Network", "Access-Control-Request-Headers",
    "Integrity-Policy", "Signature", "Sunset", "Large-Allocation", "Tk", "P3P", "Pragma", "Age", "Warning", "Date",
    "Server", "Via", "Allow", "Status", "Trailer", "Content-Encoding", "Content-Range", "Accept-Ranges", "Early-Data",
    "Surrogate-Control", "Surrogate-Key", "CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Edge-Control",
    "Cache-Tag", "Cache-Status", "Clear-Cache", "Remote-User", "Forwarded", "Relay-Event", "Relay-State", "Relay-Hops",
    "X-Accel-Redirect", "X-Accel-Expires", "X-Accel-Buffering", "X-Accel-Limit-Rate", "X-Sendfile", "X-SENDFILE",
    "X-Sendfile-Temporary", "X-LIGHTTPD-send-file", "X-LiteSpeed-Location", "X-LSADC-Backend", "X-Reproxy-URL",
    "X-AppEngine-BlobKey", "X-Archive-Files", "X-Archive-Charset", "X-Hiawatha-Cache",
    "X-Envoy-Immediate-Health-Check-Fail", "X-Middleware-Rewrite", "X-Forwarded-Proto",
    "X-Frame-Options", "X-Content-Type-Options", "X-XSS-Protection", "X-DNS-Prefetch-Control", "X-UA-Compatible",
    "X-Permitted-Cross-Domain-Policies", "X-WebKit-CSP", "X-Content-Security-Policy", "X-SourceMap", "X-Original-URL",
    "X_Accel_Redirect", "X-Accel_Redirect", "X", "X-", "X--A", "X-A-", "X.Y", "N\u0415L", "", " NEL", "NEL ", "NEL:",
    "X-A\r\nNEL", "X-A\nNEL", "Content-Type\r\nNEL", "location ", "Cache-Control\t", "Content_Type",
)  # fmt: skip
TAKEN = (
    "Content-Type",
    "CACHE-CONTROL",
    "etag",
    "X-Request-Id",
    "x-ratelimit-remaining",
    "X-Hook-Secret",
    "X-A",
    "x-1",
)
HOME = (
    "/account/", "account", "//relay.example.com/", "///relay.example.com/", "\\\\relay.example.com\\",
    "/\\evil.example",
    "https://relay.example.com", "https://relay.example.com/account/", "HTTPS://RELAY.EXAMPLE.COM/x", "?x", "#x", "",
    "http://relay.example.com/", "https://relay.example.com:443/", "http://relay.example.com:8000/",
    "https:/x", "https:x",
    "https://relay.example.com.", "https://relay.example.com./x", "https://ann:pw@relay.example.com/", "https:///x",
    "https://evil.example@relay.example.com/", "https://relay.example.com@evil.example/", "https://@relay.example.com",
    "https:\\\\relay.example.com/", "https://evil.example\\@relay.example.com/", "https:/relay.example.com/",
    "https://%72elay.example.com/", "https://relay%2eexample.com/", "https://relay.example.com%2f@evil.example",
    "https://relay.example.com?x", "https://relay.example.com#x", "https://hooks.example.com/in/x",
    "https://a.inner.example/", "http://localhost:3000/", "http://127.0.0.1/", "http://127.1/", "http://2130706433/",
    "http://0x7f.1/", "http://017700000001/", "http://[::1]/", "http://[0:0::1]:8000/", "https://r\xe9lay.example/",
    "https://xn--rlay-bpa.example/", "https://rel\xaday.example.com/", " https://relay.example.com/", "javascript:x",
    "\thttps://relay.example.com/", "https://rel\tay.example.com/", "https://relay.example.com:/", "data:text/html,x",
    "https://relay.example.com:0443/", "https://relay.example.com /", "blob:https://relay.example.com/x", "HTTP://LOCALHOST",
)  # fmt: skip
ELSEWHERE = (
    "https://example.com/thanks?a=1#done", "http://shop.example:8080/", "https://relay.example.com.evil.example/",
    "https://evil.example/?next=https://relay.example.com/", "https://notinner.example/", "https://b\xfccher.example/",
)  # fmt: skip


def document(headers: dict[str, str], kind: str) -> dict[str, Any]:
    if kind == "static":
        trigger = {"kind": "webhook", "response": {"headers": headers}}
        return {"relay": 1, "name": "F", "trigger": trigger, "steps": []}
    inner = {"id": "say", "kind": "respond", "headers": headers}
    loop = {"id": "each", "kind": "loop", "over": [1], "steps": [inner]}
    return {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [loop]}


def faults(headers: dict[str, str], kind: str) -> list[str]:
    try:
        return [str(fault) for fault in self_redirect_faults(parse_document(document(headers, kind)), OWN)]
    except DocumentFaults as error:
        return [str(fault) for fault in error.faults]


PLACES = {"static": "trigger.response.headers", "rendered": "steps[0].steps[0].headers"}


@pytest.mark.parametrize("name", REFUSED)
def test_a_header_that_is_not_listed_is_refused_with_its_place(name: str) -> None:
    for kind, place in PLACES.items():
        (found,) = faults({name: "x"}, kind)
        assert found.startswith(place)
    assert sendable_headers({name: "x"}, OWN) == {}
    with pytest.raises(RelayError):
        check_answer({name: "x"}, OWN)


def test_a_name_is_refused_whatever_its_value_is_made_of() -> None:
    found = faults({"NEL": "{{ event.body.x }}", "X-A": "{{ event.body.x }}"}, "rendered")

    assert [one.partition(":")[0] for one in found] == [f"{PLACES['rendered']}.NEL"]


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("name", [*TAKEN, *sorted(ALLOWED - {"content-type", "location"})])
def test_a_header_that_is_listed_is_taken(name: str, kind: str) -> None:
    value = "text/plain" if name == "Content-Type" else "x"

    assert faults({name: value}, kind) == []
    assert sendable_headers({name: value}, OWN) == {name.lower(): value}


@pytest.mark.parametrize("value", HOME)
def test_no_location_leads_to_relay_itself(value: str) -> None:
    for name in ("Location", "LOCATION"):
        assert all(len(faults({name: value}, kind)) == 1 for kind in PLACES)
        assert sendable_headers({name: value, "X-A": "b"}, OWN) == {"x-a": "b"}
        with pytest.raises(RelayError):
            check_answer({name: value}, OWN)


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("value", ELSEWHERE)
def test_a_location_leads_elsewhere(value: str, kind: str) -> None:
    assert faults({"Location": value}, kind) == []
    assert sendable_headers({"Location": value}, OWN) == {"location": value}


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("text/html; charset=utf-8", True),
        ("application/vnd.api+json", True),
        ("image/png", True),
        ("multipart/x-mixed-replace; boundary=x", False),
        ("Multipart/Related", False),
        ("message/http", False),
        ("text/plain, multipart/x-mixed-replace;boundary=x", False),
        ("text/plain;a=b,multipart/x-mixed-replace;boundary=x", False),
        ("text", False),
        ("", False),
    ],
)
def test_content_types_are_one_media_type_without_parts(value: str, is_one: bool, kind: str) -> None:
    assert (faults({"content-type": value}, kind) == []) is is_one
    assert (sendable_headers({"content-type": value}, OWN) == {"content-type": value}) is is_one


def test_what_is_too_much_is_left_out_whole() -> None:
    assert sendable_headers({f"X-{number}": "a" for number in range(101)}, OWN) == {}
    assert sendable_headers({"X-A": "a" * 40_000, "X-B": "b"}, OWN) == {"x-b": "b"}


def test_names_are_taken_in_any_case() -> None:
    assert {name for name in ALLOWED if is_allowed(name.upper()) and is_allowed(name.title())} == ALLOWED


def test_handshakes_of_all_presets_answer_with_listed_headers() -> None:
    handshakes = [one for _, preset in registry.presets().values() for one in preset.handshakes]

    names = {name for one in handshakes for name in one.respond.headers}

    assert names
    assert {name for name in names if not is_allowed(name)} == set()


def test_one_function_turns_headers_of_flows_into_those_that_are_sent() -> None:
    """Any other place in ingest that sends headers has to use `sendable_headers` as well."""
    ingest = Path(ingest_package.__file__).parent

    users = {path.name for path in ingest.glob("*.py") if 'name.encode("latin-1")' in path.read_text()}

    assert users == {"responses.py"}
