"""Tests senders whose signatures need code, with keys made here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from relay.errors import ConnectFailed
from relay.signatures import KeyDocument, Secret, SenderRequest, Verdict, verifier
from tests.signatures.conftest import NOW, request, scheme, verdict

RSA = rsa.generate_private_key(65537, 2048)
P256 = ec.generate_private_key(ec.SECP256R1())
BODY = '{"id": "é"}'.encode()


def url64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def number(value: int) -> str:
    return url64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


RSA_JWK = {"kty": "RSA", "kid": "k1", "n": number(RSA.public_key().public_numbers().n), "e": "AQAB"}
P256_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": number(P256.public_key().public_numbers().x),
    "y": number(P256.public_key().public_numbers().y),
}


def rs256(message: bytes) -> bytes:
    return RSA.sign(message, padding.PKCS1v15(), SHA256())


def es256(message: bytes) -> bytes:
    r, s = decode_dss_signature(P256.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def token(header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    signed = ".".join(url64(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{url64(sign(signed.encode()))}"


def certificate(name: str, *, until: int = NOW + 86_400) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(RSA.public_key())
        .serial_number(1)
        .not_valid_before(datetime.fromtimestamp(until, UTC) - timedelta(days=30))
        .not_valid_after(datetime.fromtimestamp(until, UTC))
    )
    return made.sign(RSA, SHA256()).public_bytes(Encoding.PEM).decode()


def fetching(
    name: str, sent_request: SenderRequest, secrets: list[Secret], answer: Any
) -> tuple[Verdict, list[KeyDocument]]:
    """The verdict when what is fetched is `answer` (an error is raised), and what was."""
    wanted: list[KeyDocument] = []

    def fetch(one: KeyDocument) -> bytes:
        wanted.append(one)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    return verifier(scheme(name), fetch=fetch).verify(sent_request, secrets, NOW), wanted


def shipengine(body: bytes = BODY, stamp: str = "2026-11-18T11:06:40Z", key: str = "k1") -> SenderRequest:
    signature = base64.b64encode(rs256(stamp.encode() + b"." + BODY)).decode()
    return request(
        body,
        {
            "x-shipengine-rsa-sha256-key-id": key,
            "x-shipengine-rsa-sha256-signature": signature,
            "x-shipengine-timestamp": stamp,
        },
    )


@pytest.mark.parametrize(
    ("sent_request", "reason"),
    [
        (shipengine(), ""),
        (shipengine(b"{}"), "The signature does not match"),
        (shipengine(key="k2"), "The key that it was signed with is not one that the sender publishes"),
        (shipengine(stamp="2026-11-18T10:06:40Z"), "It was sent 3600 s ago; 300 s are allowed"),
        (request(BODY), "The header x-shipengine-timestamp is missing"),
    ],
)
def test_a_published_key(sent_request: SenderRequest, reason: str) -> None:
    found, wanted = fetching("shipengine", sent_request, [], {"keys": [RSA_JWK]})

    assert found == Verdict(valid=not reason, reason=reason)
    assert {one.url for one in wanted} <= {"https://api.shipengine.com/jwks"}


def test_a_key_that_cant_be_fetched_now_decides_nothing() -> None:
    found, _ = fetching("shipengine", shipengine(), [], ConnectFailed("no route"))

    assert (found.valid, found.is_temporary) == (False, True)


@pytest.mark.parametrize("answer", [b"", b"[]", b"\xff", {"keys": "x"}, {"keys": [{"kid": "k1"}]}])
def test_keys_that_cant_be_read_refuse(answer: Any) -> None:
    assert not fetching("shipengine", shipengine(), [], answer)[0].valid


def plaid(body: bytes = BODY, alg: str = "ES256", age: int = 0, hashed: bytes = BODY) -> SenderRequest:
    claims = {"iat": NOW - age, "request_body_sha256": hashlib.sha256(hashed).hexdigest()}
    return request(body, {"plaid-verification": token({"alg": alg, "kid": "k"}, claims, es256)})


@pytest.mark.parametrize(
    ("sent_request", "reason"),
    [
        (plaid(), ""),
        (plaid(b"{}"), "The token's request_body_sha256 is not the hash of the received bytes"),
        (plaid(alg="none"), "The token's algorithm is not ES256"),
        (plaid(alg="HS256"), "The token's algorithm is not ES256"),
        (plaid(age=301), "The token was issued 301 s off; 300 s are allowed"),
        (request(BODY, {"plaid-verification": "a.b"}), "The signature is not a JSON Web Token"),
        (request(BODY, {"plaid-verification": "..."}), "The signature is not a JSON Web Token"),
    ],
)
def test_a_key_to_ask_for(sent_request: SenderRequest, reason: str) -> None:
    secret = {"client_id": "id", "secret": "s"}

    found, wanted = fetching("plaid", sent_request, [secret], {"key": P256_JWK})

    assert found == Verdict(valid=not reason, reason=reason)
    for one in wanted:
        assert one.url == "https://production.plaid.com/webhook_verification_key/get"
        assert json.loads(one.body or b"") == {**secret, "key_id": "k"}


def graph(**changed: Any) -> SenderRequest:
    claims = {
        "iss": "https://login.microsoftonline.com/84bd8158-6d4d-4958-8b9f-9d6445542f95/v2.0",
        "aud": "my-app",
        "azp": "0bf30f3b-4a52-48df-9a82-234910c4a086",
        "exp": NOW + 60,
        **changed,
    }
    return request(json.dumps({"validationTokens": [token({"alg": "RS256", "kid": "k1"}, claims, rs256)]}).encode())


@pytest.mark.parametrize(
    ("sent_request", "reason"),
    [
        (graph(), ""),
        (graph(aud="other"), "The token is for another application"),
        (graph(azp="other"), "The token was made for another sender"),
        (graph(iss="https://login.microsoftonline.com.evil.example/v2.0"), "The token was issued by somebody else"),
        (graph(exp=NOW - 3_600), "The token is not in force any more"),
        (graph(exp=None), "The token's exp is missing or not a number"),
        (request(b'{"validationTokens": []}'), "The body holds no tokens"),
        (request(b'{"value": []}'), "The body holds no tokens"),
    ],
)
def test_tokens_in_the_body(sent_request: SenderRequest, reason: str) -> None:
    found, _ = fetching("graph_rich", sent_request, [{"app_id": "my-app"}], {"keys": [RSA_JWK]})

    assert found == Verdict(valid=not reason, reason=reason)


def paddle(fields: str, signed: bytes) -> SenderRequest:
    signature = base64.b64encode(RSA.sign(signed, padding.PKCS1v15(), SHA1()))
    return request(f"{fields}&p_signature={signature.decode().replace('+', '%2B')}".encode())


@pytest.mark.parametrize(
    ("fields", "valid"),
    [("b=%C3%A9&a=1", True), ("a=1&b=%C3%A9", True), ("a=1&b=e", False), ("a=1&b=%C3%A9&c=", False), ("a=1", False)],
)
def test_a_form_as_php_serializes_it(fields: str, valid: bool) -> None:
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    sent_request = paddle(fields, 'a:2:{s:1:"a";s:1:"1";s:1:"b";s:2:"é";}'.encode())

    assert verdict("paddle_classic", sent_request, [pem]).valid is valid


def sns(name: str = "sns.amazonaws.com", until: int = NOW + 60, **changed: str) -> tuple[SenderRequest, bytes]:
    message = {
        "Type": "SubscriptionConfirmation",
        "MessageId": "1",
        "Token": "t",
        "TopicArn": "arn:aws:sns:eu-west-1:123456789012:orders",
        "Message": "You have chosen...",
        "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t",
        "Timestamp": "2026-11-18T11:06:40.000Z",
        "SignatureVersion": "2",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-abc.pem",
        **changed,
    }
    names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    signed = "".join(f"{key}\n{message[key]}\n" for key in names)
    message["Signature"] = base64.b64encode(rs256(signed.encode())).decode()
    return request(json.dumps(message).encode()), certificate(name, until=until).encode()


TOPIC = {"topic_arn": "arn:aws:sns:eu-west-1:123456789012:orders"}


@pytest.mark.parametrize(
    ("made", "secret", "reason"),
    [
        (sns(), TOPIC, ""),
        (sns(), {"topic_arn": "arn:aws:sns:eu-west-1:999999999999:orders"}, "The message is from another topic"),
        (sns("evil.example"), TOPIC, "The certificate of the signature is not amazonaws.com's"),
        (sns("evilamazonaws.com"), TOPIC, "The certificate of the signature is not amazonaws.com's"),
        (sns(until=NOW - 1), TOPIC, "The certificate of the signature is not in force"),
        (sns(MessageId="1\nSubscribeURL\nx"), TOPIC, "The message's MessageId has a line break in it"),
        (sns(SignatureVersion="3"), TOPIC, "The version of the signature is not one that this sender uses"),
    ],
)
def test_a_message_of_a_topic(made: tuple[SenderRequest, bytes], secret: dict[str, str], reason: str) -> None:
    found, _ = fetching("aws_sns", made[0], [secret], made[1])

    assert found == Verdict(valid=not reason, reason=reason)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-abc.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-abc.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-abc.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-abc.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-abc.pem",
        "https://sns.eu-west-1.amazonaws.com/../bucket/SimpleNotificationService-abc.pem",
        "https://sns.eu-west-1.amazonaws.com\\@evil.example/SimpleNotificationService-abc.pem",
        "https://s3.amazonaws.com/SimpleNotificationService-abc.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-abc.pem\n",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(url: str) -> None:
    sent_request, pem = sns(SigningCertURL=url)

    found, wanted = fetching("aws_sns", sent_request, [TOPIC], pem)

    assert found.reason == "The address of the sender's key is not one of the sender's own"
    assert wanted == []


def test_ed25519_with_a_key_in_base64() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    signature = base64.b64encode(key.sign(b"1795000000|" + BODY)).decode()
    sent_request = request(BODY, {"telnyx-timestamp": "1795000000", "telnyx-signature-ed25519": signature})

    assert verdict("telnyx", sent_request, [public]).valid
    assert not verdict("telnyx", sent_request, [base64.b64encode(b"x" * 32).decode()]).valid
    assert not verdict("telnyx", sent_request, ["x"]).valid
    assert verdict("telnyx", sent_request, [base64.b64encode(b"no key").decode(), public]).valid


def hs256(key: str) -> Callable[[bytes], bytes]:
    return lambda message: hmac.digest(key.encode(), message, "sha256")


HASHED = {"hex": hashlib.sha256(BODY).hexdigest(), "base64": base64.b64encode(hashlib.sha256(BODY).digest()).decode()}
FRESH = {"iat": NOW, "nbf": NOW, "exp": NOW + 60}
PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
# header, what stands before the token, the claims, and what else the secret has
TOKENS: dict[str, tuple[str, str, dict[str, Any], dict[str, str]]] = {
    "vonage": ("authorization", "Bearer ", {"iss": "Vonage", "payload_hash": HASHED["hex"], "iat": NOW}, {}),
    "netlify": ("x-webhook-signature", "", {"iss": "netlify", "sha256": HASHED["hex"]}, {}),
    "livekit": ("authorization", "", {"iss": "APIx", "sha256": HASHED["base64"], **FRESH}, {"api_key": "APIx"}),
}


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"body": b"{}"}, "is not the hash of the received bytes"),
        ({"key": "another"}, "The signature does not match"),
        ({"claims": {"iss": "somebody"}}, "The token was issued by somebody else"),
        ({"claims": {"nbf": NOW + 60}}, "The token is not in force yet"),
        ({"claims": {"exp": NOW - 60}}, "The token is not in force any more"),
        ({"algorithm": "none"}, "The token's algorithm is not HS256"),
        ({"algorithm": "RS256"}, "The token's algorithm is not HS256"),
        ({"before": "Basic "}, "no token|is not a JSON Web Token"),
        ({"secret": {"secret": ""}}, "No secret is stored"),
    ],
)
def test_a_token_with_the_hash_of_the_body(name: str, changed: dict[str, Any], reason: str) -> None:
    header, before, claims, parts = TOKENS[name]
    head = {"alg": changed.get("algorithm", "HS256"), "typ": "JWT"}
    text = token(head, {**claims, **changed.get("claims", {})}, hs256(changed.get("key", "s3cret")))
    sent_request = request(changed.get("body", BODY), {header: f"{changed.get('before', before)}{text}"})

    found = verdict(name, sent_request, [{"secret": "s3cret", **parts, **changed.get("secret", {})}])

    assert found.valid == (not reason)
    assert re.search(reason, found.reason)


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_without_the_hash_of_a_body(name: str) -> None:
    header, before, claims, parts = TOKENS[name]
    bare = {key: value for key, value in claims.items() if key not in ("sha256", "payload_hash")}
    sent_request = request(BODY, {header: before + token({"alg": "HS256"}, bare, hs256("s3cret"))})

    assert not verdict(name, sent_request, [{"secret": "s3cret", **parts}]).valid


def test_a_token_of_vonage_is_fresh_and_of_livekit_ends() -> None:
    header, before, claims, _ = TOKENS["vonage"]
    old = request(BODY, {header: before + token({"alg": "HS256"}, {**claims, "iat": NOW - 301}, hs256("s3cret"))})
    endless = {key: value for key, value in TOKENS["livekit"][2].items() if key != "exp"}
    other = request(BODY, {"authorization": token({"alg": "HS256"}, endless, hs256("s3cret"))})

    assert "301 s off; 300 s are allowed" in verdict("vonage", old, ["s3cret"]).reason
    assert "exp is missing" in verdict("livekit", other, [{"api_key": "APIx", "secret": "s3cret"}]).reason


def wix(claims: dict[str, Any] = FRESH, algorithm: str = "RS256") -> bytes:
    return token({"alg": algorithm, "kid": "k"}, {"data": '{"eventType": "x"}', **claims}, rs256).encode()


@pytest.mark.parametrize(
    ("body", "key", "reason"),
    [
        (wix(), PEM, ""),
        (wix() + b"\n", PEM, ""),
        (wix()[:-4] + b"AAAA", PEM, "The signature does not match"),
        (wix({"exp": NOW - 60}), PEM, "The token is not in force any more"),
        (wix({}), PEM, "exp is missing"),
        (wix(algorithm="HS256"), PEM, "The token's algorithm is not RS256"),
        (wix(), "nonsense", "The public key can't be read"),
        (wix(), "", "The secret has no public key"),
        (BODY, PEM, "is not a JSON Web Token"),
        (b"", PEM, "is not a JSON Web Token"),
    ],
)
def test_a_body_that_is_a_token(body: bytes, key: str, reason: str) -> None:
    found = verdict("wix", request(body), [{"public_key": key}])

    assert found.valid == (not reason)
    assert reason in found.reason
