"""The flow document, format 1, as types. What a trigger may hold is declared here, what a step may in `kinds`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from relay.flows.forms import Input
from relay.flows.kinds import (
    Action,
    Arm,
    Branch,
    Changed,
    Delay,
    Digest,
    Filter,
    Loop,
    Once,
    OnError,
    Part,
    Respond,
    Retry,
    Set,
    Step,
    blocks,
    every,
)

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class Response(Part, kw_only=True, frozen=True):
    """What a caller is answered; an empty body means the event's id as JSON.

    `wait`: how long the caller is held for what a step responds.
    """

    status: int = 202
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: str = ""
    wait: str | None = None


class Verify(Part, kw_only=True, frozen=True):
    """How a sender is verified. No `scheme`: as the trigger's preset says, and not at all without one.

    `scheme`: a preset's key, `header` (a shared token), `basic`, `hmac`, `standard_webhooks` or `none`. `tolerance`:
    seconds that a request may be old, in place of the preset's. The rest is for `hmac`, `header` for `header` too:
    `signed` is a template over what is signed, `timestamp` the header that says when.
    """

    scheme: str = ""
    tolerance: int | None = None
    header: str = ""
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64", "base64url"] = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp: str = ""
    unit: Literal["s", "ms", "iso"] = "s"
    key: Literal["utf8", "base64", "hex"] = "utf8"


class Dedupe(Part, kw_only=True, frozen=True):
    """What comes again with the same `key` (a template over `event`) within `window` is the same event."""

    key: str
    window: str = "24h"


class TriggerSettings(Part, kw_only=True, frozen=True):
    """The document's `trigger`: how a flow starts, and what its URL takes. `max_bytes` 0: the installation's.

    `split`: a template over `event` that gives a list, each element of which is a run of its own.
    Of a schedule: `cron` or `every`, and whether moments that were missed are skipped or made up for by one run. Of one
    that is started by hand: `inputs`, its form.
    """

    kind: Literal["webhook", "schedule", "manual"]
    preset: str | None = None
    methods: tuple[Method, ...] = ("POST", "PUT", "PATCH")
    verify: Verify = Verify()
    dedupe: Dedupe | None = None
    only: Any = None
    response: Response = Response()
    allow_ips: tuple[str, ...] = ()
    rate: str | None = None
    max_bytes: int = 0
    split: str = ""
    cron: str | None = None
    every: str | None = None
    timezone: str = "UTC"
    catch_up: Literal["one", "skip"] = "one"
    inputs: tuple[Input, ...] = ()


class Alerts(Part, kw_only=True, frozen=True):
    """When people are told. `silence`: for how long the same issue is not told again; None: the usual hour."""

    on: Literal["final_failure", "first_failure", "never"] = "final_failure"
    silence: str | None = None


class Settings(Part, kw_only=True, frozen=True):
    """What holds for the whole flow. No `retention`: the workspace's. `order_key`: a template over `event`.

    `timezone`: of dates and times that name none; None: the workspace's.
    """

    concurrency: int = 16
    ordered: bool = False
    order_key: str = ""
    retention: str | None = None
    store_bodies: bool = True
    timezone: str | None = None
    alerts: Alerts = Alerts()


class Document(Part, kw_only=True, frozen=True):
    """A whole flow document. `constants`: values that its templates call `constants.<name>`."""

    relay: Literal[1]
    name: str
    description: str = ""
    folder: str = ""
    title: str = ""
    trigger: TriggerSettings
    steps: list[Step]
    settings: Settings = Settings()
    constants: dict[str, Any] = msgspec.field(default_factory=dict)


def document_to_json(document: Document) -> dict[str, Any]:
    """The document as plain JSON values, defaults left out, keys in the order declared."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(_lean(document)))
    return plain


def _lean(part: Part) -> Part:
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
    return _lean(value) if isinstance(value, Part) else value


def trigger_settings(document: dict[str, Any]) -> TriggerSettings:
    """The trigger part of a stored document, which may be a half-built draft: what can't be read is the default."""
    try:
        return msgspec.convert(document.get("trigger"), TriggerSettings)
    except msgspec.ValidationError:
        return TriggerSettings(kind="webhook")


def is_readable(document: dict[str, Any]) -> bool:
    """Whether how the trigger verifies can be read: what can't must let nobody in."""
    trigger = document.get("trigger")
    if not isinstance(trigger, dict) or not trigger.keys() & {"verify", "preset"}:
        return True
    try:
        msgspec.convert(trigger, TriggerSettings)
    except msgspec.ValidationError:
        return False
    return True


__all__ = [
    "Action",
    "Alerts",
    "Arm",
    "Branch",
    "Changed",
    "Dedupe",
    "Delay",
    "Digest",
    "Document",
    "Filter",
    "Loop",
    "Method",
    "OnError",
    "Once",
    "Respond",
    "Response",
    "Retry",
    "Set",
    "Settings",
    "Step",
    "TriggerSettings",
    "Verify",
    "blocks",
    "document_to_json",
    "every",
    "is_readable",
    "trigger_settings",
]
