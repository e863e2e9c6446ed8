"""Declares how a sender is described: how its requests are verified, and its handshakes."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal["hmac", "digest", "public_key", "shared_secret", "basic"]
Algorithm = Literal["sha1", "sha256", "sha512", "ed25519", "ecdsa-p256-sha256"]
# Hex in either case has the same value; `lower_hex` is for senders that only write lower case.
Encoding = Literal["hex", "lower_hex", "base64", "base64url", "text"]
KeyEncoding = Literal["utf8", "base64", "hex", "sha1", "der"]
Unit = Literal["s", "ms", "iso"]

# The default shape of an echo: a line of printable ASCII.
ECHO = r"[\x20-\x7e]{1,1024}"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a description; unknown keys are faults."""


class Key(_Part, frozen=True):
    """How a secret becomes a key. `part`: the name of its value if a secret has several."""

    encoding: KeyEncoding = "utf8"
    strip: tuple[str, ...] = ()
    normalize: Literal["", "NFKD"] = ""
    part: str = "secret"


class Signature(_Part, frozen=True):
    """Where the signature is, and how it is written.

    `source`: `header:x`, `query:x`, `form:x` or `json:path`, or several of them. `numbered`: the start of the
    names of headers that end with a number. `split`, `kv`, `field`: a list of names and values, in which those named
    `field` are signatures (`$part`: the name is that part of the secret).
    """

    source: str | tuple[str, ...]
    encoding: Encoding = "text"
    prefix: str = ""
    split: str = ""
    kv: str = ""
    field: str = ""
    numbered: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        return (self.source,) if isinstance(self.source, str) else self.source


class Timestamp(_Part, frozen=True):
    """When a request was sent: `sig:t` is a field of the signature's list. `tolerance`: seconds, None for any age.

    `past_only`: times in the future are accepted.
    """

    source: str
    unit: Unit = "s"
    tolerance: int | None = 300
    past_only: bool = False


class BodyHash(_Part, frozen=True):
    """The source of the hex digest that is signed in place of the body."""

    source: str
    algorithm: Algorithm = "sha256"


class Scheme(_Part, frozen=True, kw_only=True):
    """How a request is verified.

    `signed` is a template over {body} {url} {method} {timestamp} {secret} {sorted_form} {header:x} {query:x} {form:x}
    {json:path}. `each`: the name of an array and, after a dot, of the signed object in each element: all must verify,
    and `json:` is read there. `require`: values that other sources must have (`$part`: that part of the secret).
    `payload`: the source of the JSON, if it isn't the body. `default_port`: the sender may sign the URL with or without
    its port. `spellings`: it may sign @ : and ' in the query escaped or unescaped, regardless of what it sends.
    """

    kind: Kind
    signature: Signature = Signature("header:authorization")
    algorithm: Algorithm = "sha256"
    signed: str = "{body}"
    key: Key = Key()
    timestamp: Timestamp | None = None
    each: str = ""
    require: dict[str, str] = {}
    body_hash: BodyHash | None = None
    payload: str = ""
    default_port: bool = False
    spellings: bool = False


class Named(_Part, frozen=True, kw_only=True):
    """How a request is verified by code: one of named.VERIFIERS, with its options.

    `keyless`: the sender signs with one key for all receivers, so there is no secret to store.
    """

    verifier: str
    tolerance: int | None = None
    keyless: bool = False
    options: dict[str, Any] = {}


class When(_Part, frozen=True, kw_only=True):
    """Which requests are a handshake: by method, present sources, and sources that equal a text."""

    method: str = ""
    present: tuple[str, ...] = ()
    equals: dict[str, str] = {}


class Respond(_Part, frozen=True, kw_only=True):
    """The answer. Templates name sources, {key:part} and {hmac/algorithm/encoding/source}."""

    status: int = 200
    body: str = ""
    json: dict[str, Any] | None = None
    headers: dict[str, str] = {}


class Handshake(_Part, frozen=True, kw_only=True):
    """A request by which a sender checks that a URL is ours. It is answered, and starts no run.

    `auth`: `signed`, like any event; `none`; `setup_only`, while no secret is stored; `token`, if the source `proof`
    equals the part `proof_part` of a secret. `store`: the source that becomes the trigger's secret. `call`: the
    source of an address to call before the answer, pinned by its shape.
    `shapes`: a pattern for the whole text of each echoed source. `denied`: the status if the proof differs.
    """

    key: str
    when: When
    auth: Literal["signed", "none", "setup_only", "token"] = "none"
    respond: Respond = Respond()
    proof: str = ""
    proof_part: str = "secret"
    store: str = ""
    call: str = ""
    shapes: dict[str, str] = {}
    denied: int = 401
    secret: Key = Key()
