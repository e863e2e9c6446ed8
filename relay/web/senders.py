"""Who sends to a trigger's URL: the choice in its form, and what is verified, in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import QueryDict

from relay.connectors import registry
from relay.connectors.definition import Preset
from relay.engine import secrets
from relay.errors import RelayError
from relay.flows.document import Verify, trigger_settings
from relay.flows.verification import Verification, label_of, verification
from relay.models import Flow, TriggerSecret
from relay.signatures import Named, Scheme
from relay.web import eventtypes, posted

# What a select posts for a scheme of no sender in particular; the keys of presets have no "=".
GENERIC = {
    "=header": "A shared token in a header",
    "=basic": "User name and password (Basic)",
    "=hmac": "A signature of your own description (HMAC)",
}
ALGORITHMS = {"sha256": "SHA-256", "sha1": "SHA-1", "sha512": "SHA-512"}
ENCODINGS = {"hex": "hex", "base64": "base64", "base64url": "base64, for URLs"}
UNITS = {"s": "seconds since 1970", "ms": "milliseconds since 1970", "iso": "a date, as 2026-01-31T12:00:00Z"}
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
    """The trigger form's part about its sender."""

    flow: Flow
    trigger: dict[str, Any]
    generic: dict[str, str] = field(default_factory=lambda: GENERIC)
    algorithms: dict[str, str] = field(default_factory=lambda: ALGORITHMS)
    encodings: dict[str, str] = field(default_factory=lambda: ENCODINGS)
    units: dict[str, str] = field(default_factory=lambda: UNITS)
    keys: dict[str, str] = field(default_factory=lambda: KEYS)

    @property
    def chosen(self) -> str:
        return chosen(self.trigger)

    @property
    def choices(self) -> list[tuple[str, str]]:
        return [(key, preset.label) for key, (_, preset) in registry.presets().items()]

    @property
    def is_known(self) -> bool:
        """Whether the select has what the document says; an imported one may say more."""
        return self.chosen in {"", *GENERIC, *registry.presets()}

    @cached_property
    def verify(self) -> Verify:
        return trigger_settings({"trigger": self.trigger}).verify

    @cached_property
    def _found(self) -> Verification | RelayError:
        try:
            return verification(trigger_settings({"trigger": self.trigger}))
        except RelayError as error:
            return error

    @property
    def fault(self) -> str:
        return str(self._found) if isinstance(self._found, RelayError) else ""

    @property
    def about(self) -> Verification | None:
        return self._found if isinstance(self._found, Verification) else None

    @property
    def preset(self) -> Preset | None:
        return self.about.preset if self.about else None

    @property
    def event_types(self) -> str | None:
        """The types of event that are taken, "" for all; None where the document says it in another way."""
        return eventtypes.shown(self.trigger, self.preset) if self.preset else None

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
        return f"{_KINDS[how.kind]}{self._age(how)}." if how is not None else ""

    def _age(self, how: Scheme) -> str:
        """Of how old a request may be."""
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
        """Those that count for who is chosen."""
        return list(self.flow.trigger.secrets_of(self.about.sender if self.about else ""))

    @cached_property
    def former(self) -> list[tuple[TriggerSecret, str]]:
        """Those of former senders, with whose they are."""
        return [(one, label_of(one.sender)) for one in secrets.former(self.flow)]

    @cached_property
    def live(self) -> list[tuple[TriggerSecret, str]]:
        """Those that count for the live version alone, with whose they are."""
        shown = {one.pk for one in (*self.secrets, *(one for one, _ in self.former))}
        return [(one, label_of(one.sender)) for one in self.flow.trigger.secrets.all() if one.pk not in shown]

    @property
    def in_force(self) -> int:
        return sum(not secret.is_over for secret in self.secrets)

    @property
    def takes_secret(self) -> bool:
        return bool(self.about and self.about.secret)

    @property
    def brings_secret(self) -> bool:
        return any(one.store for one in self.about.handshakes) if self.about else False


def chosen(trigger: dict[str, Any]) -> str:
    """What the select shows: a preset's key, a generic scheme, or nothing."""
    verify = trigger.get("verify")
    scheme = verify.get("scheme") if isinstance(verify, dict) else None
    preset = trigger.get("preset")
    if isinstance(preset, str) and preset:
        return preset if scheme in (None, "", preset) else f"{preset} {scheme}"
    known = {"", "none", None}
    return "" if scheme in known else f"={scheme}" if f"={scheme}" in GENERIC else str(scheme)


def apply(trigger: dict[str, Any], data: QueryDict) -> None:
    """Put the posted choice into a trigger; another choice than the shown one drops what was said of the former."""
    if "sender" not in data:
        return
    choice = posted.text(data, "sender", limit=100)
    former = _preset(trigger)
    if choice != chosen(trigger):
        if former is not None:
            eventtypes.drop(trigger, former)
        trigger.pop("preset", None)
        trigger.pop("verify", None)
        if choice.startswith("="):
            trigger["verify"] = {"scheme": choice[1:]}
        elif choice:
            trigger["preset"] = choice
        return
    if former is not None and former.event:
        eventtypes.apply(trigger, data, former)
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


def _preset(trigger: dict[str, Any]) -> Preset | None:
    _, found = registry.presets().get(str(trigger.get("preset") or ""), (None, None))
    return found


def _posted(data: QueryDict) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, limit in TEXTS.items():
        if f"verify.{key}" in data:
            found[key] = posted.text(data, f"verify.{key}", limit=limit).strip()
    for key, choices in CHOICES.items():
        if data.get(f"verify.{key}") in choices:
            found[key] = data[f"verify.{key}"]
    if "verify.tolerance" in data:
        text = posted.text(data, "verify.tolerance", limit=7).strip()
        found["tolerance"] = int(text) if text.isascii() and text.isdigit() else None
    return found
