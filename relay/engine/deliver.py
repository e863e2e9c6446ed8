"""One delivery: may it go now, is it marked where it must be, send it, judge the answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import msgspec
from django.conf import settings

from relay import backoff, ids, redaction
from relay.connectors import calls, verdicts
from relay.engine import destinations, doubts
from relay.engine.endings import Ended
from relay.engine.errand import Post, Sealed, Tried
from relay.engine.gates import Pass, Place, Shut, Wait
from relay.engine.inputs import rendered
from relay.errors import ConnectionMissing, DeliveryError, KeyLost, RelayError
from relay.flows.plan import ActionStep
from relay.models import HeldBy
from relay.outbound import Answer, Request, origin_of

if TYPE_CHECKING:
    from relay.engine.walk import Walk

# Answers that say nothing of whether a thing was done: a gateway gave up, or the service broke on the way.
UNSURE = frozenset({500, 502, 504})


def deliver(walk: Walk, step: ActionStep) -> None:
    """Do the action of a step, or end the walk with what keeps it from being done now."""
    delivery = Delivery(walk, step)
    try:
        if delivery.is_in_doubt:
            doubts.resolve(delivery)
        else:
            delivery.go()
    except RelayError as error:
        # Before anything was sent: the attempt says why.
        delivery.tried("failed", error=redaction.mask(str(error), walk.outcome.secrets))
        walk.failed(step, redaction.mask(str(error), walk.outcome.secrets))


class Delivery:
    """One delivery under way. `id`: of the step and its place in loops; `sent`: the request as it will be stored."""

    def __init__(self, walk: Walk, step: ActionStep) -> None:
        self.walk, self.step = walk, step
        self.errand, self.outcome = walk.errand, walk.outcome
        self.id = step.id + walk.place
        self.started = time.time_ns() // 1000
        self.seconds = 0.0
        self.sent: str | None = None

    @property
    def key(self) -> str:
        """The Idempotency-Key, the same at every try."""
        return f"{ids.text(self.errand.run_id)}-{self.id}"

    def go(self) -> None:
        if self.walk.has_much_to_settle:
            self._put_back(0.0)
        sealed = self.connection()
        values = self._values(sealed)
        inputs = self._inputs()
        if self.step.action.target == "inbox":
            self._post(inputs)
            return
        self.outcome.secrets.update(calls.secrets_of(self.step.connector, values))
        # Of former steps too: what they were answered may have a secret in it.
        secrets = tuple(self.outcome.secrets)
        hops = self.errand.event.hops + 1
        request = calls.build(self.step.connector, self.step.action, inputs, values, key=self.key, hops=hops)
        place = self.place(request)
        passed = self._enter(place, sealed.rate if sealed else "")
        if not self.step.action.repeatable and not self._is_marked:
            self.walk.gates.back_out(passed)
            self.mark()
        self._send(request, passed, secrets)

    def place(self, request: Request) -> Place:
        return Place(self.errand.workspace_id, origin_of(request.url), self.step.connection or "")

    def connection(self) -> Sealed | None:
        name = self.step.connection
        if name is None:
            return None
        try:
            return self.errand.connections[name]
        except KeyError:
            message = f"The connection “{name}” does not exist; add it under Connections, then replay"
            raise ConnectionMissing(message) from None

    def _values(self, sealed: Sealed | None) -> dict[str, Any] | None:
        try:
            return sealed.unseal() if sealed else None
        except KeyLost as error:
            self._wait_for_key(destinations.of_connection(self.errand.workspace_id, self.step.connection or ""), error)

    def _inputs(self) -> Any:
        try:
            return rendered(self.walk, self.step)
        except KeyLost as error:
            name = self.errand.variables.locked(self.step.variables)
            self._wait_for_key(destinations.of_variable(self.errand.workspace_id, name), error)

    def _wait_for_key(self, place: Place, error: KeyLost) -> NoReturn:
        """Hold the run until what it needs opens again; no try is spent."""
        self.outcome.locked = place
        self.hold(HeldBy.KEY, str(error))

    def _post(self, inputs: Mapping[str, Any]) -> None:
        message = calls.inbox_message(self.step.action, inputs)
        # Posted is stored and shown, so secrets don't get there.
        words = map(redaction.clean, (message.channel, message.title, message.text))
        self.outcome.posts.append(Post(*(redaction.mask(text, self.outcome.secrets) for text in words)))
        body = redaction.masked_json(inputs, self.outcome.secrets)
        self.sent = _json({"method": "POST", "url": "inbox", "headers": {}, "body": body})
        self.tried("succeeded")
        self.done({})

    # An action that must not be done twice

    @property
    def _is_marked(self) -> bool:
        return self.errand.marked_step == self.id and self.errand.marked_fence == self.errand.fence

    @property
    def is_in_doubt(self) -> bool:
        """Marked, but under another fence: whoever was to send it is gone, and nobody knows how far it came."""
        return self.errand.marked_step == self.id and not self._is_marked

    def mark(self) -> NoReturn:
        """Say durably that it is about to be sent; only the very next claim may then send it."""
        self.outcome.marked_step, self.outcome.marked_fence = self.id, self.errand.fence + 1
        self._put_back(0.0)

    # The gate

    def _enter(self, place: Place, rate: str) -> Pass:
        found = self.walk.gates.enter(
            place,
            self.errand.flow_id,
            self.errand.plan.concurrency,
            lasting=self.step.timeout or settings.HTTP_TIMEOUT,
            rate=rate,
            probe_of=self.outcome.probe_of,
        )
        if isinstance(found, Wait):
            self._put_back(found.seconds)
        if isinstance(found, Shut):
            self.outcome.destination_id = found.id
            self.outcome.origin = place.origin
            self.hold(found.held_by, found.reason)
        return found

    def _put_back(self, seconds: float) -> NoReturn:
        """Back among the due, no try spent."""
        self.outcome.state, self.outcome.tries = "queued", self.walk.tries
        self.outcome.due_at = time.time_ns() // 1000 + int(seconds * 1e6)
        self.outcome.destination_id = self.outcome.probe_of
        raise Ended

    def hold(self, held_by: str, reason: str) -> NoReturn:
        self.outcome.state, self.outcome.held_by, self.outcome.reason = "held", held_by, reason
        self.outcome.held_at = self.id
        self.outcome.tries = self.walk.tries
        raise Ended

    # Sending

    def _send(self, request: Request, passed: Pass, secrets: tuple[str, ...]) -> None:
        self.walk.sent += 1
        self.sent = _json(redaction.request_record(request, secrets))
        self.started = time.time_ns() // 1000
        clock = time.perf_counter()
        fault = "it broke off"
        try:
            answer = self.walk.sender.send(request, self.step.timeout)
            self.seconds = time.perf_counter() - clock
            verdict = self._verdict(answer)
            kept = _json(redaction.answer_record(answer, secrets))
            fault = redaction.mask(verdict.message, secrets) if answer.status >= 500 else ""
            record: dict[str, Any] = {"answer": kept, "status": answer.status}
        except DeliveryError as error:
            self.seconds = time.perf_counter() - clock
            verdict = verdicts.Verdict("failed" if error.permanent else "retry", str(error), is_unsure=error.sent)
            fault = "" if error.permanent else str(error)
            record = {}
        finally:
            self.walk.gates.leave(passed, seconds=self.seconds, fault=fault)
        self._judge(verdict, passed.place, record)

    def _verdict(self, answer: Answer) -> verdicts.Verdict:
        """What an answer means; where the step says what a success is, by the names of all templates, and `answer`."""
        success = self.step.success
        if success is None:
            return verdicts.judge(self.step.action, answer)
        try:
            return verdicts.judge(self.step.action, answer, success=lambda told: success({**self.walk.context, **told}))
        except RelayError as error:
            reason = f"The answer was {answer.status}, and whether that is a success can't be told: {error}"
            return verdicts.Verdict("failed", reason, outputs=verdicts.outputs_of(self.step.action, answer))

    def _judge(self, verdict: verdicts.Verdict, place: Place, record: dict[str, Any]) -> None:
        if verdict.kind == "succeeded":
            self.tried("succeeded", **record)
            self.done(verdict.outputs)
            return
        reason = redaction.mask(verdict.message, self.outcome.secrets)
        unsure = verdict.is_unsure or record.get("status") in UNSURE
        if unsure and not self.step.action.repeatable:
            self.tried("unknown", error=reason, **record)
            doubts.hold(self, f"{reason.rstrip('.')}. {doubts.UNKNOWN}")
        if verdict.kind == "refused":
            self.tried("retry", error=reason, **record)
            self.walk.tries -= 1
            self.outcome.refused = place
            self.hold(HeldBy.CREDENTIAL, reason)
        if self.outcome.probe_of is not None:
            self._probe_ended(verdict, reason, record)
        self._try_again_or_fail(verdict, reason, record)

    def _probe_ended(self, verdict: verdicts.Verdict, reason: str, record: dict[str, Any]) -> None:
        """A probe that found nothing better goes back to the held, its tries unspent."""
        self.outcome.probe_answered = verdict.kind != "retry"
        if verdict.kind == "retry":
            self.tried("retry", error=reason, **record)
            self.walk.tries -= 1
            self.outcome.destination_id = self.errand.probe_of
            self.hold(HeldBy.DESTINATION, reason)

    def _try_again_or_fail(self, verdict: verdicts.Verdict, reason: str, record: dict[str, Any]) -> None:
        delay = None
        if verdict.kind == "retry":
            delay = backoff.next_delay(self.walk.tries + 1, self.step.delays, verdict.retry_after, now=time.time())
        self.tried("failed" if delay is None else "retry", error=reason, **record)
        if delay is None:
            self.walk.failed(self.step, reason, verdict.outputs)
            return
        self.outcome.state, self.outcome.reason, self.outcome.tries = "waiting", reason, self.walk.tries
        self.outcome.due_at = time.time_ns() // 1000 + int(delay * 1e6)
        raise Ended

    def done(self, outputs: dict[str, Any]) -> None:
        if self.outcome.probe_of is not None and self.step.action.target == "http":
            self.outcome.probe_answered = True
        self.walk.tries = 0
        self.walk.enter(self.step, "succeeded", outputs)

    def tried(
        self,
        state: Literal["succeeded", "retry", "failed", "unknown"],
        *,
        answer: str | None = None,
        status: int | None = None,
        error: str = "",
    ) -> None:
        """Keep this try."""
        self.walk.tries += 1
        duration = int(self.seconds * 1e6)
        attempt = Tried(self.id, self.walk.tries, state, self.started, duration, self.sent, answer, status, error)
        self.outcome.attempts.append(attempt)


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
