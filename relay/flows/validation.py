"""Validation: every fault of a flow document, each with its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from relay import backoff, templating
from relay.connectors import registry
from relay.errors import DocumentFaults, Fault, RelayError, RequestRefused
from relay.flows import alerts, keeping, moments, weight
from relay.flows import document as doc
from relay.flows.answers import WITHOUT_BODY
from relay.flows.loading import load
from relay.flows.names import NOWHERE, condition_faults, template_faults
from relay.flows.senders import faults as sender_faults
from relay.flows.shape import faults as shape_faults
from relay.flows.stepfaults import ID, step_faults
from relay.flows.triggers import kind_faults
from relay.flows.uses import constant_faults
from relay.flows.verification import verification
from relay.outbound import check_headers

MOST_CONSTANTS = 100
MOST_WAIT = 120.0
MOST_CONCURRENCY = 1_000
MOST_BODY = 10 * 1024 * 1024
LENGTHS = {"name": 200, "description": 2_000, "folder": 100, "title": 2_000}


def parse_document(data: bytes | str | dict[str, Any]) -> doc.Document:
    """A flow document from JSON or YAML text or from plain values; DocumentFaults names every fault with its path."""
    value = load(data)
    heavy = list(weight.faults(value))
    if heavy:
        raise DocumentFaults(heavy)
    wrong = list(shape_faults(value, doc.Document))
    if wrong:
        raise DocumentFaults([*wrong, *step_faults(_sound_steps(value, wrong))])
    document = msgspec.convert(value, doc.Document)
    wrong = [*_faults(document), *constant_faults(value, document.constants)]
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
    return doc.Set(id=known if isinstance(known, str) and ID.fullmatch(known) else f"_blank_{place}", values={})


def missing_connections(document: doc.Document, have: Mapping[str, str]) -> list[Fault]:
    """Connections that steps name and the workspace (`have`: name -> connector) lacks, or has for another service."""
    return list(_missing(document.steps, "steps", have))


def _missing(steps: Sequence[doc.Step], path: str, have: Mapping[str, str]) -> Iterator[Fault]:
    for place, step in enumerate(steps):
        if step.disabled:
            continue
        here = f"{path}[{place}]"
        if isinstance(step, doc.Action) and step.connection is not None:
            wanted, have_for = registry.find(step.action)[0].key, have.get(step.connection)
            if have_for != wanted:
                reason = "does not exist" if have_for is None else f"is for {have_for}, not {wanted}"
                yield Fault(f"{here}.connection", f"the connection “{step.connection}” {reason}")
        for inner, block in doc.blocks(step):
            yield from _missing(block, f"{here}.{inner}", have)


def _faults(document: doc.Document) -> Iterator[Fault]:
    for name, most in LENGTHS.items():
        if len(getattr(document, name)) > most:
            yield Fault(name, f"may have {most} characters")
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
    if len(constants) > MOST_CONSTANTS:
        yield Fault("constants", f"a flow may have {MOST_CONSTANTS} constants")
    for name, value in constants.items():
        if not ID.fullmatch(name):
            yield Fault(f"constants.{name[:60]}", "is not a name of letters, digits and _")
        elif isinstance(value, str) and templating.has_template(value):
            yield Fault(f"constants.{name}", "is a plain value; a step that sets values takes templates")


def _trigger(trigger: doc.TriggerSettings) -> Iterator[Fault]:
    yield from _verification(trigger)
    if not trigger.methods:
        yield Fault("trigger.methods", "is empty")
    if not 0 <= trigger.max_bytes <= MOST_BODY:
        yield Fault("trigger.max_bytes", f"is between 1 and {MOST_BODY}")
    yield from sender_faults(trigger)
    if trigger.only is not None:
        scope = NOWHERE.with_names("item", "loop") if trigger.split else NOWHERE
        yield from condition_faults(trigger.only, "trigger.only", scope)
    if trigger.split:
        yield from _of_event(trigger.split, "trigger.split")
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
        known = trigger.preset is None or trigger.preset in registry.presets()
        yield Fault("trigger.verify" if known else "trigger.preset", str(error))


def _dedupe(dedupe: doc.Dedupe) -> Iterator[Fault]:
    if len(dedupe.key) > LENGTHS["title"]:
        yield Fault("trigger.dedupe.key", f"may have {LENGTHS['title']} characters")
        return
    yield from _of_event(dedupe.key, "trigger.dedupe.key")
    if not templating.has_template(dedupe.key):
        yield Fault("trigger.dedupe.key", "is made of the event alone, as {{ event.body.id }}")
    try:
        if not backoff.seconds(dedupe.window) > 0:
            yield Fault("trigger.dedupe.window", "is more than 0s")
    except ValueError as error:
        yield Fault("trigger.dedupe.window", str(error))


def _of_event(source: str, path: str) -> Iterator[Fault]:
    """A key, which is made before there is a run: of the event and nothing else."""
    wrong = list(template_faults(source, path))
    yield from wrong
    named = set() if wrong else {re.split(r"[.\[]", name)[0] for name in templating.names(source)}
    if not named <= {"event"}:
        yield Fault(path, "is made of the event alone, as {{ event.body.id }}")


def _response(response: doc.Response) -> Iterator[Fault]:
    if not 200 <= response.status <= 599:
        yield Fault("trigger.response.status", "is between 200 and 599")
    if response.body and response.status in WITHOUT_BODY:
        yield Fault("trigger.response.body", f"an answer of status {response.status} has no body")
    for path, text in {
        "body": response.body,
        **{f"headers.{name}": one for name, one in response.headers.items()},
    }.items():
        if templating.has_template(text):
            yield Fault(
                f"trigger.response.{path}", "is sent as it stands: a step of the kind respond fills templates in"
            )
    if len(response.body) > 64 * 1024:
        yield Fault("trigger.response.body", "may have 65536 characters")
    try:
        if response.wait is not None and not 0 < backoff.seconds(response.wait) <= MOST_WAIT:
            yield Fault("trigger.response.wait", f"is more than 0s, and at most {MOST_WAIT:g}s")
    except ValueError as error:
        yield Fault("trigger.response.wait", str(error))
    try:
        check_headers(response.headers)
    except RequestRefused as error:
        yield Fault("trigger.response.headers", str(error))


def _settings(settings: doc.Settings) -> Iterator[Fault]:
    yield from alerts.faults(settings.alerts)
    if not 1 <= settings.concurrency <= MOST_CONCURRENCY:
        yield Fault("settings.concurrency", f"is between 1 and {MOST_CONCURRENCY}")
    if settings.order_key and not settings.ordered:
        yield Fault("settings.order_key", "needs ordered: true")
    yield from _of_event(settings.order_key, "settings.order_key")
    try:
        moments.zone("UTC" if settings.timezone is None else settings.timezone)
    except RelayError as error:
        yield Fault("settings.timezone", str(error))
    try:
        keeping.seconds(settings.retention)
    except ValueError as error:
        yield Fault("settings.retention", str(error))
