import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from relay.masking import MASK, mask, masked, masked_json
from relay.redaction import MAX_BODY, answer_record, inbound_headers, request_record

SECRET = 'pä ss/w"o+rd=1'


@dataclass(frozen=True)
class Sent:
    method: str = "POST"
    url: str = "https://h.example/"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Received:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncated: bool = False


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET).replace("/", "\\/")[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        b64encode(SECRET.encode()).decode(),
        urlsafe_b64encode(SECRET.encode()).decode(),
        quote(SECRET, safe="!$&'()*+,;=:@/"),
        quote(SECRET, safe="!'()*"),
        SECRET.lower(),
        escape(SECRET),
        json.dumps(json.dumps(SECRET)[1:-1])[1:-1],
        json.dumps(json.dumps(SECRET, ensure_ascii=False)[1:-1], ensure_ascii=False)[1:-1],
    ],
)
def test_masks_every_form_of_a_secret(form: str) -> None:
    assert mask(f"before {form} after", [SECRET]) == f"before {MASK} after"


def test_a_value_is_json_still_where_a_secret_is_in_a_number() -> None:
    value = {"id": 51234567, "n": 1.5, "12345": [True, None, "a 1234 b"], "at": 1234}

    shown = json.loads(masked_json(value, ["1234"]))

    assert shown == {"id": MASK.join(("5", "567")), "n": 1.5, f"{MASK}5": [True, None, f"a {MASK} b"], "at": MASK}
    assert masked(value, ["1234"]) == shown
    assert masked(value, ["other"]) is value


@pytest.mark.parametrize("user", ["", "a", "ab", "abc"])
def test_masks_a_secret_within_base64(user: str) -> None:
    basic = b64encode(f"{user}:{SECRET}:end".encode()).decode()

    masked = mask(basic, [SECRET])

    assert MASK in masked
    assert len(masked) < len(basic) - len(SECRET) + len(MASK)


def test_masks_the_longest_secret_first() -> None:
    assert mask("token-long", ["token", "token-long"]) == MASK


@pytest.mark.parametrize("secret", ["", "a", "abc"])
def test_leaves_what_is_too_short_to_be_a_secret(secret: str) -> None:
    assert mask("abc abc", [secret]) == "abc abc"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer abcdef", f"Bearer {MASK}"),
        ("authorization", "AWS4-HMAC-SHA256 Credential=a", f"AWS4-HMAC-SHA256 {MASK}"),
        ("Authorization", "abcdef", MASK),
        ("Authorization", "", MASK),
        ("Proxy-Authorization", "Basic abc", f"Basic {MASK}"),
        ("Cookie", "a=b; c=d", MASK),
        ("Set-Cookie", "a=b", MASK),
        ("X-Api-Key", "abc", MASK),
        ("X-Auth-Token", "abc def", MASK),
        ("X-Client-Secret", "abc", MASK),
        ("Stripe-Signature", "t=1,v1=a", MASK),
        ("X-Hub-Signature-256", "sha256=a", MASK),
        ("Idempotency-Key", "run-1", "run-1"),
        ("X-Tokens-Left", "12", "12"),
        ("Content-Type", "application/json", "application/json"),
        ("X-Odd", "a\0b\ud800", "ab\ufffd"),
    ],
)
def test_masks_headers_that_are_secret_by_name(name: str, value: str, shown: str) -> None:
    sent = request_record(Sent(headers={name: value}), [])
    received = answer_record(Received(headers={name: value}), [])

    assert sent["headers"] == received["headers"] == {name: shown}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h.example/a?key=1&q=2", f"https://h.example/a?key={MASK}&q=2"),
        ("https://h.example/?q=1&TOKEN=2#a", f"https://h.example/?q=1&TOKEN={MASK}#a"),
        ("https://h.example/?api_key=1", f"https://h.example/?api_key={MASK}"),
        ("https://h.example/?access_token=1", f"https://h.example/?access_token={MASK}"),
        ("https://h.example/?client_secret=1", f"https://h.example/?client_secret={MASK}"),
        ("https://h.example/?X-Amz-Signature=1", f"https://h.example/?X-Amz-Signature={MASK}"),
        ("https://h.example/?password=", "https://h.example/?password="),
        ("https://h.example/?monkey=1&keys=2", "https://h.example/?monkey=1&keys=2"),
        ("https://h.example/key=1", "https://h.example/key=1"),
    ],
)
def test_masks_query_parameters_that_are_secret_by_name(url: str, shown: str) -> None:
    assert request_record(Sent(url=url), [])["url"] == shown


def test_a_request_is_recorded_without_its_secrets() -> None:
    request = Sent("PUT", "https://h.example/hidden-1/a", {"X-Own": "a hidden-1"}, b'["hidden-1"]')

    record = request_record(request, ["hidden-1"])

    assert record == {
        "method": "PUT",
        "url": f"https://h.example/{MASK}/a",
        "headers": {"X-Own": f"a {MASK}"},
        "body": f'["{MASK}"]',
        "truncated": False,
    }


def test_an_answer_is_recorded_without_the_secrets_it_repeats() -> None:
    answer = Received(401, {"X-Echo": "hidden-1"}, b"bad token hidden-1")

    record = answer_record(answer, (secret for secret in ["hidden-1"]))

    assert record == {
        "status": 401,
        "headers": {"X-Echo": MASK},
        "body": f"bad token {MASK}",
        "truncated": False,
    }


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (None, None),
        (b"", ""),
        (b"a\0b", "ab"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        ("é🎈".encode(), "é🎈"),
        (b"\x1b[31m<script>", "\x1b[31m<script>"),
    ],
)
def test_a_body_becomes_text_that_can_be_stored(body: bytes | None, text: str | None) -> None:
    record = request_record(Sent(body=body), [])

    assert record["body"] == text
    json.dumps(record).encode()


@pytest.mark.parametrize(("size", "truncated"), [(MAX_BODY - 1, False), (MAX_BODY, False), (MAX_BODY + 1, True)])
@pytest.mark.parametrize("secrets", [(), ("hidden-1",)])
def test_a_long_body_is_shortened(size: int, truncated: bool, secrets: tuple[str, ...]) -> None:
    record = request_record(Sent(body=b"x" * size), secrets)

    assert len(record["body"]) == min(size, MAX_BODY)
    assert record["truncated"] == truncated


@pytest.mark.parametrize("shift", range(0, 40, 3))
def test_shortening_leaves_no_half_of_a_secret(shift: int) -> None:
    body = b"hidden-secret " * 30_000

    record = request_record(Sent(body=b"x" * shift + body), ["hidden-secret"])
    cut = answer_record(Received(body=body[: 5000 + shift], truncated=True), ["hidden-secret"])

    for text in (record["body"], cut["body"]):
        assert "hid" not in text
        assert "dden" not in text


def test_inbound_headers_keep_all_but_what_identifies() -> None:
    headers = {"Authorization": "Basic abc", "cookie": "a=b", "X-Api-Key": "kept", "X": "a\0"}

    assert inbound_headers(headers) == {
        "Authorization": f"Basic {MASK}",
        "cookie": MASK,
        "X-Api-Key": "kept",
        "X": "a",
    }
