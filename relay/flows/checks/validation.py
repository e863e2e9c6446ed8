"""Validates flow documents, and reports every fault with its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import msgspec

from relay import backoff, templating
from relay.bodies.text_encoding import encoded
from relay.connectors import registry
from relay.errors import DocumentFaults, Fault, RelayError, RequestRefused
from relay.flows import alerts, deadlines, retention
from relay.flows import document as doc
from relay.flows.checks import size_limits
from relay.flows.checks.answers import WITHOUT_BODY, written_faults
from relay.flows.checks.names import NOWHERE, condition_faults, template_faults
from relay.flows.checks.senders import faults as sender_faults
from relay.flows.checks.steps import ID, step_faults
from relay.flows.checks.triggers import kind_faults
from relay.flows.loading import load
from relay.flows.references import constant_faults
from relay.flows.structure_checks import faults as shape_faults
from relay.flows.verification import verification

MAX_FAULTS = 100  # that are reported of one document
MAX_CONSTANTS = 100
MAX_WAIT_SECONDS = 120.0
MAX_CONCURRENCY = 1_000
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_LENGTHS = {"name": 200, "description": 2_000, "folder": 100, "title": 2_000}


def parse_document(data: bytes | str | dict[str, Any]) -> doc.Document:
    """Parses a flow document from JSON or YAML text, or from plain values.

    Raises DocumentFaults with the first MAX_FAULTS faults.
    """
    value = load(data)
    size_faults = list(size_limits.faults(value))
    if size_faults:
        raise DocumentFaults(size_faults)
    faults = list(islice(shape_faults(value, doc.Document), MAX_FAULTS))
    if len(faults) == MAX_FAULTS:
        raise DocumentFaults(faults)
    if faults:
        raise DocumentFaults([*faults, *islice(step_faults(_valid_steps(value, faults)), MAX_FAULTS)])
    document = msgspec.convert(value, doc.Document)
    faults = list(islice(chain(_faults(document), constant_faults(value, document.constants)), MAX_FAULTS))
    if faults:
        raise DocumentFaults(faults)
    return document


def _valid_steps(value: Any, faults: list[Fault]) -> list[doc.Step]:
    """The steps with valid types, so that all their faults are reported at once; the others become blank steps."""
    steps = value.get("steps") if isinstance(value, dict) else None
    if not isinstance(steps, list):
        return []
    faulty = {fault.path.partition(".")[0] for fault in faults}
    return [
        _blank(step, index) if f"steps[{index}]" in faulty else msgspec.convert(step, doc.Step)
        for index, step in enumerate(steps)
    ]


def _blank(step: Any, index: int) -> doc.Step:
    step_id = step.get("id") if isinstance(step, dict) else None
    return doc.Set(id=step_id if isinstance(step_id, str) and ID.fullmatch(step_id) else f"_blank_{index}", values={})


def missing_connections(document: doc.Document, have: Mapping[str, str]) -> list[Fault]:
    """Faults of connections that the workspace lacks, or has for another connector. `have`: name -> connector."""
    return list(_missing(document.steps, "steps", have))


def _missing(steps: Sequence[doc.Step], path: str, have: Mapping[str, str]) -> Iterator[Fault]:
    for index, step in enumerate(steps):
        if step.disabled:
            continue
        step_path = f"{path}[{index}]"
        if isinstance(step, doc.Action) and step.connection is not None:
            connector, actual = registry.find(step.action)[0].key, have.get(step.connection)
            if actual != connector:
                reason = "does not exist" if actual is None else f"is for {actual}, not {connector}"
                yield Fault(f"{step_path}.connection", f"the connection “{step.connection}” {reason}")
        for inner, block in doc.blocks(step):
            yield from _missing(block, f"{step_path}.{inner}", have)


def self_redirect_faults(document: doc.Document, own: Sequence[str]) -> list[Fault]:
    """Faults of answers that redirect callers to Relay itself, which is served under the hosts `own`."""
    faults = list(written_faults(document.trigger.response.headers, "trigger.response.headers", own))
    return [*faults, *_respond_faults(document.steps, "steps", own)]


def _respond_faults(steps: Sequence[doc.Step], path: str, own: Sequence[str]) -> Iterator[Fault]:
    for index, step in enumerate(steps):
        step_path = f"{path}[{index}]"
        if isinstance(step, doc.Respond):
            yield from written_faults(step.headers, f"{step_path}.headers", own)
        for inner, block in doc.blocks(step):
            yield from _respond_faults(block, f"{step_path}.{inner}", own)


def _faults(document: doc.Document) -> Iterator[Fault]:
    for name, limit in MAX_LENGTHS.items():
        if len(getattr(document, name)) > limit:
            yield Fault(name, f"may have {limit} characters")
    if not document.name.strip():
        yield Fault("name", "is empty")
    scope = NOWHERE.with_names("item", "loop") if document.trigger.split else NOWHERE
    yield from template_faults(document.title, "title", scope)
    yield from _trigger(document.trigger)
    yield from _settings(document.settings)
    yield from step_faults(document.steps, scope)
    if document.settings.ordered and any(isinstance(step, doc.Digest) for step in doc.every(document.steps)):
        yield Fault("settings.ordered", "a digest gathers no runs that wait for one another")
    yield from _constants(document.constants)


def _constants(constants: dict[str, Any]) -> Iterator[Fault]:
    if len(constants) > MAX_CONSTANTS:
        yield Fault("constants", f"a flow may have {MAX_CONSTANTS} constants")
    for name, value in constants.items():
        if not ID.fullmatch(name):
            yield Fault(f"constants.{name[:60]}", "is not a name of letters, digits and _")
        elif isinstance(value, str) and templating.has_template(value):
            yield Fault(f"constants.{name}", "is a plain value; a step that sets values takes templates")


def _trigger(trigger: doc.TriggerSettings) -> Iterator[Fault]:
    yield from _verification(trigger)
    if not trigger.methods:
        yield Fault("trigger.methods", "is empty")
    if not 0 <= trigger.max_bytes <= MAX_BODY_BYTES:
        yield Fault("trigger.max_bytes", f"is between 1 and {MAX_BODY_BYTES}")
    yield from sender_faults(trigger)
    if trigger.only is not None:
        scope = NOWHERE.with_names("item", "loop") if trigger.split else NOWHERE
        yield from condition_faults(trigger.only, "trigger.only", scope)
    if trigger.split:
        yield from _event_only_faults(trigger.split, "trigger.split")
        if not templating.has_template(trigger.split):
            yield Fault("trigger.split", "is a template that gives a list, as {{ event.body.items }}")
    if trigger.dedupe is not None:
        yield from _dedupe(trigger.dedupe)
    yield from _response(trigger.response)
    yield from kind_faults(trigger)


def _verification(trigger: doc.TriggerSettings) -> Iterator[Fault]:
    try:
        verification(trigger)
    except RelayError as error:
        yield Fault(f"trigger.{_faulty_part(trigger)}", str(error))


def _faulty_part(trigger: doc.TriggerSettings) -> str:
    """The key of the trigger whose fault prevents verification."""
    if trigger.preset is not None and trigger.preset not in registry.presets():
        return "preset"
    try:
        verification(msgspec.structs.replace(trigger, body_type=""))
    except RelayError:
        return "verify"
    return "body_type"


def _dedupe(dedupe: doc.Dedupe) -> Iterator[Fault]:
    if len(dedupe.key) > MAX_LENGTHS["title"]:
        yield Fault("trigger.dedupe.key", f"may have {MAX_LENGTHS['title']} characters")
        return
    yield from _event_only_faults(dedupe.key, "trigger.dedupe.key")
    if not templating.has_template(dedupe.key):
        yield Fault("trigger.dedupe.key", "is made of the event alone, as {{ event.body.id }}")
    try:
        if not backoff.seconds(dedupe.window) > 0:
            yield Fault("trigger.dedupe.window", "is more than 0s")
    except ValueError as error:
        yield Fault("trigger.dedupe.window", str(error))


def _event_only_faults(source: str, path: str) -> Iterator[Fault]:
    """Yields the faults of a template that may read the event only, because there is no run yet."""
    faults = list(template_faults(source, path))
    yield from faults
    roots = set() if faults else {re.split(r"[.\[]", name)[0] for name in templating.names(source)}
    if not roots <= {"event"}:
        yield Fault(path, "is made of the event alone, as {{ event.body.id }}")


def _response(response: doc.Response) -> Iterator[Fault]:
    if not 200 <= response.status <= 599:
        yield Fault("trigger.response.status", "is between 200 and 599")
    if response.body and response.status in WITHOUT_BODY:
        yield Fault("trigger.response.body", f"an answer of status {response.status} has no body")
    for path, text in {
        "body": response.body,
        **{f"headers.{name}": header for name, header in response.headers.items()},
    }.items():
        if templating.has_template(text):
            yield Fault(f"trigger.response.{path}", "is sent without rendering; use a respond step for templates")
    if len(response.body) > 64 * 1024:
        yield Fault("trigger.response.body", "may have 65536 characters")
    try:
        if response.wait is not None and not 0 < backoff.seconds(response.wait) <= MAX_WAIT_SECONDS:
            yield Fault("trigger.response.wait", f"is more than 0s, and at most {MAX_WAIT_SECONDS:g}s")
    except ValueError as error:
        yield Fault("trigger.response.wait", str(error))
    yield from written_faults(response.headers, "trigger.response.headers")
    yield from _charset(response)


def _charset(response: doc.Response) -> Iterator[Fault]:
    """Yields a character that the charset of the Content-Type lacks: it would be sent as a question mark."""
    kind = next((value for name, value in response.headers.items() if name.lower() == "content-type"), "")
    try:
        encoded(response.body, kind)
    except RequestRefused as error:
        yield Fault("trigger.response.body", str(error))


def _settings(settings: doc.Settings) -> Iterator[Fault]:
    yield from alerts.faults(settings.alerts)
    if not 1 <= settings.concurrency <= MAX_CONCURRENCY:
        yield Fault("settings.concurrency", f"is between 1 and {MAX_CONCURRENCY}")
    if settings.order_key and not settings.ordered:
        yield Fault("settings.order_key", "needs ordered: true")
    yield from _event_only_faults(settings.order_key, "settings.order_key")
    try:
        deadlines.zone("UTC" if settings.timezone is None else settings.timezone)
    except RelayError as error:
        yield Fault("settings.timezone", str(error))
    try:
        retention.seconds(settings.retention)
    except ValueError as error:
        yield Fault("settings.retention", str(error))
