"""The words in which a sender is described: how its requests are verified, and what it asks before it sends any."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal["hmac", "digest", "public_key", "shared_secret", "basic"]
Algorithm = Literal["sha1", "sha256", "sha512", "ed25519", "ecdsa-p256-sha256"]
# A hash in hex letters of both cases is one value; `lower_hex` takes it from senders that write one case alone.
Encoding = Literal["hex", "lower_hex", "base64", "base64url", "text"]
KeyEncoding = Literal["utf8", "base64", "hex", "sha1", "der"]
Unit = Literal["s", "ms", "iso"]

# What an echo may hold where its handshake says nothing narrower: a line of printable ASCII.
ECHO = r"[\x20-\x7e]{1,1024}"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One piece of data; a word that isn't known is a fault."""


class Key(_Part, frozen=True):
    """How a secret becomes a key. `part`: the name of its value where a secret has several."""

    encoding: KeyEncoding = "utf8"
    strip: tuple[str, ...] = ()
    normalize: Literal["", "NFKD"] = ""
    part: str = "secret"


class Signature(_Part, frozen=True):
    """Where the signature stands and how it is written.

    `source`: `header:x`, `query:x`, `form:x` or `json:path`, or several of them. `numbered`: the start of the name of
    headers that go on with a number. `split`, `kv`, `field`: a list of names and values, of which those called `field`
    are signatures (`$part`: called as that part of the secret says).
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
    """When it was sent: `sig:t` is a field of the signature's list. `tolerance`: seconds, None for any age.

    `past_only`: a clock that goes ahead is no fault.
    """

    source: str
    unit: Unit = "s"
    tolerance: int | None = 300
    past_only: bool = False


class BodyHash(_Part, frozen=True):
    """Where the hex digest of the body stands that is signed in its place."""

    source: str
    algorithm: Algorithm = "sha256"


class Scheme(_Part, frozen=True, kw_only=True):
    """How a request is verified.

    `signed` is a template over {body} {url} {method} {timestamp} {secret} {sorted_form} {header:x} {query:x} {form:x}
    {json:path}. `each`: the path of an array, every element of which must verify; `json:` is then read in the element.
    `require`: what else a source must be (`$part`: as that part of the secret). `payload`: where the JSON stands, if
    not in the body. `default_port`: the sender may have signed the URL with or without its port.
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


class Named(_Part, frozen=True, kw_only=True):
    """How a request is verified where it takes code: which of named.VERIFIERS, and what that is told.

    `keyless`: the sender signs with a key of its own for everybody, so that there is no secret to store.
    """

    verifier: str
    tolerance: int | None = None
    keyless: bool = False
    options: dict[str, Any] = {}


class When(_Part, frozen=True, kw_only=True):
    """Which requests are a handshake: by method, sources that are there, and sources that equal a text."""

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
    """What a sender asks to see that its URL is ours: answered, and no run is started.

    `auth`: `signed`, like any event; `none`; `setup_only`, as long as no secret is stored; `token`, where the source
    `proof` equals the part `proof_part` of a secret. `store`: the source that becomes the trigger's secret. `call`: the
    source of an address to call before it is answered, pinned by its shape.
    `shapes`: what a source that is echoed must match whole. `denied`: the status where that is another.
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
