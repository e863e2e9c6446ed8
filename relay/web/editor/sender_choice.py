"""Parses and shows the choice of a trigger's sender, and says how its requests are verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import QueryDict

from relay.connectors import registry
from relay.connectors.definition import Preset
from relay.engine.configuration import subscription_offers, subscriptions, trigger_secrets
from relay.errors import RelayError
from relay.flows.document import Verify, trigger_settings
from relay.flows.verification import Verification, label_of, verification
from relay.flows.verification import body_types as verified_types
from relay.models import Flow, TriggerSecret, TriggerSubscription
from relay.signatures import Named, Scheme
from relay.web.editor import event_types
from relay.web.ui import form_data

# Options of the select for schemes without a preset. The keys of presets have no "=".
GENERIC = {
    "=header": "A shared token in a header",
    "=basic": "User name and password (Basic)",
    "=hmac": "A signature that you describe (HMAC)",
}
ALGORITHMS = {"sha256": "SHA-256", "sha1": "SHA-1", "sha512": "SHA-512"}
ENCODINGS = {"hex": "hex", "base64": "base64", "base64url": "base64, for URLs"}
UNITS = {"s": "seconds since 1970", "ms": "milliseconds since 1970", "iso": "a date, as 2026-01-31T12:00:00Z"}
BODY_TYPES = {"json": "JSON", "form": "a form", "multipart": "a multipart form", "xml": "XML", "text": "text"}
KEYS = {"utf8": "text, as it is", "base64": "base64", "hex": "hex"}
TEXTS = {"header": 200, "prefix": 100, "signed": 1_000, "timestamp": 200}
CHOICES = {"algorithm": ALGORITHMS, "encoding": ENCODINGS, "unit": UNITS, "key": KEYS}
_KINDS = {
    "hmac": "Each request is signed with the secret",
    "digest": "Each request is signed with the secret",
    "public_key": "Each request is signed by the sender, and checked with its public key",
    "shared_secret": "Each request carries the secret itself",
    "basic": "Each request carries the user name and password",
}


@dataclass(frozen=True)
class Sender:
    """The part of the trigger's form about its sender. The dictionaries are the options of its selects."""

    flow: Flow
    trigger: dict[str, Any]
    generic: dict[str, str] = field(default_factory=lambda: GENERIC)
    algorithms: dict[str, str] = field(default_factory=lambda: ALGORITHMS)
    encodings: dict[str, str] = field(default_factory=lambda: ENCODINGS)
    units: dict[str, str] = field(default_factory=lambda: UNITS)
    keys: dict[str, str] = field(default_factory=lambda: KEYS)

    @property
    def chosen(self) -> str:
        return selected_choice(self.trigger)

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(key, preset.label) for key, (_, preset) in registry.presets().items()]

    @property
    def is_known(self) -> bool:
        """Whether the select has the document's choice; an imported document may have another."""
        return self.chosen in {"", *GENERIC, *registry.presets()}

    @cached_property
    def verify(self) -> Verify:
        return trigger_settings({"trigger": self.trigger}).verify

    @cached_property
    def _verification(self) -> Verification | RelayError:
        try:
            return verification(trigger_settings({"trigger": self.trigger}))
        except RelayError as error:
            return error

    @property
    def fault(self) -> str:
        return str(self._verification) if isinstance(self._verification, RelayError) else ""

    @property
    def about(self) -> Verification | None:
        return self._verification if isinstance(self._verification, Verification) else None

    @property
    def preset(self) -> Preset | None:
        return self.about.preset if self.about else None

    @property
    def event_types(self) -> str | None:
        """The accepted event types, "" for all, or None if the document has another kind of condition."""
        return event_types.types_text(self.trigger, self.preset) if self.preset else None

    @property
    def body_types(self) -> list[tuple[str, str]]:
        """The body types to choose from; none if the sender leaves no choice."""
        known = self.preset.body_types if self.preset else tuple(BODY_TYPES)
        return [(kind, BODY_TYPES[kind]) for kind in known if kind in BODY_TYPES] if len(known) > 1 else []

    @property
    def usual_body(self) -> str:
        """How bodies are read if the document doesn't say it."""
        without_choice = {key: value for key, value in self.trigger.items() if key != "body_type"}
        is_decided = verified_types(trigger_settings({"trigger": without_choice}))
        return "what they look like" if is_decided else "what their Content-Type header says"

    @property
    def body_type(self) -> str:
        return trigger_settings({"trigger": self.trigger}).body_type

    @property
    def docs(self) -> str:
        if self.preset is None:
            return ""
        return self.preset.docs or registry.presets()[self.preset.key][0].docs

    @property
    def is_verified(self) -> bool:
        return self.about is not None and self.about.how is not None

    @property
    def sentence(self) -> str:
        how = self.about.how if self.about else None
        if isinstance(how, Named):
            return "Each request is signed by the sender, and checked with the sender's own key."
        return f"{_KINDS[how.kind]}{self._age_limit(how)}." if how is not None else ""

    def _age_limit(self, how: Scheme) -> str:
        """Return how old a request may be, as a part of the sentence."""
        seconds = self.tolerance
        return f", and may be {seconds} s old" if how.timestamp and seconds else ""

    @property
    def usual_tolerance(self) -> int | None:
        how = self.about.how if self.about else None
        if isinstance(how, Named):
            return how.tolerance
        return how.timestamp.tolerance if how and how.timestamp else None

    @property
    def tolerance(self) -> int | None:
        return self.verify.tolerance or self.usual_tolerance

    @cached_property
    def secrets(self) -> list[TriggerSecret]:
        """The secrets of the chosen sender."""
        return list(self.flow.trigger.secrets.for_senders(self.about.sender if self.about else ""))

    @cached_property
    def former(self) -> list[tuple[TriggerSecret, str]]:
        """The secrets of former senders, with the label of each sender."""
        return [(secret, label_of(secret.sender)) for secret in trigger_secrets.former_secrets(self.flow)]

    @cached_property
    def live(self) -> list[tuple[TriggerSecret, str]]:
        """The secrets that only the live version uses, with the label of each sender."""
        shown = {secret.pk for secret in (*self.secrets, *(secret for secret, _ in self.former))}
        return [
            (secret, label_of(secret.sender)) for secret in self.flow.trigger.secrets.all() if secret.pk not in shown
        ]

    @property
    def connects_to(self) -> str:
        """The sender at which Relay can make the webhook by itself; "" for others."""
        offered = subscription_offers.offer(self.flow)
        return offered.preset.label if offered else ""

    @cached_property
    def subscription(self) -> TriggerSubscription | None:
        """The webhook that Relay has made, of the chosen sender or a former one."""
        return subscriptions.of_flow(self.flow)

    @property
    def subscription_label(self) -> str:
        _, preset = registry.presets().get(self.subscription.preset if self.subscription else "", (None, None))
        return preset.label if preset else ""

    @property
    def in_force(self) -> int:
        return sum(not secret.is_over for secret in self.secrets)

    @property
    def takes_secret(self) -> bool:
        return bool(self.about and self.about.secret)

    @property
    def brings_secret(self) -> bool:
        return any(handshake.store for handshake in self.about.handshakes) if self.about else False


def selected_choice(trigger: dict[str, Any]) -> str:
    """Return what the select shows: a preset's key, a generic scheme, or ""."""
    verify = trigger.get("verify")
    scheme = verify.get("scheme") if isinstance(verify, dict) else None
    preset = trigger.get("preset")
    if isinstance(preset, str) and preset:
        return preset if scheme in (None, "", preset) else f"{preset} {scheme}"
    known = {"", "none", None}
    return "" if scheme in known else f"={scheme}" if f"={scheme}" in GENERIC else str(scheme)


def apply(trigger: dict[str, Any], data: QueryDict) -> None:
    """Put the posted choice into a trigger. A changed choice removes the settings of the former sender."""
    if "sender" not in data:
        return
    choice = form_data.text(data, "sender", limit=100)
    former = _preset(trigger)
    if choice != selected_choice(trigger):
        if former is not None:
            event_types.remove(trigger, former)
        _choose(trigger, choice)
        return
    if former is not None and former.event:
        event_types.apply(trigger, data, former)
    _apply_body_type(trigger, data)
    verify = trigger.get("verify")
    verify = dict(verify) if isinstance(verify, dict) else {}
    for key, value in _posted(data).items():
        if value in ("", None):
            verify.pop(key, None)
        else:
            verify[key] = value
    if verify:
        trigger["verify"] = verify
    else:
        trigger.pop("verify", None)


def _choose(trigger: dict[str, Any], choice: str) -> None:
    for key in ("preset", "verify", "body_type"):
        trigger.pop(key, None)
    if choice.startswith("="):
        trigger["verify"] = {"scheme": choice[1:]}
    elif choice:
        trigger["preset"] = choice


def _apply_body_type(trigger: dict[str, Any], data: QueryDict) -> None:
    if data.get("body_type") in BODY_TYPES:
        trigger["body_type"] = data["body_type"]
    elif "body_type" in data:
        trigger.pop("body_type", None)


def _preset(trigger: dict[str, Any]) -> Preset | None:
    _, preset = registry.presets().get(str(trigger.get("preset") or ""), (None, None))
    return preset


def _posted(data: QueryDict) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, limit in TEXTS.items():
        if f"verify.{key}" in data:
            values[key] = form_data.text(data, f"verify.{key}", limit=limit).strip()
    for key, choices in CHOICES.items():
        if data.get(f"verify.{key}") in choices:
            values[key] = data[f"verify.{key}"]
    if "verify.tolerance" in data:
        text = form_data.text(data, "verify.tolerance", limit=7).strip()
        values["tolerance"] = int(text) if text.isascii() and text.isdigit() else None
    return values
