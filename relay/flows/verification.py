"""How a trigger verifies its sender: what its document says, its preset, and the generic schemes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from relay.connectors import registry
from relay.connectors.definition import SIGNING_SECRET, Field, Preset
from relay.errors import RelayError
from relay.flows.document import Dedupe, Response, TriggerSettings, Verify
from relay.signatures import Handshake, Key, Named, Scheme, Signature, Timestamp, generic, verifier

MOST_TOLERANCE = 7 * 86_400
BASIC_SECRET = (
    Field("username", "User name", required=True),
    Field("password", "Password", required=True, secret=True),
)


@dataclass(frozen=True, slots=True)
class Verification:
    """`how` None: nothing is verified. `secret`: what has to be stored for it. `label`: the sender, for people.

    `sender`: by whom and how, in one word; what is stored for another one doesn't count.
    """

    how: Scheme | Named | None = None
    label: str = ""
    preset: Preset | None = None
    secret: tuple[Field, ...] = ()
    handshakes: tuple[Handshake, ...] = ()
    sender: str = ""


def verification(trigger: TriggerSettings) -> Verification:
    """What the trigger asks for; RelayError where that is not a sound way to verify."""
    preset = registry.preset(trigger.preset) if trigger.preset else None
    name = trigger.verify.scheme
    handshakes = preset.handshakes if preset else ()
    if name == "none" or (not name and preset is None):
        label, secret = (preset.label, preset.secret) if preset and handshakes else ("", ())
        return Verification(None, label, preset, secret, handshakes, preset.key if preset else "")
    if name in GENERIC:
        label, secret, build = GENERIC[name]
        sender = f"{preset.key} {name}" if preset else name
        found = Verification(build(trigger.verify), label, preset, secret, handshakes, sender)
    else:
        found = _of_preset(name, preset)
    _check(found, trigger.verify)
    return found


def _of_preset(name: str, preset: Preset | None) -> Verification:
    one = preset
    if name and not (preset and name in (preset.key, preset.verifies_as)):
        known = [other for _, other in registry.presets().values() if name in (other.key, other.verifies_as)]
        if not known:
            raise RelayError(f"There is no scheme “{name}”; it is a preset's key, {', '.join(GENERIC)} or none")
        one = next((other for other in known if other.key == name), known[0])
    if one is None:
        raise RelayError("There is no scheme")
    sender = one.key if preset is None or preset is one else f"{preset.key} {one.key}"
    return Verification(one.verify, one.label, preset, one.secret, (preset or one).handshakes, sender)


def _check(found: Verification, verify: Verify) -> None:
    if verify.tolerance is not None and not 0 < verify.tolerance <= MOST_TOLERANCE:
        raise RelayError(f"The tolerance is between 1 and {MOST_TOLERANCE} s")
    try:
        if found.how is not None:
            verifier(found.how)
    except ValueError as error:
        raise RelayError(str(error)) from None


def _header(verify: Verify) -> Scheme:
    return generic.shared(f"header:{_named(verify.header)}")


def _hmac(verify: Verify) -> Scheme:
    if "{body}" not in verify.signed:
        raise RelayError("What is signed has to hold {body}: else anyone could put another body behind a signature")
    if bool(verify.timestamp) != ("{timestamp}" in verify.signed):
        raise RelayError("A timestamp needs both: its header, and {timestamp} in what is signed")
    return Scheme(
        kind="hmac",
        algorithm=verify.algorithm,
        signature=Signature(f"header:{_named(verify.header)}", verify.encoding, prefix=verify.prefix),
        signed=verify.signed,
        key=Key(verify.key),
        timestamp=Timestamp(f"header:{verify.timestamp}", verify.unit) if verify.timestamp else None,
    )


def _named(header: str) -> str:
    if not header.strip() or not header.isascii() or any(letter in header for letter in " :\t\r\n"):
        raise RelayError("The name of the header is needed in which it comes")
    return header


def label_of(sender: str) -> str:
    """A `sender` for people."""
    known = {key: about[0] for key, about in GENERIC.items()}
    known |= {key: preset.label for key, (_, preset) in registry.presets().items()}
    return ", ".join(known.get(word, word) for word in sender.split())


GENERIC: dict[str, tuple[str, tuple[Field, ...], Callable[[Verify], Scheme]]] = {
    "header": ("A shared token in a header", SIGNING_SECRET, _header),
    "basic": ("User name and password (Basic)", BASIC_SECRET, lambda _: generic.BASIC),
    "hmac": ("HMAC of the request", SIGNING_SECRET, _hmac),
    "standard_webhooks": ("Standard Webhooks", SIGNING_SECRET, lambda _: generic.standard_webhooks()),
}


def with_preset(trigger: TriggerSettings) -> TriggerSettings:
    """The trigger with what its preset says of duplicates and answers, where the document says nothing of it."""
    preset = _preset(trigger)
    if preset is None:
        return trigger
    changed: dict[str, Any] = {}
    if trigger.dedupe is None and preset.dedupe:
        changed["dedupe"] = Dedupe(key=preset.dedupe)
    if trigger.response == Response():
        success = preset.success
        changed["response"] = Response(status=success.status, headers=success.headers, body=success.body or "")
    return replace(trigger, **changed)


def answers_bare(trigger: TriggerSettings) -> bool:
    """Whether the sender wants an answer without a body, not even the event's id."""
    preset = _preset(trigger)
    return preset is not None and trigger.response == Response() and preset.success.body == ""


def content_type(trigger: TriggerSettings) -> str:
    """What the sender's bodies are, whatever it calls them; "" where its word is taken."""
    preset = _preset(trigger)
    return preset.content_type if preset else ""


def _preset(trigger: TriggerSettings) -> Preset | None:
    try:
        return registry.preset(trigger.preset) if trigger.preset else None
    except RelayError:
        return None
