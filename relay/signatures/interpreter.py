"""The interpreter: a scheme, which is data, becomes a verifier. It knows no sender by name."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from relay.signatures import basic, freshness, publickeys
from relay.signatures.encodings import decoded
from relay.signatures.keys import Secret, key_of, part
from relay.signatures.request import Request, as_bytes, at, only, reader
from relay.signatures.scheme import Scheme
from relay.signatures.templates import Facts, Piece, compile_signed, worded
from relay.signatures.verdict import Refused, Verdict

# A header may hold several signatures: a sender that changes its secret sends one for each. Further ones are not read.
MOST_SIGNATURES = 100
MOST_ELEMENTS = 1_000

Matches = Callable[[bytes, bytes, list[bytes]], bool]


@dataclass(frozen=True, slots=True)
class _Keyed:
    secret: Secret
    key: bytes


class Interpreter:
    """Verifies requests as `scheme` says. `tolerance`: seconds in place of the scheme's own.

    Raises ValueError where the scheme names what isn't there.
    """

    fetches = False

    def __init__(self, scheme: Scheme, tolerance: int | None = None) -> None:
        self._scheme = scheme
        self._signed: Piece = compile_signed(scheme.signed, scheme.key.part)
        self._sources = [(source, reader(source)) for source in scheme.signature.sources]
        self._required = [(source, reader(source), wanted) for source, wanted in scheme.require.items()]
        self._matches: Matches = _matcher(scheme)
        stamp = scheme.timestamp
        self._tolerance = stamp.tolerance if stamp and tolerance is None else tolerance
        self._sent = reader(stamp.source) if stamp and not stamp.source.startswith("sig:") else None
        self._hash = reader(scheme.body_hash.source) if scheme.body_hash else None

    def verify(self, request: Request, secrets: Sequence[Secret], now: float) -> Verdict:
        """Whether one of `secrets` signed `request`; `now` in seconds since 1970."""
        try:
            self._check(request, secrets, now)
        except Refused as refused:
            return Verdict(valid=False, reason=str(refused))
        return _VALID

    def _check(self, request: Request, secrets: Sequence[Secret], now: float) -> None:
        request.payload = self._scheme.payload
        keyed = self._keys(secrets)
        if self._hash is not None:
            self._check_body_hash(request, self._hash)
        for element in self._elements(request):
            facts = Facts(request, request.url, "", element=element)
            self._check_one(facts, keyed, now)

    def _keys(self, secrets: Sequence[Secret]) -> list[_Keyed]:
        if self._scheme.kind == "basic":
            found = [(secret, basic.expected(secret)) for secret in secrets]
        else:
            found = [(secret, key_of(secret, self._scheme.key)) for secret in secrets]
        keyed = [_Keyed(secret, key) for secret, key in found if key]
        if not keyed:
            raise Refused("No secret is stored that can be used; without one everything is refused")
        return keyed

    def _check_body_hash(self, request: Request, find: Callable[[Request, Any], bytes | None]) -> None:
        how = self._scheme.body_hash
        claimed = decoded(find(request, None) or b"", "hex")
        if how is None or claimed is None:
            raise Refused("The hash of the body is missing")
        if not hmac.compare_digest(claimed, hashlib.new(how.algorithm, request.body).digest()):
            raise Refused("The hash of the body does not match the body")

    def _elements(self, request: Request) -> list[Any]:
        """What must verify, each by itself: the request, or all elements of the array that `each` names."""
        if not self._scheme.each:
            return [None]
        found = [request.json]
        for key in self._scheme.each.split("."):
            found = [at(one, key) for one in _spread(found)]
        found = list(_spread(found))
        if not 0 < len(found) <= MOST_ELEMENTS or not all(isinstance(one, dict) for one in found):
            raise Refused(f"{self._scheme.each} does not hold what is signed")
        return found

    def _check_one(self, facts: Facts, keyed: list[_Keyed], now: float) -> None:
        raw = self._raw(facts)
        facts.timestamp = self._timestamp(facts, raw, now)
        reason = Refused(_MISMATCH.get(self._scheme.kind, "The signature does not match"))
        for one in keyed:
            facts.secret = one.secret
            try:
                if self._is_signed(facts, one, raw):
                    return
            except Refused as refused:  # One secret of several may be unreadable, or another account's.
                reason = refused
        raise reason

    def _is_signed(self, facts: Facts, one: _Keyed, raw: list[bytes]) -> bool:
        for source, find, wanted in self._required:
            value = find(facts.request, facts.element)
            if value is None or not hmac.compare_digest(value, _wanted(wanted, one.secret)):
                raise Refused(f"{worded(source)} is not what it must be")
        candidates = list(self._candidates(raw, one.secret))
        if not candidates:
            raise Refused(f"{worded(self._sources[0][0])} holds no signature that can be read")
        for url in self._urls(facts.request.url):
            facts.url = url
            if self._matches(one.key, self._signed(facts), candidates):
                return True
        return False

    def _raw(self, facts: Facts) -> list[bytes]:
        """The texts in which signatures stand."""
        numbered = self._scheme.signature.numbered.lower()
        if numbered:
            headers = facts.request.headers.items()
            texts = [as_bytes(value) for name, value in headers if _is_numbered(name, numbered)]
        else:
            texts = [text for _, find in self._sources if (text := find(facts.request, facts.element))]
        if not texts:
            raise Refused(f"{worded(self._sources[0][0])} is missing")
        return texts[:MOST_SIGNATURES]

    def _candidates(self, raw: list[bytes], secret: Secret) -> Iterator[bytes]:
        """The signatures in `raw`, decoded; what isn't written as it should be is none."""
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
        return _with_and_without_port(url) if self._scheme.default_port else [url]


_VALID = Verdict(valid=True)
_MISMATCH = {
    "shared_secret": "The shared secret is another one",
    "basic": "The user name or password is another one",
}


def _wanted(text: str, secret: Secret) -> bytes:
    """`$part` is that part of the secret; anything else is itself."""
    return (part(secret, text[1:]) if text.startswith("$") else text).encode()


def _pieces(raw: list[bytes], split: str) -> list[bytes]:
    if not split:
        return raw
    return [piece.strip() for text in raw for piece in text.split(split.encode(), MOST_SIGNATURES)[:MOST_SIGNATURES]]


def _spread(values: list[Any]) -> Iterator[Any]:
    for value in values:
        yield from value if isinstance(value, list) else [value]


def _is_numbered(name: str, start: str) -> bool:
    rest = name.removeprefix(start)
    return rest != name and rest.isascii() and rest.isdigit()


def _with_and_without_port(url: str) -> list[str]:
    """Some senders sign the URL with the usual port written out, some without the port that it has."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
    port = 443 if parts.scheme == "https" else 80
    bare = url.replace(f"//{parts.netloc}", f"//{host}", 1)
    usual = url.replace(f"//{parts.netloc}", f"//{host}:{port}", 1)
    return [url, bare] if parts.port is not None else [url, usual]


def _matcher(scheme: Scheme) -> Matches:
    if scheme.kind == "hmac":
        return lambda key, message, found: _is_among(hmac.digest(key, message, scheme.algorithm), found)
    if scheme.kind == "digest":
        return lambda _, message, found: _is_among(hashlib.new(scheme.algorithm, message).digest(), found)
    if scheme.kind == "public_key":
        verify = publickeys.verify_ed25519 if scheme.algorithm == "ed25519" else publickeys.verify_p256
        return lambda key, message, found: any(verify(key, one, message) for one in found[:8])
    return basic.is_given if scheme.kind == "basic" else lambda key, _, found: _is_among(key, found)


def _is_among(expected: bytes, found: list[bytes]) -> bool:
    # Every one is compared: how long it takes says nothing about which was right.
    return any([hmac.compare_digest(expected, one) for one in found])  # noqa: C419
