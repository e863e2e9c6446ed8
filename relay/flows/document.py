"""The flow document, format 1, as types. What a step or trigger may hold is declared here and nowhere else."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from relay.backoff import DEFAULT_DELAYS

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
OnError = Literal["stop", "continue"]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One object of the document; unknown keys are faults."""


class Response(_Part, kw_only=True, frozen=True):
    """What a caller is answered; an empty body means the event's id as JSON."""

    status: int = 202
    headers: dict[str, str] = {}
    body: str = ""


class Verify(_Part, kw_only=True, frozen=True):
    """How a sender is verified; `none` so far."""

    scheme: str = "none"


class Dedupe(_Part, kw_only=True, frozen=True):
    """What comes again with the same `key` (a template over `event`) within `window` is the same event."""

    key: str
    window: str = "24h"


class TriggerSettings(_Part, kw_only=True, frozen=True):
    """The document's `trigger`: how a flow starts, and what its URL takes. `max_bytes` 0: the installation's."""

    kind: Literal["webhook", "manual"]
    preset: str | None = None
    methods: tuple[Method, ...] = ("POST", "PUT", "PATCH")
    verify: Verify = Verify()
    dedupe: Dedupe | None = None
    only: Any = None
    response: Response = Response()
    allow_ips: tuple[str, ...] = ()
    rate: str | None = None
    max_bytes: int = 0


class Retry(_Part, kw_only=True, frozen=True):
    """After which delays an action is tried again."""

    delays: tuple[str, ...] = DEFAULT_DELAYS


class _Step(_Part, tag_field="kind", frozen=True):
    id: str
    name: str = ""
    note: str = ""
    disabled: bool = False


class Filter(_Step, tag="filter", kw_only=True, frozen=True):
    """Ends the run where its condition doesn't hold."""

    when: Any


class Set(_Step, tag="set", kw_only=True, frozen=True):
    """Names values for later steps."""

    values: dict[str, Any]


class Action(_Step, tag="action", kw_only=True, frozen=True):
    """One delivery."""

    action: str
    connection: str | None = None
    inputs: dict[str, Any] = {}
    retry: Retry = Retry()
    timeout: str | None = None
    success: Any = None
    on_error: OnError = "stop"


Step = Filter | Set | Action


class Alerts(_Part, kw_only=True, frozen=True):
    """When people are told."""

    on: str = "final_failure"
    silence: str | None = None


class Settings(_Part, kw_only=True, frozen=True):
    """What holds for the whole flow. No `retention`: the workspace's. `order_key`: a template over `event`."""

    concurrency: int = 16
    ordered: bool = False
    order_key: str = ""
    retention: str | None = None
    store_bodies: bool = True
    alerts: Alerts = Alerts()


class Document(_Part, kw_only=True, frozen=True):
    """A whole flow document."""

    relay: Literal[1]
    name: str
    description: str = ""
    folder: str = ""
    title: str = ""
    trigger: TriggerSettings
    steps: list[Step]
    settings: Settings = Settings()


def document_to_json(document: Document) -> dict[str, Any]:
    """The document as plain JSON values, defaults left out, keys in the order declared."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(_lean(document)))
    return plain


def _lean(part: _Part) -> _Part:
    """The part with the very defaults wherever something equals one: msgspec leaves those out by identity."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        is_usual = type(value) is type(field.default) and value == field.default
        values[field.name] = field.default if is_usual else _leaned(value)
    return type(part)(**values)


def _leaned(value: Any) -> Any:
    if isinstance(value, list):
        return [_leaned(one) for one in value]
    return _lean(value) if isinstance(value, _Part) else value


def trigger_settings(document: dict[str, Any]) -> TriggerSettings:
    """The trigger part of a stored document, which may be a half-built draft: what can't be read is the default."""
    try:
        return msgspec.convert(document.get("trigger"), TriggerSettings)
    except msgspec.ValidationError:
        return TriggerSettings(kind="webhook")
