"""Interprets a scheme, which is data, as a verifier. It knows no sender by name."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from relay.signatures import basic, freshness, publickeys
from relay.signatures.encodings import decoded
from relay.signatures.keys import Secret, key_of, part
from relay.signatures.oracles import Answerable
from relay.signatures.request import SenderRequest, as_bytes, at, only, reader
from relay.signatures.scheme import Handshake, Scheme
from relay.signatures.templates import Facts, Piece, compile_signed, worded
from relay.signatures.verdict import Refused, Verdict

# A header may contain several signatures, one for each secret of a sender that rotates them. Others are not read.
MAX_SIGNATURES = 100
MAX_ELEMENTS = 1_000

Matches = Callable[[bytes, bytes, list[bytes]], bool]


@dataclass(frozen=True, slots=True)
class _Keyed:
    secret: Secret
    key: bytes


class Interpreter:
    """Verifies requests as `scheme` says. `tolerance`: seconds in place of the scheme's own.

    `handshakes`: those that are answered with the same secret; messages that they sign are not events.
    Raises ValueError for unknown names in the scheme.
    """

    fetches = False

    def __init__(self, scheme: Scheme, tolerance: int | None = None, handshakes: Sequence[Handshake] = ()) -> None:
        self._scheme = scheme
        self._answerable = Answerable(scheme, handshakes)
        self._signed: Piece = compile_signed(scheme.signed, scheme.key.part)
        self._sources = [(source, reader(source)) for source in scheme.signature.sources]
        self._required = [(source, reader(source), wanted) for source, wanted in scheme.require.items()]
        self._matches: Matches = _matcher(scheme)
        stamp = scheme.timestamp
        self._tolerance = stamp.tolerance if stamp and tolerance is None else tolerance
        self._sent = reader(stamp.source) if stamp and not stamp.source.startswith("sig:") else None
        self._hash = reader(scheme.body_hash.source) if scheme.body_hash else None

    def verify(self, request: SenderRequest, secrets: Sequence[Secret], now: float) -> Verdict:
        """Whether one of `secrets` signed `request`; `now` in seconds since 1970."""
        try:
            self._check(request, secrets, now)
        except Refused as refused:
            return Verdict(valid=False, reason=str(refused))
        return _VALID

    def _check(self, request: SenderRequest, secrets: Sequence[Secret], now: float) -> None:
        request.payload = self._scheme.payload
        keyed = self._keys(secrets)
        if self._hash is not None:
            self._check_body_hash(request, self._hash)
        for element in self._elements(request):
            facts = Facts(request, request.url, "", element=element)
            self._check_one(facts, keyed, now)

    def _keys(self, secrets: Sequence[Secret]) -> list[_Keyed]:
        if self._scheme.kind == "basic":
            pairs = [(secret, basic.expected(secret)) for secret in secrets]
        else:
            pairs = [(secret, key_of(secret, self._scheme.key)) for secret in secrets]
        keyed = [_Keyed(secret, key) for secret, key in pairs if key]
        if not keyed:
            raise Refused("No secret is stored that can be used; without one everything is refused")
        return keyed

    def _check_body_hash(self, request: SenderRequest, find: Callable[[SenderRequest, Any], bytes | None]) -> None:
        how = self._scheme.body_hash
        claimed = decoded(find(request, None) or b"", "hex")
        if how is None or claimed is None:
            raise Refused("The hash of the body is missing")
        if not hmac.compare_digest(claimed, hashlib.new(how.algorithm, request.body).digest()):
            raise Refused("The hash of the body does not match the body")

    def _elements(self, request: SenderRequest) -> list[Any]:
        """The elements that must all verify: the request, or the elements of the array that `each` names."""
        if not self._scheme.each:
            return [None]
        name, _, rest = self._scheme.each.partition(".")
        array = at(request.json, name)
        signed = [at(element, rest) if rest else element for element in array] if isinstance(array, list) else []
        if not 0 < len(signed) <= MAX_ELEMENTS or not all(isinstance(element, dict) for element in signed):
            raise Refused(f"{self._scheme.each} does not hold what is signed")
        return signed

    def _check_one(self, facts: Facts, keyed: list[_Keyed], now: float) -> None:
        raw = self._raw(facts)
        facts.timestamp = self._timestamp(facts, raw, now)
        reason = Refused(_MISMATCH.get(self._scheme.kind, "The signature does not match"))
        for keyed_secret in keyed:
            facts.secret = keyed_secret.secret
            try:
                if self._is_signed(facts, keyed_secret, raw):
                    return
            except Refused as refused:  # One of several secrets may be unreadable, or that of another account.
                reason = refused
        raise reason

    def _is_signed(self, facts: Facts, keyed: _Keyed, raw: list[bytes]) -> bool:
        for source, find, wanted in self._required:
            value = find(facts.request, facts.element)
            if value is None or not hmac.compare_digest(value, _wanted(wanted, keyed.secret)):
                raise Refused(f"{worded(source)} is not what it must be")
        candidates = list(self._candidates(raw, keyed.secret))
        if not candidates:
            raise Refused(f"{worded(self._sources[0][0])} holds no signature that can be read")
        for url in self._urls(facts.request.url):
            facts.url = url
            message = self._signed(facts)
            if self._matches(keyed.key, message, candidates):
                self._check_signed(facts.request, message)
                return True
        return False

    def _check_signed(self, request: SenderRequest, message: bytes) -> None:
        """Raises Refused for a message that could be signed without the secret, or by the sender's handshake."""
        if self._scheme.kind in ("hmac", "digest", "public_key"):
            self._answerable.refuse(message)
        # Anyone who has seen a hash of secret and body can extend it, but the extended body is never JSON.
        if self._scheme.kind == "digest" and request.body:
            _ = request.json

    def _raw(self, facts: Facts) -> list[bytes]:
        """The texts that contain signatures."""
        numbered = self._scheme.signature.numbered.lower()
        if numbered:
            headers = facts.request.headers.items()
            texts = [as_bytes(value) for name, value in headers if _is_numbered(name, numbered)]
        else:
            texts = [text for _, find in self._sources if (text := find(facts.request, facts.element))]
        if not texts:
            raise Refused(f"{worded(self._sources[0][0])} is missing")
        return texts[:MAX_SIGNATURES]

    def _candidates(self, raw: list[bytes], secret: Secret) -> Iterator[bytes]:
        """Yields the decoded signatures in `raw`; malformed ones are skipped."""
        how = self._scheme.signature
        field = _wanted(how.field, secret)
        prefix = how.prefix.encode()
        for text in _pieces(raw, how.split):
            name, mark, value = text.partition(how.kv.encode()) if how.kv else (field, b"=", text)
            if not mark or name != field or not value.startswith(prefix):
                continue
            signature = decoded(value.removeprefix(prefix), how.encoding)
            if signature is not None:
                yield signature

    def _timestamp(self, facts: Facts, raw: list[bytes], now: float) -> bytes:
        stamp = self._scheme.timestamp
        if stamp is None:
            return b""
        text = self._sent(facts.request, facts.element) if self._sent else self._field(raw, stamp.source[4:])
        if not text:
            raise Refused(f"{worded(stamp.source)} is missing, which says when it was sent")
        freshness.check(text, stamp, now, self._tolerance)
        return text

    def _field(self, raw: list[bytes], name: str) -> bytes | None:
        how = self._scheme.signature
        split = (piece.partition(how.kv.encode()) for piece in _pieces(raw, how.split))
        return only([(key, value) for key, _, value in split], name.encode())

    def _urls(self, url: str) -> list[str]:
        urls = _with_and_without_port(url) if self._scheme.default_port else [url]
        if not self._scheme.spellings:
            return urls
        return [spelled for each_url in urls for spelled in _spellings(each_url)]


_ESCAPED = re.compile("%(40|3[Aa]|27)")
_VALID = Verdict(valid=True)
_MISMATCH = {
    "shared_secret": "The shared secret is another one",
    "basic": "The user name or password is another one",
}


def _wanted(text: str, secret: Secret) -> bytes:
    """The part of the secret for `$part`; any other text unchanged."""
    return (part(secret, text[1:]) if text.startswith("$") else text).encode()


def _pieces(raw: list[bytes], split: str) -> list[bytes]:
    if not split:
        return raw
    return [piece.strip() for text in raw for piece in text.split(split.encode(), MAX_SIGNATURES)[:MAX_SIGNATURES]]


def _is_numbered(name: str, start: str) -> bool:
    rest = name.removeprefix(start)
    return rest != name and rest.isascii() and rest.isdigit()


def _with_and_without_port(url: str) -> list[str]:
    """The URL as received, and with its port added or removed: senders differ in what they sign."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
    port = 443 if parts.scheme == "https" else 80
    bare = url.replace(f"//{parts.netloc}", f"//{host}", 1)
    usual = url.replace(f"//{parts.netloc}", f"//{host}:{port}", 1)
    return [url, bare] if parts.port is not None else [url, usual]


def _spellings(url: str) -> list[str]:
    """The URL as received, and with @ : and ' in its query all escaped or all unescaped, without repetition."""
    path, mark, query = url.partition("?")
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), query)
    escaped = "".join(f"%{ord(sign):02X}" if sign in "@:'" else sign for sign in plain)
    return [path + mark + spelling for spelling in dict.fromkeys((query, plain, escaped))]


def _matcher(scheme: Scheme) -> Matches:
    if scheme.kind == "hmac":
        return lambda key, message, signatures: _is_among(hmac.digest(key, message, scheme.algorithm), signatures)
    if scheme.kind == "digest":
        return lambda _, message, signatures: _is_among(hashlib.new(scheme.algorithm, message).digest(), signatures)
    if scheme.kind == "public_key":
        verify = publickeys.verify_ed25519 if scheme.algorithm == "ed25519" else publickeys.verify_p256
        return lambda key, message, signatures: any(verify(key, signature, message) for signature in signatures[:8])
    return basic.is_given if scheme.kind == "basic" else lambda key, _, signatures: _is_among(key, signatures)


def _is_among(expected: bytes, signatures: list[bytes]) -> bool:
    # All are compared, so that the time does not reveal which one matched.
    return any([hmac.compare_digest(expected, signature) for signature in signatures])  # noqa: C419
