"""Tests that unsigned requests are refused, in whatever form."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.signatures import Scheme, Signature, verifier
from tests.signatures.conftest import NOW, base64_of, hex_of, request, verdict

BODY = b'{"id": 1}'
KEY = "s3cret-of-the-test"


def stripe(text: str) -> str:
    return verdict("stripe", request(BODY, {"stripe-signature": text}), [KEY]).reason


def signed_at(stamp: str) -> str:
    return f"t={stamp},v1={hex_of(KEY, stamp.encode() + b'.' + BODY)}"


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        "+1795000000",
        " 1795000000",
        "1_795_000_000",
        "1795000000.0",
        "-1",
        "1e9",
        "0x6afd",
        "17950000000000000",
        "١٧٩٥",
        "nan",
    ],
)
def test_a_timestamp_is_digits_alone(stamp: str) -> None:
    reason = stripe(f"t={stamp},v1={hex_of(KEY, stamp.encode() + b'.' + BODY)}")

    assert reason.startswith("The timestamp is not a number of" if stamp else "The signature's field t is missing")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (signed_at("1795000000"), ""),
        (signed_at("1794999700"), ""),
        (signed_at("1794999699"), "It was sent 301 s ago; 300 s are allowed"),
        (f"t=1795000000,{signed_at('1795000000')}", "t appears more than once"),
        ("t=1795000000,v1=" + "0" * 64, "The signature does not match"),
        ("t=1795000000,v1=" + "0" * 63, "The header stripe-signature holds no signature that can be read"),
        ("t=1795000000,v1= " + "0 " * 64, "The header stripe-signature holds no signature that can be read"),
        ("", "The header stripe-signature is missing"),
        (",=,,==", "The signature's field t is missing, which says when it was sent"),
    ],
)
def test_a_list_of_signatures(text: str, reason: str) -> None:
    assert stripe(text) == reason


def test_of_many_signatures_any_may_match_and_no_more_than_a_hundred_are_read() -> None:
    right = hex_of(KEY, b"1795000000." + BODY)
    wrong = ",".join(f"v1={number:064x}" for number in range(5_000))

    assert stripe(f"t=1795000000,v1={right},{wrong}") == ""
    assert stripe(f"t=1795000000,{wrong},v1={right}") == "The signature does not match"


def test_a_million_signatures_are_not_all_read() -> None:
    assert stripe("t=1795000000," + "v1=00," * 1_000_000) == "The signature does not match"


@pytest.mark.parametrize("secret", [[], [""], [" "], [{}], [{"secret": ""}], [{"other": KEY}], [None]])
@pytest.mark.parametrize("name", ["github", "shared_secret_header", "basic_auth", "standard_webhooks", "hubspot_v2"])
def test_an_empty_secret_is_none(name: str, secret: list[Any]) -> None:
    headers = {
        "x-hub-signature-256": "sha256=" + hex_of("", BODY),
        "x-gitlab-token": "",
        "authorization": "Basic Og==",
        "webhook-id": "1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": "v1," + base64_of(b"", b"1.1795000000." + BODY),
        "x-hubspot-signature-version": "v2",
    }

    found = verdict(name, request(BODY, headers), [one for one in secret if one is not None])

    assert found.reason == "No secret is stored that can be used; without one everything is refused"


@pytest.mark.parametrize("key", ["whsec_", "whsec_!!", "whsec_é", "not base64 at all"])
def test_a_secret_that_is_no_key_refuses(key: str) -> None:
    assert not verdict("standard_webhooks", request(BODY), [key]).valid


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.rstrip("="),
        lambda text: text + "=",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text.replace("=", "==="),
        lambda text: text[:-2] + chr(ord(text[-2]) + 1) + "=",  # the same bytes, written otherwise
        lambda text: text + "é",
    ],
)
def test_base64_is_written_in_one_way(change: Any) -> None:
    right = base64_of(KEY.encode(), BODY)

    assert verdict("shopify", request(BODY, {"x-shopify-hmac-sha256": right}), [KEY]).valid
    assert not verdict("shopify", request(BODY, {"x-shopify-hmac-sha256": change(right)}), [KEY]).valid


def test_the_host_header_is_not_what_is_signed() -> None:
    signature = base64_of(KEY.encode(), b"https://evil.example/in/abc123" + BODY)
    headers = {"x-square-hmacsha256-signature": signature, "host": "evil.example", "x-forwarded-host": "evil.example"}

    assert not verdict("square", request(BODY, headers), [KEY]).valid


@pytest.mark.parametrize(
    ("signed", "url"),
    [
        ("https://relay.example.com/in/x?a=1", "https://relay.example.com/in/x?a=1"),
        ("https://relay.example.com:443/in/x?a=1", "https://relay.example.com/in/x?a=1"),
        ("https://relay.example.com/in/x?a=1", "https://relay.example.com:443/in/x?a=1"),
        ("http://relay.example.com:80/in/x", "http://relay.example.com/in/x"),
    ],
)
def test_a_url_is_signed_with_or_without_its_usual_port(signed: str, url: str) -> None:
    headers = {"x-twilio-signature": base64_of(KEY.encode(), signed.encode() + b"A1B2", "sha1")}

    assert verdict("twilio_form", request(b"B=2&A=1", headers, url=url), [KEY]).valid


@pytest.mark.parametrize(
    ("body", "content_type", "valid"),
    [
        (b"A=1&B=2", "application/x-www-form-urlencoded", True),
        (b"B=2&A=1", "application/x-www-form-urlencoded; charset=utf-8", True),
        (b"A=1&A=1&B=2", "application/x-www-form-urlencoded", True),
        (b"A=1&A=3&B=2", "application/x-www-form-urlencoded", False),
        (b"A1B2", "application/json", False),
        (b"A1B2", "text/plain", False),
        (b"&".join(b"A=1" for _ in range(2_000)), "application/x-www-form-urlencoded", False),
    ],
)
def test_a_form_that_is_signed(body: bytes, content_type: str, valid: bool) -> None:
    signature = base64_of(KEY.encode(), b"https://relay.example.com/in/abc123A1B2", "sha1")
    headers = {"x-twilio-signature": signature, "content-type": content_type}

    assert verdict("twilio_form", request(body, headers), [KEY]).valid is valid


def adyen(*items: Any) -> bytes:
    return json.dumps({"notificationItems": list(items)}).encode()


def item(**changed: Any) -> dict[str, Any]:
    fields = {"pspReference": "1", "eventCode": "AUTHORISATION", "success": "true", **changed}
    signature = base64_of(bytes.fromhex("ab" * 32), b"1:::::" + b":AUTHORISATION:true")
    return {"NotificationRequestItem": {**fields, "additionalData": {"hmacSignature": signature}}}


@pytest.mark.parametrize(
    ("body", "valid"),
    [
        (adyen(item()), True),
        (adyen(item(), item()), True),
        (adyen(item(), item(success="false")), False),
        (adyen(), False),
        (adyen(item(), {}), False),
        (adyen(item(), None), False),
        (adyen(*[item()] * 1_001), False),
        (b"{}", False),
        (b"[]", False),
        (b"[" * 100_000, False),
        (b"", False),
        (b"\xff\xfe", False),
    ],
)
def test_every_element_must_verify(body: bytes, valid: bool) -> None:
    assert verdict("adyen_standard", request(body), ["ab" * 32]).valid is valid


def test_a_repeated_form_field_is_refused() -> None:
    body = b"bt_signature=a%7Cbb&bt_payload=x&bt_payload=y"

    found = verdict("braintree", request(body), [{"public_key": "a", "private_key": "b"}])

    assert found.reason == "bt_payload appears more than once"


@pytest.mark.parametrize("signed", ["{nothing}", "{header:}", "{cookie:a}", "{body"])
def test_a_template_that_names_nothing(signed: str) -> None:
    scheme = Scheme(kind="hmac", signature=Signature("header:x"), signed=signed)

    if signed == "{body":
        assert not verifier(scheme).verify(request(), [KEY], NOW).valid
    else:
        with pytest.raises(ValueError, match=r"no source|names nothing"):
            verifier(scheme)


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("Basic dTpw", True),
        ("basic dTpw", True),
        ("Basic  dTpw", True),
        ("dTpw", False),
        ("Basic dTpx", False),
        ("Basic dTpw=", False),
        ("Bearer dTpw", False),
        ("Basic é", False),
        ("Basic", False),
    ],
)
def test_basic(value: str, valid: bool) -> None:
    headers = {"authorization": value}

    assert verdict("basic_auth", request(BODY, headers), [{"username": "u", "password": "p"}]).valid is valid
    assert verdict("basic_auth", request(BODY, headers), ["x:y", "u:p"]).valid is valid


def test_a_key_that_names_who_signed_must_be_the_secrets() -> None:
    headers = {"x-pusher-key": "other", "x-pusher-signature": hex_of(KEY, BODY)}

    assert not verdict("pusher", request(BODY, headers), [{"key": "pk", "secret": KEY}]).valid
    assert verdict("pusher", request(BODY, headers), [{"key": "other", "secret": KEY}]).valid


def test_a_secret_in_unicode_is_signed_with_in_its_compatible_form() -> None:
    headers = {"x-hmac-signature": "hmac-sha256-hex=" + hex_of("re\u0301sume\u0301 1", BODY)}

    assert verdict("easypost", request(BODY, headers), ["résumé １"]).valid


@pytest.mark.parametrize(
    "name", ["linear", "mailgun", "dropbox_sign", "graph_client_state", "aws_sns", "graph_rich", "adyen_standard"]
)
@pytest.mark.parametrize(
    "value", ["[]", "{}", "null", "true", "1e400", "-1", "9" * 5_000, '"\\ud800"', '"x"', "[[[]]]", '{"a": {"b": []}}']
)
def test_odd_json_is_refused_and_breaks_nothing(name: str, value: str) -> None:
    keys = ("webhookTimestamp", "signature", "event", "value", "Type", "validationTokens", "notificationItems")
    inner = '{"timestamp": %s, "token": %s, "signature": %s, "event_hash": %s, "clientState": %s}' % ((value,) * 5)
    for part in (value, inner, f"[{inner}]"):
        body = ("{" + ", ".join(f'"{key}": {part}' for key in keys) + "}").encode()
        headers = {"linear-signature": "00" * 32}

        assert not verdict(name, request(body, headers), [{"secret": KEY, "topic_arn": "a", "app_id": "a"}]).valid
        assert not verdict(name, request(b"json=" + body, headers), [KEY]).valid


def test_a_secret_of_another_account_leaves_the_next_one_its_turn() -> None:
    sent_request = request(BODY, {"x-pusher-key": "new", "x-pusher-signature": hex_of(KEY, BODY)})
    old, new = {"key": "old", "secret": "another"}, {"key": "new", "secret": KEY}

    assert verdict("pusher", sent_request, [old, new]).valid
    assert verdict("pusher", sent_request, [old]).reason == "The header x-pusher-key is not what it must be"


@pytest.mark.parametrize("identity", ["msg_1.1795000000", "msg.1", "."])
def test_an_id_with_the_sign_that_ends_it_is_refused(identity: str) -> None:
    """Else a body with `.1795000000.a=b` in it could be divided into another id, time and body."""
    written = f'{identity}.1795000000.a=b"}}'.encode()
    headers = {
        "webhook-id": identity,
        "webhook-timestamp": "1795000000",
        "webhook-signature": f"v1,{base64_of(b'secret', written)}",
    }

    found = verdict("standard_webhooks", request(b'a=b"}', headers), ["whsec_c2VjcmV0"])

    assert found.reason == "The header webhook-id has a . in it, which ends it in what is signed"


@pytest.mark.parametrize(
    "body",
    [
        {"notificationItems": {"NotificationRequestItem": {}}},
        {"notificationItems": [{"NotificationRequestItem": [{}]}]},
        {"notificationItems": [[{"NotificationRequestItem": {}}]]},
        {"notificationItems": []},
        [{"notificationItems": []}],
    ],
)
def test_elements_are_where_they_are_said_to_be(body: Any) -> None:
    """In another shape they would verify, and the flow and the key of what comes twice would find nothing."""
    item = {"additionalData": {"hmacSignature": base64_of(b"k" * 16, b":::::::")}}
    written = json.dumps(body).replace("{}", json.dumps(item)).encode()

    assert not verdict("adyen_standard", request(written), [(b"k" * 16).hex()]).valid
    right = json.dumps({"notificationItems": [{"NotificationRequestItem": item}]}).encode()
    assert verdict("adyen_standard", request(right), [(b"k" * 16).hex()]).valid
