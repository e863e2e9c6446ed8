"""Declares the flow document, format 1, as types; those of steps are in `step_types`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from relay.flows.forms import Input
from relay.flows.step_types import (
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
    """The answer to the caller; an empty body means the event's id as JSON.

    `wait`: how long the caller is held until a respond step has run.
    """

    status: int = 202
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: str = ""
    wait: str | None = None


class Verify(Part, kw_only=True, frozen=True):
    """How a sender is verified. Without a `scheme`, the trigger's preset decides; without both, nothing is.

    `scheme`: a preset's key, `header` (a shared token), `basic`, `hmac`, `standard_webhooks` or `none`. `tolerance`:
    the age in seconds that a request may have, in place of the preset's. The other keys belong to `hmac`, and `header`
    also to the scheme `header`: `signed` is a template of the signed text, `timestamp` the header with the time. For
    `hmac`, `header` and `timestamp` may be `body:NAME`, a field of a form or of JSON, and `signed` then names fields
    as {body:NAME}.
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
    """An event whose `key` (a template over `event`) was seen within `window` is a duplicate."""

    key: str
    window: str = "24h"


class TriggerSettings(Part, kw_only=True, frozen=True):
    """The document's `trigger`: how a flow starts, and what its URL accepts. `max_bytes` 0: the installation's limit.

    `body_type`: how bodies are read, regardless of the requests' Content-Type header.
    `files`: paths of the fields of JSON that hold files in base64, such as `Attachments.Content`.
    `split`: a template over `event` that gives a list; each element becomes a run.
    For a schedule: `cron` or `every`; `catch_up` says whether missed times are skipped or made up for by one run. For
    a manual flow: `inputs`, its form.
    """

    kind: Literal["webhook", "schedule", "manual"]
    preset: str | None = None
    methods: tuple[Method, ...] = ("POST", "PUT", "PATCH")
    body_type: Literal["", "json", "form", "multipart", "xml", "text"] = ""
    verify: Verify = Verify()
    dedupe: Dedupe | None = None
    only: Any = None
    response: Response = Response()
    allow_ips: tuple[str, ...] = ()
    rate: str | None = None
    max_bytes: int = 0
    files: tuple[str, ...] = ()
    split: str = ""
    cron: str | None = None
    every: str | None = None
    timezone: str = "UTC"
    catch_up: Literal["one", "skip"] = "one"
    inputs: tuple[Input, ...] = ()


class Alerts(Part, kw_only=True, frozen=True):
    """When alerts are sent. `silence`: for how long an alert for the same issue is not repeated; None: one hour."""

    on: Literal["final_failure", "first_failure", "never"] = "final_failure"
    silence: str | None = None


class Settings(Part, kw_only=True, frozen=True):
    """Settings of the whole flow. Without `retention`, the workspace's applies. `order_key`: a template over `event`.

    `timezone`: for dates and times that name none; None: the workspace's.
    """

    concurrency: int = 16
    ordered: bool = False
    order_key: str = ""
    retention: str | None = None
    store_bodies: bool = True
    timezone: str | None = None
    alerts: Alerts = Alerts()


class Document(Part, kw_only=True, frozen=True):
    """A whole flow document. `constants`: values that its templates read as `constants.<name>`."""

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
    """Converts a document to plain JSON values, without defaults, with keys in the declared order."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(_with_defaults(document)))
    return plain


def _with_defaults(part: Part) -> Part:
    """Replaces values that equal a default by the default object itself: msgspec omits defaults by identity."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(part):
        value = getattr(part, field.name)
        is_default = type(value) is type(field.default) and value == field.default
        values[field.name] = field.default if is_default else _value_with_defaults(value)
    return type(part)(**values)


def _value_with_defaults(value: Any) -> Any:
    if isinstance(value, list):
        return [_value_with_defaults(item) for item in value]
    return _with_defaults(value) if isinstance(value, Part) else value


def trigger_settings(document: dict[str, Any]) -> TriggerSettings:
    """The trigger of a stored document; the default if it cannot be read, as in an incomplete draft."""
    try:
        return msgspec.convert(document.get("trigger"), TriggerSettings)
    except msgspec.ValidationError:
        return TriggerSettings(kind="webhook")


def is_readable(document: dict[str, Any]) -> bool:
    """Whether the trigger's verification can be read; if it can't, every request has to be refused."""
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
