"""Validation: every fault of a flow document, each with its path."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from relay import backoff, templating
from relay.connectors import registry
from relay.connectors.definition import Action as ConnectorAction
from relay.connectors.definition import Connector, Field
from relay.connectors.fitting import fit
from relay.errors import DocumentFaults, Fault, RelayError, RequestRefused
from relay.flows import document as doc
from relay.flows import keeping
from relay.flows.headers import header_faults
from relay.flows.loading import load
from relay.flows.names import condition_faults, template_faults
from relay.flows.senders import faults as sender_faults
from relay.flows.shape import faults as shape_faults
from relay.flows.shape import join
from relay.outbound import check_headers, check_url

MOST_STEPS = 100
MOST_DELAYS = 20
MOST_CONCURRENCY = 1_000
MOST_TIMEOUT = 60.0
MOST_BODY = 10 * 1024 * 1024
LENGTHS = {"name": 200, "description": 2_000, "folder": 100, "title": 2_000}

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def parse_document(data: bytes | str | dict[str, Any]) -> doc.Document:
    """A flow document from JSON or YAML text or from plain values; DocumentFaults names every fault with its path."""
    value = load(data)
    wrong = list(shape_faults(value, doc.Document))
    if wrong:
        raise DocumentFaults([*wrong, *_steps(_sound_steps(value, wrong))])
    document = msgspec.convert(value, doc.Document)
    wrong = list(_faults(document))
    if wrong:
        raise DocumentFaults(wrong)
    return document


def _sound_steps(value: Any, wrong: list[Fault]) -> list[doc.Step]:
    """The steps whose shape is right, so that all that is wrong with them is said at once; blanks for the others."""
    steps = value.get("steps") if isinstance(value, dict) else None
    if not isinstance(steps, list):
        return []
    spoilt = {fault.path.partition(".")[0] for fault in wrong}
    return [
        _blank(step, place) if f"steps[{place}]" in spoilt else msgspec.convert(step, doc.Step)
        for place, step in enumerate(steps)
    ]


def _blank(step: Any, place: int) -> doc.Step:
    known = step.get("id") if isinstance(step, dict) else None
    return doc.Set(id=known if isinstance(known, str) and _ID.fullmatch(known) else f"_blank_{place}", values={})


def missing_connections(document: doc.Document, have: Mapping[str, str]) -> list[Fault]:
    """Connections that steps name and the workspace (`have`: name -> connector) lacks, or has for another service."""
    found = []
    for place, step in enumerate(document.steps):
        if isinstance(step, doc.Action) and step.connection is not None and not step.disabled:
            wanted = registry.find(step.action)[0].key
            have_for = have.get(step.connection)
            if have_for != wanted:
                reason = "does not exist" if have_for is None else f"is for {have_for}, not {wanted}"
                found.append(Fault(f"steps[{place}].connection", f"the connection “{step.connection}” {reason}"))
    return found


def _faults(document: doc.Document) -> Iterator[Fault]:
    for name, most in LENGTHS.items():
        if len(getattr(document, name)) > most:
            yield Fault(name, f"may have {most} characters")
    if not document.name.strip():
        yield Fault("name", "is empty")
    yield from template_faults(document.title, "title", set())
    yield from _trigger(document.trigger)
    yield from _settings(document.settings)
    yield from _steps(document.steps)


def _trigger(trigger: doc.TriggerSettings) -> Iterator[Fault]:
    later = {
        "preset": trigger.preset is not None,
        "verify.scheme": trigger.verify.scheme != "none",
    }
    for name, used in later.items():
        if used:
            yield Fault(f"trigger.{name}", "is not available in this version of Relay")
    if not trigger.methods:
        yield Fault("trigger.methods", "is empty")
    if not 0 <= trigger.max_bytes <= MOST_BODY:
        yield Fault("trigger.max_bytes", f"is between 1 and {MOST_BODY}")
    yield from sender_faults(trigger)
    if trigger.only is not None:
        yield from condition_faults(trigger.only, "trigger.only", set())
    if trigger.dedupe is not None:
        yield from _dedupe(trigger.dedupe)
    yield from _response(trigger.response)


def _dedupe(dedupe: doc.Dedupe) -> Iterator[Fault]:
    if len(dedupe.key) > LENGTHS["title"]:
        yield Fault("trigger.dedupe.key", f"may have {LENGTHS['title']} characters")
        return
    wrong = list(template_faults(dedupe.key, "trigger.dedupe.key", set()))
    yield from wrong
    named = set() if wrong else {re.split(r"[.\[]", name)[0] for name in templating.names(dedupe.key)}
    if not wrong and named != {"event"}:
        yield Fault("trigger.dedupe.key", "is made of the event alone, as {{ event.body.id }}")
    try:
        if not backoff.seconds(dedupe.window) > 0:
            yield Fault("trigger.dedupe.window", "is more than 0s")
    except ValueError as error:
        yield Fault("trigger.dedupe.window", str(error))


def _response(response: doc.Response) -> Iterator[Fault]:
    if not 200 <= response.status <= 599:
        yield Fault("trigger.response.status", "is between 200 and 599")
    if response.body and response.status in {204, 205, 304}:
        yield Fault("trigger.response.body", f"an answer of status {response.status} has no body")
    if len(response.body) > 64 * 1024:
        yield Fault("trigger.response.body", "may have 65536 characters")
    try:
        check_headers(response.headers)
    except RequestRefused as error:
        yield Fault("trigger.response.headers", str(error))


def _settings(settings: doc.Settings) -> Iterator[Fault]:
    usual = doc.Settings()
    if settings.alerts != usual.alerts:
        yield Fault("settings.alerts", "is not available in this version of Relay")
    if not 1 <= settings.concurrency <= MOST_CONCURRENCY:
        yield Fault("settings.concurrency", f"is between 1 and {MOST_CONCURRENCY}")
    if settings.order_key and not settings.ordered:
        yield Fault("settings.order_key", "needs ordered: true")
    yield from template_faults(settings.order_key, "settings.order_key", set())
    try:
        keeping.seconds(settings.retention)
    except ValueError as error:
        yield Fault("settings.retention", str(error))


def _steps(steps: list[doc.Step]) -> Iterator[Fault]:
    if len(steps) > MOST_STEPS:
        yield Fault("steps", f"a flow may have {MOST_STEPS} steps")
        return
    seen: set[str] = set()
    before: set[str] = set()
    for place, step in enumerate(steps):
        path = f"steps[{place}]"
        yield from _identity(step, path, seen)
        if isinstance(step, doc.Filter):
            yield from condition_faults(step.when, join(path, "when"), before)
        elif isinstance(step, doc.Set):
            yield from _values(step, path, before)
        else:
            yield from _action(step, path, before)
        if not step.disabled:
            before.add(step.id)


def _identity(step: doc.Step, path: str, seen: set[str]) -> Iterator[Fault]:
    if not _ID.fullmatch(step.id) or keyword.iskeyword(step.id):
        yield Fault(join(path, "id"), "is a name of letters, digits and _, up to 64, beginning with a letter")
    elif step.id in seen:
        yield Fault(join(path, "id"), f"{step.id} stands twice")
    seen.add(step.id)
    if len(step.name) > LENGTHS["name"]:
        yield Fault(join(path, "name"), f"may have {LENGTHS['name']} characters")


def _values(step: doc.Set, path: str, before: set[str]) -> Iterator[Fault]:
    for name in step.values:
        if not _ID.fullmatch(name):
            yield Fault(join(path, f"values.{name[:60]}"), "is not a name of letters, digits and _")
    yield from template_faults(step.values, join(path, "values"), before)


def _action(step: doc.Action, path: str, before: set[str]) -> Iterator[Fault]:
    yield from template_faults(step.inputs, join(path, "inputs"), before)
    yield from _times(step, path)
    if step.success is not None:
        yield from condition_faults(step.success, join(path, "success"), before, {"answer"})
    try:
        connector, action = registry.find(step.action)
    except RelayError as error:
        yield Fault(join(path, "action"), str(error))
        return
    yield from _connection(step, connector, path)
    yield from _inputs(step, action, join(path, "inputs"))


def _times(step: doc.Action, path: str) -> Iterator[Fault]:
    if len(step.retry.delays) > MOST_DELAYS:
        yield Fault(join(path, "retry.delays"), f"there may be {MOST_DELAYS} delays")
    for place, delay in enumerate(step.retry.delays):
        try:
            backoff.seconds(delay)
        except ValueError as error:
            yield Fault(join(path, f"retry.delays[{place}]"), str(error))
    if step.timeout is None:
        return
    try:
        if not 0 < backoff.seconds(step.timeout) <= MOST_TIMEOUT:
            yield Fault(join(path, "timeout"), f"is at most {MOST_TIMEOUT:g}s")
    except ValueError as error:
        yield Fault(join(path, "timeout"), str(error))


def _connection(step: doc.Action, connector: Connector, path: str) -> Iterator[Fault]:
    if connector.needs_connection and not step.connection:
        yield Fault(join(path, "connection"), f"{connector.label} needs a connection")
    elif step.connection and not connector.connection:
        yield Fault(join(path, "connection"), f"{connector.label} takes no connection")


def _inputs(step: doc.Action, action: ConnectorAction, path: str) -> Iterator[Fault]:
    known = [one.key for one in action.inputs]
    for name in step.inputs:
        if name not in known:
            yield Fault(join(path, name), f"unknown input; there are {', '.join(known)}")
    for one in action.inputs:
        value = step.inputs.get(one.key)
        if value is None or value == "":
            if one.required:
                yield Fault(join(path, one.key), f"{one.label} is needed")
        elif not (isinstance(value, str) and templating.has_template(value)):
            yield from _constant(one, value, join(path, one.key))
            if one.key == action.headers_input:
                yield from header_faults(value, join(path, one.key))


def _constant(one: Field, value: Any, path: str) -> Iterator[Fault]:
    """What is wrong with an input that is known before any event."""
    try:
        fit(one, value)
        if one.kind == "url":
            check_url(str(value))
    except RequestRefused as error:
        yield Fault(path, str(error))
