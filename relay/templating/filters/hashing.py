"""Defines filters for hashes, signatures, base64 and stable ids."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from typing import Any

from relay.templating.files import base64_of, is_file
from relay.templating.filters.definition import Filter, Unfit
from relay.templating.filters.reading import choice, text
from relay.templating.fuel import MAX_TEXT, charge
from relay.templating.values import as_text

GROUP = "Hashes and codes"
_ALGORITHMS = ["sha256", "sha1", "sha512", "md5"]
_SPACES = {"dns": uuid.NAMESPACE_DNS, "url": uuid.NAMESPACE_URL, "oid": uuid.NAMESPACE_OID, "x500": uuid.NAMESPACE_X500}


def _bytes(value: Any) -> bytes:
    """The bytes to hash: text as UTF-8, other values as their JSON text."""
    data = as_text(value).encode("utf-8", "replace")
    charge(4 + (len(data) >> 5))
    return data


def _hash(value: Any, algorithm: str, encoding: Any) -> str:
    return _encoded(hashlib.new(algorithm, _bytes(value), usedforsecurity=False).digest(), encoding)


def _encoded(digest: bytes, encoding: Any) -> str:
    kind = choice(encoding, "an encoding", ["hex", "base64"])
    return digest.hex() if kind == "hex" else base64.b64encode(digest).decode()


def md5(value: Any, encoding: str = "hex") -> str:
    return _hash(value, "md5", encoding)


def sha1(value: Any, encoding: str = "hex") -> str:
    return _hash(value, "sha1", encoding)


def sha256(value: Any, encoding: str = "hex") -> str:
    return _hash(value, "sha256", encoding)


def sha512(value: Any, encoding: str = "hex") -> str:
    return _hash(value, "sha512", encoding)


def hmac_(value: Any, key: Any, algorithm: str = "sha256", encoding: str = "hex") -> str:
    name = choice(algorithm, "an algorithm", _ALGORITHMS)
    return _encoded(hmac.digest(text(key, "a key as text").encode("utf-8", "replace"), _bytes(value), name), encoding)


def base64_file(value: Any) -> str:
    if not is_file(value):
        raise Unfit("a file, such as event.files[0]", value, "; | base64_encode is for text")
    return base64_of(value)


def base64_encode(value: Any, url: bool = False) -> str:
    data = _bytes(value)
    return (base64.urlsafe_b64encode(data).rstrip(b"=") if url else base64.b64encode(data)).decode()


def base64_decode(value: Any) -> str:
    source = "".join(text(value, "base64 text", most=MAX_TEXT).split())
    try:
        data = base64.b64decode(
            source.translate(str.maketrans("-_", "+/")).rstrip("=") + "=" * (-len(source.rstrip("=")) % 4),
            validate=True,
        )
        return data.decode()
    except ValueError:
        raise Unfit("base64 of a text", value) from None


def uuid5(value: Any, namespace: str = "url") -> str:
    space = _SPACES.get(namespace) if isinstance(namespace, str) else None
    if space is None:
        try:
            space = uuid.UUID(text(namespace, most=50))
        except (ValueError, Unfit):
            raise Unfit("a namespace (dns, url, oid, x500 or a UUID)", namespace) from None
    return str(uuid.uuid5(space, _bytes(value).decode()))


FILTERS = {
    "base64_decode": Filter(
        function=base64_decode,
        cost=40,
        help="Decodes base64.",
        example="{{ 'UmVsYXk=' | base64_decode }}",
        result="Relay",
    ),
    "base64": Filter(
        function=base64_file,
        cost=10,
        help="The bytes of a file as base64, for files of up to 1.5 MiB; for text, `base64_encode`.",
        example=(
            "{{ {'id': 'a-1', 'name': 'a.pdf', 'type': 'application/pdf', 'size': 9, 'link': '/files/a-1/'} | base64 }}"
        ),
        result="[base64 of a.pdf, 9 bytes]",
    ),
    "base64_encode": Filter(
        function=base64_encode,
        cost=10,
        help="Encodes as base64; `url=true` uses the alphabet of URLs, without padding.",
        example="{{ 'user:password' | base64_encode }}",
        result="dXNlcjpwYXNzd29yZA==",
    ),
    "hmac": Filter(
        function=hmac_,
        cost=10,
        help="An HMAC with a key; the algorithm is sha256, sha1, sha512 or md5, the encoding hex or base64.",
        example="{{ 'message' | hmac('key') }}",
        result="6e9ef29b75fffc5b7abae527d58fdadb2fe42e7219011976917343065f58ed4a",
    ),
    "md5": Filter(
        function=md5,
        cost=10,
        help="The MD5 hash, which some services ask for; not safe against forgery.",
        example="{{ 'ann@example.com' | md5 }}",
        result="257c57037d384ae37ea27a07e8a01665",
    ),
    "sha1": Filter(
        function=sha1,
        cost=10,
        help="The SHA-1 hash; not safe against forgery.",
        example="{{ 'Relay' | sha1 }}",
        result="9f537f977fa2ecd1f91ff057ce1667e98ab04729",
    ),
    "sha256": Filter(
        function=sha256,
        cost=10,
        help="The SHA-256 hash in hex, or in base64: sha256('base64').",
        example="{{ 'ann@example.com' | sha256 }}",
        result="71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476",
    ),
    "sha512": Filter(
        function=sha512,
        cost=10,
        help="The SHA-512 hash, in hex or base64.",
        example="{{ 'Relay' | sha512('base64') }}",
        result="7agV2XBxGhPyrmbM7i5HUmieDyyOCNkWJTPl6q3Ai9IB4+VF9MiAYhbrP3dWVvHDq5qCELvssppVQeXIKE+eIQ==",
    ),
    "uuid5": Filter(
        function=uuid5,
        cost=10,
        help="A UUID that is always the same for the same text; the namespace is url, dns, oid, x500 or a UUID.",
        example="{{ 'https://example.com/orders/1001' | uuid5 }}",
        result="218ca38e-fc06-5f1b-87cc-dcfc8b084d70",
    ),
}
