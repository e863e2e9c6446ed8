"""Decides how a trigger verifies its sender, by its document, its preset and the generic schemes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from relay.bodies.body_types import SIGNED, BodyType, BodyTypes
from relay.connectors import registry
from relay.connectors.definition import SIGNING_SECRET, Field, Preset
from relay.errors import RelayError
from relay.flows.document import Dedupe, Response, TriggerSettings, Verify
from relay.signatures import Handshake, Key, Named, Scheme, Signature, Timestamp, generic, verifier

_IN_BODY = "body:"
MAX_TOLERANCE_SECONDS = 7 * 86_400
BASIC_SECRET = (
    Field("username", "User name", required=True),
    Field("password", "Password", required=True, secret=True),
)


@dataclass(frozen=True, slots=True)
class Verification:
    """How requests are verified. `how` None: not at all. `secret`: the fields to store. `label`: the sender's name.

    `sender`: identifies preset and scheme; secrets that are stored for another sender don't count.
    `body_types`: the types as which bodies are read; empty if the Content-Type header decides.
    """

    how: Scheme | Named | None = None
    label: str = ""
    preset: Preset | None = None
    secret: tuple[Field, ...] = ()
    handshakes: tuple[Handshake, ...] = ()
    sender: str = ""
    body_types: BodyTypes = ()

    @property
    def form_fields(self) -> tuple[str, ...]:
        """The fields of the sender's forms that hold JSON or XML."""
        return self.preset.form_fields if self.preset else ()


def verification(trigger: TriggerSettings) -> Verification:
    """The verification that a trigger asks for. Raises RelayError if it is not a sound one."""
    preset = registry.preset(trigger.preset) if trigger.preset else None
    name = trigger.verify.scheme
    if name == "none" or (not name and preset is None):
        result = _unverified(preset)
    elif name in GENERIC:
        result = _generic(name, trigger.verify, preset)
    else:
        result = _of_preset(name, preset)
    _check(result, trigger.verify)
    return _with_body_type(result, trigger.body_type) if trigger.body_type else result


def _unverified(preset: Preset | None) -> Verification:
    if preset is None:
        return Verification()
    label, secret = (preset.label, preset.secret) if preset.handshakes else ("", ())
    return Verification(None, label, preset, secret, preset.handshakes, preset.key, preset.body_types)


def _generic(name: str, verify: Verify, preset: Preset | None) -> Verification:
    label, secret, build = GENERIC[name]
    how = build(verify)
    if preset is not None:
        sender = f"{preset.key} {name}"
        return Verification(how, label, preset, secret, preset.handshakes, sender, preset.body_types)
    return Verification(how, label, None, secret, (), name, SIGNED if _signs_the_body_alone(how) else ())


def _signs_the_body_alone(how: Scheme) -> bool:
    """Whether the body is signed but not the Content-Type header, so that anyone could resend it with another one."""
    return how.kind == "hmac" and "{header:content-type}" not in how.signed.lower()


def _with_body_type(current: Verification, body_type: BodyType) -> Verification:
    """The verification with the document's `body_type`, which has to be one of the preset's types."""
    if current.body_types not in ((), SIGNED) and body_type not in current.body_types:
        raise RelayError(
            f"{current.label or 'The sender'} sends {' or '.join(current.body_types)}, and never {body_type}"
        )
    return dataclasses.replace(current, body_types=(body_type,))


def _of_preset(name: str, preset: Preset | None) -> Verification:
    match = preset
    if name and not (preset and name in (preset.key, preset.verifies_as)):
        matches = [
            candidate for _, candidate in registry.presets().values() if name in (candidate.key, candidate.verifies_as)
        ]
        if not matches:
            raise RelayError(f"There is no scheme “{name}”; it is a preset's key, {', '.join(GENERIC)} or none")
        match = next((candidate for candidate in matches if candidate.key == name), matches[0])
    if match is None:
        raise RelayError("There is no scheme")
    sender = match.key if preset is None or preset is match else f"{preset.key} {match.key}"
    base = preset or match
    return Verification(match.verify, match.label, preset, match.secret, base.handshakes, sender, base.body_types)


def _check(result: Verification, verify: Verify) -> None:
    if verify.tolerance is not None and not 0 < verify.tolerance <= MAX_TOLERANCE_SECONDS:
        raise RelayError(f"The tolerance is between 1 and {MAX_TOLERANCE_SECONDS} s")
    try:
        if result.how is not None:
            verifier(result.how, result.handshakes)
    except ValueError as error:
        raise RelayError(str(error)) from None


def _header(verify: Verify) -> Scheme:
    return generic.shared(f"header:{_header_name(verify.header)}")


def _hmac(verify: Verify) -> Scheme:
    is_in_body = verify.header.startswith(_IN_BODY)
    if is_in_body and f"{{{_IN_BODY}" not in verify.signed:
        raise RelayError("A signature in the body signs fields of the body: name them, as {body:timestamp}{body:token}")
    if not is_in_body and "{body}" not in verify.signed:
        raise RelayError("What is signed has to hold {body}: else anyone could put another body behind a signature")
    times = ("{timestamp}", f"{{{verify.timestamp}}}" if verify.timestamp.startswith(_IN_BODY) else "{timestamp}")
    if bool(verify.timestamp) != any(part in verify.signed for part in times):
        raise RelayError("A timestamp needs both: its header, and {timestamp} in what is signed")
    return Scheme(
        kind="hmac",
        algorithm=verify.algorithm,
        signature=Signature(_source(verify.header), verify.encoding, prefix=verify.prefix),
        signed=verify.signed,
        key=Key(verify.key),
        timestamp=Timestamp(_source(verify.timestamp), verify.unit) if verify.timestamp else None,
    )


def _source(name: str) -> str:
    """The source of a header by its name, or of a field of the body by `body:NAME`."""
    if not name.startswith(_IN_BODY):
        return f"header:{_header_name(name)}"
    if not name.removeprefix(_IN_BODY).strip():
        raise RelayError("The name of the field is needed, as body:signature")
    return name


def _header_name(name: str) -> str:
    if not name.strip() or not name.isascii() or any(letter in name for letter in " :\t\r\n"):
        raise RelayError("The name of the header is needed in which it comes")
    return name


def label_of(sender: str) -> str:
    """The name of a `sender`, for people."""
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
    """The trigger with the deduplication and answer of its preset, unless the document sets its own."""
    preset = _preset(trigger)
    if preset is None:
        return trigger
    changed: dict[str, Any] = {}
    if trigger.dedupe is None and preset.dedupe:
        changed["dedupe"] = Dedupe(key=_key(trigger.verify.scheme, preset))
    if trigger.response == Response():
        success = preset.success
        changed["response"] = Response(status=success.status, headers=success.headers, body=success.body or "")
    return replace(trigger, **changed)


def _key(scheme: str, preset: Preset) -> str:
    """The deduplication key of a preset. With another scheme, its headers may not be signed, so the body is the key."""
    own = {"", "none", "header", "basic", preset.key, preset.verifies_as}
    return preset.dedupe if scheme in own or "event.headers" not in preset.dedupe else "{{ event.raw }}"


def answers_bare(trigger: TriggerSettings) -> bool:
    """Whether the sender expects an answer without a body, not even the event's id."""
    preset = _preset(trigger)
    return preset is not None and trigger.response == Response() and preset.success.body == ""


def body_types(trigger: TriggerSettings) -> BodyTypes:
    """The types as which bodies are read; empty if the Content-Type header decides."""
    try:
        return verification(trigger).body_types
    except RelayError:
        return ()


def form_fields(trigger: TriggerSettings) -> tuple[str, ...]:
    """The fields of a form that hold JSON or XML."""
    preset = _preset(trigger)
    return preset.form_fields if preset else ()


def file_fields(trigger: TriggerSettings) -> tuple[str, ...]:
    """The paths in JSON that hold files in base64: the trigger's own, or else its preset's."""
    preset = _preset(trigger)
    return trigger.files or (preset.file_fields if preset else ())


def _preset(trigger: TriggerSettings) -> Preset | None:
    try:
        return registry.preset(trigger.preset) if trigger.preset else None
    except RelayError:
        return None
