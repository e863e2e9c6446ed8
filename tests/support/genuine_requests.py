"""A genuine request of each sender that signs, with secrets of the tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from relay.connectors import registry
from relay.connectors.definition import Preset
from relay.signatures import Named, Scheme, SenderRequest
from relay.signatures.encodings import encoded
from relay.signatures.keys import key_of
from tests.signatures.conftest import NOW, URL
from tests.signatures.test_named import (
    P256,
    P256_JWK,
    PEM,
    RSA,
    RSA_JWK,
    TOKENS,
    certificate,
    es256,
    hs256,
    rs256,
    sns,
    token,
    wix,
)

ED25519 = ed25519.Ed25519PrivateKey.generate()
STAMPS = {"s": str(NOW), "ms": str(NOW * 1000), "iso": datetime.fromtimestamp(NOW, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
EVENT = {
    "id": "evt_1",
    "type": "order.created",
    "event": {"id": "e1", "event_type": "paid", "event_time": "1795000000", "event_hash": ""},
    "event_id": "e2",
    "payload": {"uri": "u"},
    "data": {"id": "d", "envelopeId": "v"},
    "generatedDateTime": "2026-11-18T11:06:40Z",
    "events": [{"id": "1", "webhookEventId": "w"}],
    "call": {"call_id": "c"},
    "action": {"id": "a"},
    "state": "ready",
    "status": "sent",
    "message_uuid": "m",
    "webhookTimestamp": NOW * 1000,
    "text": "é <b> = & é",
}
BODY = json.dumps(EVENT, ensure_ascii=False).encode()
LIST = b'[{"eventId": 1, "sg_event_id": "s", "id": "1", "type": "t"}]'
# What a sender's body is where it is not BODY.
BODIES = {
    "hubspot": LIST,
    "hubspot_v1": LIST,
    "pandadoc": LIST,
    "sendgrid": LIST,
    "twilio_json": LIST,
    "twilio": b"MessageSid=SM1&Body=caf%C3%A9&MessageStatus=delivered",
    "mandrill": b"mandrill_events=%5B%7B%22event%22%3A%22send%22%7D%5D",
    "slack_commands": b"command=%2Fweather&text=94070&trigger_id=13345224609.738",
}


@dataclass(frozen=True, slots=True)
class Genuine:
    """A request as its sender signs it, and the stored secret."""

    secret: Any
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""

    def request(self, **headers: str) -> SenderRequest:
        """The request with further headers, or others in their place."""
        url = f"{URL}?{self.query}" if self.query else URL
        return SenderRequest("POST", url, {**self.headers, **headers}, self.body)


def signing_presets() -> list[Preset]:
    """Those whose requests are signed: not those that carry the secret itself."""
    found = [preset for _, preset in registry.presets().values()]
    return [one for one in found if isinstance(one.verify, Named) or one.verify.kind not in ("shared_secret", "basic")]


@cache
def genuine(key: str) -> Genuine:
    """The genuine request of a preset."""
    preset = registry.preset(key)
    if key in SPECIAL:
        return SPECIAL[key]()
    assert isinstance(preset.verify, Scheme)
    return _by_scheme(preset, preset.verify)


def secret_of(preset: Preset) -> dict[str, str]:
    """A secret as the sender writes it."""
    assert isinstance(preset.verify, Scheme)
    texts = {
        "base64": "".join(preset.verify.key.strip) + base64.b64encode(b"s3cret-of-the-test").decode(),
        "hex": b"s3cret-of-the-test".hex(),
    }
    values = {one.key: f"the {one.key}" for one in preset.secret}
    return {**values, preset.verify.key.part: texts.get(preset.verify.key.encoding, "s3cret-of-the-test")}


def signature_text(scheme: Scheme, signature: bytes, secret: Mapping[str, str]) -> str:
    """A signature as it stands in its header."""
    how = scheme.signature
    text = how.prefix + encoded(signature, how.encoding).decode()
    name = secret[how.field[1:]] if how.field.startswith("$") else how.field
    text = f"{name}{how.kv}{text}" if how.kv else text
    stamp = scheme.timestamp
    if stamp and stamp.source.startswith("sig:"):
        text = f"{stamp.source[4:]}{how.kv}{STAMPS[stamp.unit]}{how.split}{text}"
    return text


def genuine_with(preset: Preset, body: bytes) -> Genuine:
    """A request with a body as its sender signs it, or with the secret that it carries."""
    if preset.key == "paypal":
        return _paypal(body)
    assert isinstance(preset.verify, Scheme)
    if preset.verify.kind == "basic":
        pair = base64.b64encode(b"relay:s3cret").decode()
        return Genuine({"username": "relay", "password": "s3cret"}, body, {"authorization": f"Basic {pair}"})
    if preset.verify.kind == "shared_secret":
        place, _, name = preset.verify.signature.sources[0].partition(":")
        query = f"{name}=s3cret" if place == "query" else ""
        return Genuine({"secret": "s3cret"}, body, {} if query else {name: "s3cret"}, query)
    return _by_scheme(preset, preset.verify, body)


def _by_scheme(preset: Preset, scheme: Scheme, body: bytes | None = None) -> Genuine:
    """A body that is signed as a whole, the signature in a header or the query."""
    body = BODIES.get(preset.key, BODY) if body is None else body
    public = scheme.kind == "public_key"
    secret = {"secret": _public(scheme)} if public else secret_of(preset)
    wanted = scheme.require.items()
    headers = {source[7:]: secret[text[1:]] if text.startswith("$") else text for source, text in wanted}
    stamp = scheme.timestamp
    at = STAMPS[stamp.unit] if stamp else ""
    if stamp and stamp.source.startswith("header:"):
        headers[stamp.source[7:]] = at
    query = f"bodySHA256={hashlib.sha256(body).hexdigest()}" if scheme.body_hash else ""
    message = _message(scheme, body, at, query, secret)
    name = scheme.signature.sources[0]
    text = signature_text(scheme, _signature(scheme, secret, message), secret)
    ids = [piece[8:-1] for piece in scheme.signed.split(".") if piece.startswith("{header:")]
    headers |= dict.fromkeys(ids, "msg_1")
    if name.startswith("query:"):
        query = f"{name[6:]}={quote_plus(text)}"
    else:
        headers[name[7:]] = text
    return Genuine(secret, body, headers, query)


def _message(scheme: Scheme, body: bytes, at: str, query: str, secret: Mapping[str, str]) -> bytes:
    pairs = sorted(piece.partition(b"=")[::2] for piece in body.split(b"&"))
    form = b"".join(_unquoted(name) + _unquoted(value) for name, value in pairs)
    values = {
        b"{body}": body,
        b"{timestamp}": at.encode(),
        b"{url}": (f"{URL}?{query}" if query else URL).encode(),
        b"{method}": b"POST",
        b"{sorted_form}": form,
        b"{secret}": secret["secret"].encode() if "secret" in secret else b"",
    }
    message = scheme.signed.encode()
    for start in ("svix", "webhook"):
        message = message.replace(f"{{header:{start}-id}}".encode(), b"msg_1")
    for name, value in values.items():
        message = message.replace(name, value)
    return message


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _signature(scheme: Scheme, secret: Any, message: bytes) -> bytes:
    if scheme.kind == "digest":
        return hashlib.new(scheme.algorithm, message).digest()
    if scheme.algorithm == "ed25519":
        return ED25519.sign(message)
    if scheme.algorithm == "ecdsa-p256-sha256":
        return P256.sign(message, ec.ECDSA(SHA256()))
    key = key_of(secret, scheme.key)
    assert key
    return hmac.digest(key, message, scheme.algorithm)


def _public(scheme: Scheme) -> str:
    if scheme.algorithm == "ed25519":
        raw = ED25519.public_key().public_bytes_raw()
        return raw.hex() if scheme.key.encoding == "hex" else base64.b64encode(raw).decode()
    return P256.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _in_json(key: str, text: str, change: Callable[[str], tuple[bytes, dict[str, str]]]) -> Genuine:
    """A body in which the HMAC of `text` stands."""
    preset = registry.preset(key)
    assert isinstance(preset.verify, Scheme)
    secret = secret_of(preset)
    signature = encoded(_signature(preset.verify, secret, text.encode()), preset.verify.signature.encoding).decode()
    body, headers = change(signature)
    return Genuine(secret, body, headers)


def _adyen() -> Genuine:
    item = {
        "pspReference": "7914073381342284",
        "merchantAccountCode": "Shop",
        "merchantReference": "order-1",
        "amount": {"value": 1130, "currency": "EUR"},
        "eventCode": "AUTHORISATION",
        "success": "true",
    }

    def change(signature: str) -> tuple[bytes, dict[str, str]]:
        signed = {**item, "additionalData": {"hmacSignature": signature}}
        return json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": signed}]}).encode(), {}

    return _in_json("adyen", "7914073381342284::Shop:order-1:1130:EUR:AUTHORISATION:true", change)


def _mailgun() -> Genuine:
    def change(signature: str) -> tuple[bytes, dict[str, str]]:
        signed = {"timestamp": str(NOW), "token": "t0ken", "signature": signature}
        return json.dumps({"signature": signed, "event-data": {"event": "opened"}}).encode(), {}

    return _in_json("mailgun", f"{NOW}t0ken", change)


def _mailgun_routes() -> Genuine:
    def change(signature: str) -> tuple[bytes, dict[str, str]]:
        return f"subject=Hi&timestamp={NOW}&token=t0ken&signature={signature}".encode(), {}

    return _in_json("mailgun_routes", f"{NOW}t0ken", change)


def _dropbox_sign() -> Genuine:
    def change(signature: str) -> tuple[bytes, dict[str, str]]:
        event = {"event_time": str(NOW), "event_type": "signed", "event_hash": signature}
        part = b'--bound-1\r\nContent-Disposition: form-data; name="json"\r\n\r\n%s\r\n--bound-1--\r\n'
        body = part % json.dumps({"event": event}).encode()
        return body, {"content-type": "multipart/form-data; boundary=bound-1"}

    return _in_json("dropbox_sign", f"{NOW}signed", change)


def _braintree() -> Genuine:
    payload = base64.encodebytes(b"<notification><kind>check</kind></notification>").decode()
    return _in_json(
        "braintree",
        payload,
        lambda text: (
            f"bt_signature={quote_plus(f'the public_key|{text}')}&bt_payload={quote_plus(payload)}".encode(),
            {},
        ),
    )


def _token(key: str) -> Genuine:
    """A token in a header with the hash of the body, HS256."""
    if key == "messagebird":
        hashes = {
            "url_hash": hashlib.sha256(URL.encode()).hexdigest(),
            "payload_hash": hashlib.sha256(BODY).hexdigest(),
        }
        claims = {"iss": "MessageBird", "nbf": NOW, "exp": NOW + 60, **hashes}
        header, before, parts = "messagebird-signature-jwt", "", dict[str, str]()
    else:
        header, before, claims, parts = TOKENS[key]
        hashed = hashlib.sha256(BODY).digest()
        name = "payload_hash" if key == "vonage" else "sha256"
        claims = {**claims, name: base64.b64encode(hashed).decode() if key == "livekit" else hashed.hex()}
    text = token({"alg": "HS256"}, claims, hs256("s3cret"))
    return Genuine({"secret": "s3cret", **parts}, BODY, {header: before + text})


def _plaid() -> Genuine:
    claims = {"iat": NOW, "request_body_sha256": hashlib.sha256(BODY).hexdigest()}
    made = token({"alg": "ES256", "kid": "k"}, claims, es256)
    secret = {"client_id": "id", "secret": "s", "jwk": json.dumps(P256_JWK)}
    return Genuine(secret, BODY, {"plaid-verification": made})


def _paypal(body: bytes = BODY) -> Genuine:
    message = f"1|{STAMPS['iso']}|WH-1|{zlib.crc32(body)}".encode()
    headers = {
        "paypal-auth-algo": "SHA256withRSA",
        "paypal-cert-url": "https://api.paypal.com/v1/certs/CERT-1",
        "paypal-transmission-id": "1",
        "paypal-transmission-time": STAMPS["iso"],
        "paypal-transmission-sig": base64.b64encode(rs256(message)).decode(),
    }
    return Genuine(
        {"webhook_id": "WH-1", "cert_pem": certificate("messageverificationcerts.paypal.com")}, body, headers
    )


def _shipengine() -> Genuine:
    headers = {
        "x-shipengine-rsa-sha256-key-id": "k1",
        "x-shipengine-rsa-sha256-signature": base64.b64encode(rs256(STAMPS["iso"].encode() + b"." + BODY)).decode(),
        "x-shipengine-timestamp": STAMPS["iso"],
    }
    return Genuine({"jwks": json.dumps({"keys": [RSA_JWK]})}, BODY, headers)


def _graph() -> Genuine:
    claims = {
        "iss": "https://login.microsoftonline.com/84bd8158-6d4d-4958-8b9f-9d6445542f95/v2.0",
        "aud": "my-app",
        "azp": "0bf30f3b-4a52-48df-9a82-234910c4a086",
        "exp": NOW + 60,
    }
    made = token({"alg": "RS256", "kid": "k1"}, claims, rs256)
    body = json.dumps({"validationTokens": [made], "value": [{"changeType": "created"}]}).encode()
    return Genuine({"app_id": "my-app", "jwks": json.dumps({"keys": [RSA_JWK]})}, body)


def _sns() -> Genuine:
    asked, pem = sns(Type="Notification")
    message = json.loads(asked.body)
    names = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
    signed = "".join(f"{name}\n{message[name]}\n" for name in names)
    message["Signature"] = base64.b64encode(rs256(signed.encode())).decode()
    secret = {"topic_arn": message["TopicArn"], "cert_pem": pem.decode()}
    return Genuine(secret, json.dumps(message).encode(), {"content-type": "text/plain; charset=UTF-8"})


def _paddle_classic() -> Genuine:
    signed = b'a:2:{s:8:"alert_id";s:1:"7";s:10:"alert_name";s:4:"paid";}'
    signature = base64.b64encode(RSA.sign(signed, padding.PKCS1v15(), SHA1())).decode()
    body = f"alert_id=7&alert_name=paid&p_signature={quote_plus(signature)}".encode()
    return Genuine({"public_key": PEM}, body)


def _contentful() -> Genuine:
    headers = {"x-contentful-signed-headers": "x-contentful-signed-headers,x-contentful-timestamp"}
    headers["x-contentful-timestamp"] = STAMPS["ms"]
    listed = ";".join(f"{name}:{headers[name]}" for name in headers["x-contentful-signed-headers"].split(","))
    path = URL.removeprefix("https://relay.example.com")
    canonical = b"\n".join([b"POST", path.encode(), listed.encode(), BODY])
    headers["x-contentful-signature"] = hmac.digest(b"s3cret", canonical, "sha256").hex()
    return Genuine({"secret": "s3cret"}, BODY, headers)


SPECIAL: dict[str, Callable[[], Genuine]] = {
    "adyen": _adyen,
    "aws_sns": _sns,
    "braintree": _braintree,
    "contentful": _contentful,
    "dropbox_sign": _dropbox_sign,
    "livekit": lambda: _token("livekit"),
    "mailgun": _mailgun,
    "mailgun_routes": _mailgun_routes,
    "messagebird": lambda: _token("messagebird"),
    "microsoft_graph_rich": _graph,
    "netlify": lambda: _token("netlify"),
    "paddle_classic": _paddle_classic,
    "paypal": _paypal,
    "plaid": _plaid,
    "shipengine": _shipengine,
    "vonage": lambda: _token("vonage"),
    "wix": lambda: Genuine({"public_key": PEM}, wix()),
}
