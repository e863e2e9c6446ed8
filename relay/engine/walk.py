"""A run through its steps: pure, no database, no network but through the sender it is given."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from relay import backoff, ids, redaction
from relay.connectors import calls
from relay.engine.errand import Errand, Outcome, Post, Sends, Tried, context_of
from relay.errors import ConnectionMissing, DeliveryError, RelayError
from relay.flows.plan import ActionStep, FilterStep, SetStep
from relay.outbound import Request
from relay.templating import Budget

TITLE_LENGTH = 200


class _Ended(Exception):
    """The walk goes no further."""


def walk(errand: Errand, sender: Sends) -> Outcome:
    """Take the run from where its trail ends to its end, or to the action that must be tried again.

    Never raises for what a payload, a template or a destination does: that is the outcome.
    """
    outcome = Outcome(errand, trail=list(errand.trail))
    if errand.hopeless:
        _fail(outcome, errand.hopeless)
        return outcome
    try:
        _Walk(errand, outcome, sender).go()
    except _Ended:
        pass
    except RelayError as error:
        _fail(outcome, str(error))
    if outcome.state == "succeeded" and any(entry["state"] == "failed" for entry in outcome.trail):
        outcome.state = "partly_failed"
    return outcome


def _fail(outcome: Outcome, reason: str) -> None:
    outcome.state, outcome.reason = "failed", reason


class _Walk:
    def __init__(self, errand: Errand, outcome: Outcome, sender: Sends) -> None:
        self.errand = errand
        self.outcome = outcome
        self.sender = sender
        self.tries = errand.tries
        self.settled = {entry["id"]: entry for entry in errand.trail}
        self.steps: dict[str, Any] = {}
        self.context: dict[str, Any] = {}

    def go(self) -> None:
        errand = self.errand
        self.context = context_of(errand, self.steps)
        self._title()
        if not self.settled and errand.plan.only is not None:
            self._only()
        for step in errand.plan.steps:
            entry = self.settled.get(step.id)
            if entry is None:
                with Budget():
                    self._step(step)
            else:
                self.steps[step.id] = entry.get("outputs", {})

    def _title(self) -> None:
        title = self.errand.plan.title
        if title is None:
            return
        try:
            self.outcome.title = str(title.render(self.context))[:TITLE_LENGTH]
        except RelayError as error:
            self.outcome.title = f"({error})"[:TITLE_LENGTH]

    def _only(self) -> None:
        assert self.errand.plan.only is not None
        with Budget():
            if self.errand.plan.only.holds(self.context):
                return
        self.outcome.state = "filtered"
        self.outcome.reason = "The trigger's condition does not hold for this event"
        raise _Ended

    def _step(self, step: FilterStep | SetStep | ActionStep) -> None:
        if isinstance(step, FilterStep):
            self._filter(step)
        elif isinstance(step, SetStep):
            self._set(step)
        else:
            self._action(step)

    def _filter(self, step: FilterStep) -> None:
        try:
            passes = step.condition.holds(self.context)
        except RelayError as error:
            self._failed(step, str(error))
        self._enter(step, "passed" if passes else "filtered")
        if not passes:
            self.outcome.state = "filtered"
            self.outcome.reason = f"Stopped at “{step.name}”: its condition does not hold"
            raise _Ended

    def _set(self, step: SetStep) -> None:
        try:
            values = step.values.render(self.context)
        except RelayError as error:
            self._failed(step, str(error))
        self._enter(step, "set", values)

    def _action(self, step: ActionStep) -> None:
        try:
            connection = self._connection(step)
            inputs = step.inputs.render(self.context)
            key = f"{ids.text(self.errand.run_id)}-{step.id}"
            if step.action.target == "inbox":
                self._post(step, inputs)
            else:
                secrets = calls.secrets_of(step.connector, connection)
                self.outcome.secrets.update(secrets)
                request = calls.build(step.connector, step.action, inputs, connection, key=key)
                self._send(step, request, secrets)
        except DeliveryError as error:
            self._action_failed(step, str(error))
        except _Ended:
            raise
        except RelayError as error:
            self._action_failed(step, str(error))

    def _connection(self, step: ActionStep) -> Mapping[str, Any] | None:
        if step.connection is None:
            return None
        try:
            sealed = self.errand.connections[step.connection]
        except KeyError:
            message = f"The connection “{step.connection}” does not exist; add it under Connections, then replay"
            raise ConnectionMissing(message) from None
        return sealed.unseal()

    def _post(self, step: ActionStep, inputs: dict[str, Any]) -> None:
        message = calls.inbox_message(step.action, inputs)
        self.outcome.posts.append(Post(message.channel, message.title, message.text))
        request = {"method": "POST", "url": "inbox", "headers": {}, "body": msgspec.json.encode(inputs).decode()}
        now = time.time_ns() // 1000
        self._tried(step, "succeeded", now, 0, request=_json(request), answer=None, status=None)
        self.tries = 0
        self._enter(step, "succeeded", {})

    def _send(self, step: ActionStep, request: Request, secrets: tuple[str, ...]) -> None:
        sent = _json(redaction.request_record(request, secrets))
        started = time.time_ns() // 1000
        clock = time.perf_counter()
        try:
            answer = self.sender.send(request, step.timeout)
        except DeliveryError as error:
            duration = int((time.perf_counter() - clock) * 1e6)
            verdict = calls.Verdict(kind="failed" if error.permanent else "retry", message=str(error))
            self._judged(step, verdict, started, duration, request=sent, answer=None, status=None)
            return
        duration = int((time.perf_counter() - clock) * 1e6)
        verdict = calls.judge(step.action, answer, success=step.success)
        kept = _json(redaction.answer_record(answer, secrets))
        self._judged(step, verdict, started, duration, request=sent, answer=kept, status=answer.status)

    def _judged(self, step: ActionStep, verdict: calls.Verdict, started: int, duration: int, **record: Any) -> None:
        if verdict.kind == "succeeded":
            self._tried(step, "succeeded", started, duration, **record)
            self.tries = 0
            self._enter(step, "succeeded", verdict.outputs)
            return
        reason = redaction.mask(verdict.message, self.outcome.secrets)
        delay = None
        if verdict.kind == "retry":
            made = self.tries + 1
            delay = backoff.next_delay(made, step.delays, verdict.retry_after, now=time.time())
        self._tried(step, "failed" if delay is None else "retry", started, duration, error=reason, **record)
        if delay is not None:
            self._wait(reason, delay)
        self._failed(step, reason, verdict.outputs)

    def _wait(self, reason: str, delay: float) -> None:
        self.outcome.state = "waiting"
        self.outcome.reason = reason
        self.outcome.tries = self.tries
        self.outcome.due_at = time.time_ns() // 1000 + int(delay * 1e6)
        raise _Ended

    def _action_failed(self, step: ActionStep, reason: str) -> None:
        """Fail before anything was sent; the attempt says why."""
        self._tried(step, "failed", time.time_ns() // 1000, 0, error=reason)
        self._failed(step, reason)

    def _tried(
        self,
        step: ActionStep,
        state: str,
        started: int,
        duration: int,
        *,
        request: str | None = None,
        answer: str | None = None,
        status: int | None = None,
        error: str = "",
    ) -> None:
        self.tries += 1
        attempt = Tried(step.id, self.tries, state, started, duration, request, answer, status, error)
        self.outcome.attempts.append(attempt)

    def _failed(self, step: Any, reason: str, outputs: dict[str, Any] | None = None) -> None:
        self.tries = 0
        keeps_on = isinstance(step, ActionStep) and step.on_error == "continue"
        self._enter(step, "failed", {**(outputs or {}), "error": reason} if keeps_on else None, error=reason)
        if keeps_on:
            return
        _fail(self.outcome, reason)
        raise _Ended

    def _enter(self, step: Any, state: str, outputs: dict[str, Any] | None = None, *, error: str = "") -> None:
        entry: dict[str, Any] = {"id": step.id, "kind": step.kind, "state": state}
        if outputs is not None:
            entry["outputs"] = outputs
            self.steps[step.id] = outputs
        if error:
            entry["error"] = error
        self.outcome.trail.append(entry)


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
