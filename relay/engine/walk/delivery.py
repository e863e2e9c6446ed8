"""Sends the request of one action: waits for the limiter, marks it if it must not repeat, judges the answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal, NoReturn

from django.conf import settings
from msgspec.structs import replace

from relay import backoff, ids, masking
from relay.connectors import response_rules
from relay.connectors.response_rules import NO_CALLS
from relay.engine.flow_control import circuit_breaker
from relay.engine.flow_control.limiter import OpenCircuit, SendPermit, SendTarget, Wait
from relay.engine.walk import access_tokens, action_request, inbox_posting, run_budget, size_limits, step_request
from relay.engine.walk.access_tokens import AccessToken
from relay.engine.walk.action_request import ActionRequest
from relay.engine.walk.answer_masking import MaskedAnswer, mask_answer
from relay.engine.walk.exceptions import Ended, InDoubt
from relay.engine.walk.files.answer_files import AnswerFile, AnswerFiles
from relay.engine.walk.files.run_files import SENDER_BUSY_SECONDS
from relay.engine.walk.step_request import Chain, Prepared
from relay.engine.walk.walk import Walk
from relay.engine.walk.work_item import DeliveryAttempt
from relay.errors import DeliveryError, KeyLost, RelayError, SenderBusy
from relay.flows.compiler import ActionStep
from relay.models import HeldBy
from relay.outbound import Takes

# Statuses that leave open whether the action was done: a gateway gave up, or the service failed midway.
AMBIGUOUS_STATUSES = frozenset({500, 502, 504})


class Delivery:
    """One delivery. `id`: its trail id; `request_record`: the request as it will be stored.

    `chain`: of an action that makes calls before its own request.
    """

    def __init__(self, walk: Walk, step: ActionStep, chain: Chain | None = None) -> None:
        self.walk, self.step, self.chain = walk, step, chain
        self.action, self.success = step.action, step.success
        self.calls = NO_CALLS if chain is None else chain.answers
        self.work_item, self.outcome = walk.work_item, walk.outcome
        self.id = step.id + walk.loop_suffix
        self.is_mail = step.action.target == "mail"
        self.started = time.time_ns() // 1000
        self.seconds = 0.0
        self.request_record: str | None = None
        self.stored_bytes = 0
        self.inputs: Any = None
        self.token: AccessToken | None = None
        self.files: AnswerFiles | None = None  # made when there is one, since most answers have none

    @property
    def key(self) -> str:
        """The Idempotency-Key, the same for every attempt."""
        return f"{ids.text(self.work_item.run_id)}-{self.id}"

    def run(self) -> None:
        """Send the request and enter the step, or end the walk if it can't be sent now."""
        if self.walk.has_much_to_settle:
            self.walk.put_back(0.0)
        made_of = self.prepared()
        if made_of.token is not None:
            self.token = made_of.token
            access_tokens.check(self.token, self.walk, self.step.connection or "", self.hold)
        self.inputs = made_of.inputs.sent
        if self.action.target == "inbox":
            self.request_record = inbox_posting.post(self.walk, self.action, made_of.inputs)
            self.record_attempt("succeeded")
            self.succeed({})
            return
        onward = run_budget.onward(self.walk, self.step)
        call = action_request.make(
            self.step.connector,
            self.action,
            made_of.inputs,
            made_of.connection,
            key=self.key,
            onward=onward,
            names=action_request.call_names(self.calls) if self.calls else action_request.NO_NAMES,
            opens=self.walk.open_file,
        )
        permit = self._acquire(self.target(call), made_of.rate)
        if not self.action.repeatable and not self._is_marked:
            self.walk.limiter.cancel(permit)
            self.mark()
        self._send(call, permit)

    def target(self, call: ActionRequest) -> SendTarget:
        return SendTarget(self.work_item.workspace_id, call.origin, self.step.connection or "")

    def prepared(self) -> Prepared:
        """What the request is made of; the requests of a chain are made of the same."""
        if self.chain is not None and self.chain.made_of is not None:
            return self.chain.made_of
        try:
            made_of = step_request.prepare(self.walk, self.step)
        except KeyLost as error:
            self._wait_for_key(error)
        if self.chain is not None:
            self.chain.made_of = made_of
        return made_of

    def _wait_for_key(self, error: KeyLost) -> NoReturn:
        """Hold the run until the secret that it needs can be opened; this does not count as a try."""
        workspace, name = self.work_item.workspace_id, self.work_item.variables.locked(self.step.variables)
        self.outcome.locked_target = (
            circuit_breaker.variable_target(workspace, name)
            if name
            else circuit_breaker.connection_target(workspace, self.step.connection or "")
        )
        self.hold(HeldBy.KEY, str(error))

    def _hold_refused(self, target: SendTarget, reason: str) -> NoReturn:
        """Hold the run until the credential is changed."""
        self.outcome.refused_target = target
        self.hold(HeldBy.CREDENTIAL, reason)

    # An action that must not be done twice

    @property
    def _is_marked(self) -> bool:
        return self.work_item.marked_step == self.id and self.work_item.marked_fence == self.work_item.fence

    @property
    def is_in_doubt(self) -> bool:
        """Whether it is marked under another fence: that worker has ended, and may or may not have sent it."""
        return self.work_item.marked_step == self.id and not self._is_marked

    def mark(self) -> NoReturn:
        """End the walk and store that the action is about to be sent; only the next claim may send it."""
        self.outcome.mark(self.id, self.work_item.fence + 1)
        self.walk.put_back(0.0)

    # The limiter

    def _acquire(self, target: SendTarget, rate: str) -> SendPermit:
        """A permit to send now; without one, put the run back or hold it."""
        answer = self.walk.limiter.acquire(
            target,
            self.work_item.flow_id,
            self.work_item.plan.concurrency,
            max_seconds=self.step.timeout or settings.HTTP_TIMEOUT,
            rate=rate,
            probe_of=self.outcome.probe_of,
        )
        if isinstance(answer, Wait):
            self.walk.put_back(answer.seconds)
        if isinstance(answer, OpenCircuit):
            self.outcome.origin = target.origin
            self.hold(answer.held_by, answer.reason, destination_id=answer.id)
        return answer

    def hold(
        self, held_by: str, reason: str, *, due_at: int | None = None, destination_id: int | None = None
    ) -> NoReturn:
        """End the walk with a run that is held at this step."""
        tries = self.walk.tries
        self.outcome.hold(held_by, reason, step=self.id, tries=tries, due_at=due_at, destination_id=destination_id)
        raise Ended

    # Sending

    def _send(self, call: ActionRequest, permit: SendPermit) -> None:
        self.walk.sent_count += 1
        self.request_record = call.record(self.outcome.hidden)
        self.started = time.time_ns() // 1000
        clock = time.perf_counter()
        fault: str | None = "it broke off"
        try:
            answer = self.walk.send(replace(call.request, receive=self._receive), self.step.timeout)
            if self.files is not None:
                self.files.finish()
            self.seconds = time.perf_counter() - clock
            masked = mask_answer(answer, self.outcome)
            verdict = self.verdict(masked)
            for output in self.action.outputs:
                if output.kind == "file" and verdict.kind == "succeeded":
                    self.files = self.files or AnswerFiles(self.work_item.workspace_id, self.work_item.run_id)
                    verdict = replace(verdict, outputs=self.files.with_file(verdict.outputs, output.key))
            is_servers = verdict.kind == "retry" if self.is_mail else answer.status >= 500
            fault = verdict.message if is_servers else ""
            record: dict[str, Any] = {"answer": masked.record(), "status": answer.status}
        except SenderBusy:
            fault = None
            self.walk.put_back(SENDER_BUSY_SECONDS)
        except DeliveryError as error:
            self.seconds = time.perf_counter() - clock
            reason = masking.mask(call.said(error), self.outcome.hidden)
            kind: Literal["failed", "retry"] = "failed" if error.permanent else "retry"
            verdict = response_rules.AnswerVerdict(kind, reason, is_unsure=error.sent)
            fault = "" if error.local else reason
            record = {}
        finally:
            if self.files is not None:
                self.files.abandon()
            if fault is None:
                self.walk.limiter.cancel(permit)
            else:
                self.walk.limiter.release(permit, seconds=self.seconds, fault=fault)
        self._judge(verdict, permit.target, record)

    def _receive(self, status: int, headers: Mapping[str, str]) -> Takes | None:
        """What takes the body of an answer, if it is kept as a file."""
        file = AnswerFile.of(status, headers, self.work_item.workspace_id, self.work_item.run_id, self.id)
        if file is None:
            return None
        self.files = AnswerFiles(self.work_item.workspace_id, self.work_item.run_id, file)
        return file.take

    def verdict(self, masked: MaskedAnswer) -> response_rules.AnswerVerdict:
        """What an answer means; a success condition of the step sees the names of all templates, and `answer`."""
        success, answer = self.success, masked.answer
        names = None if success is None else lambda own: success({**self.walk.context, **own})
        try:
            verdict = response_rules.judge(
                self.action,
                answer,
                inputs=self.inputs,
                success=names,
                service=self.step.connector.label,
                hide=masked.hide,
                calls=self.calls,
            )
        except RelayError as error:
            reason = f"The answer was {answer.status}, and its success could not be determined: {masked.said(error)}"
            verdict = response_rules.AnswerVerdict(
                "failed", reason, outputs=response_rules.outputs_of(self.action, answer, self.calls)
            )
        return replace(verdict, outputs=masked.outputs(verdict.outputs)) if masked.certain else verdict

    def _judge(self, verdict: response_rules.AnswerVerdict, target: SendTarget, record: dict[str, Any]) -> None:
        if verdict.kind == "succeeded":
            self.record_attempt("succeeded", **record)
            files = self.files and self.files.records
            self.succeed({**verdict.outputs, "files": files} if files else verdict.outputs)
            return
        reason = verdict.message
        # A mail server's answer is certain, whatever its code.
        is_ambiguous = verdict.is_unsure or (record.get("status") in AMBIGUOUS_STATUSES and not self.is_mail)
        if is_ambiguous and not self.action.repeatable:
            self.record_attempt("unknown", error=reason, **record)
            raise InDoubt(reason)
        is_token_refused = self.token is not None and record.get("status") == 401
        if verdict.kind == "refused" or is_token_refused:
            self.record_attempt("retry", error=reason, **record)
            self.walk.tries -= 1
            if self.token is not None and is_token_refused:
                access_tokens.renew_refused(self.token, self.walk)
            self._hold_refused(target, reason)
        if self.outcome.probe_of is not None:
            self._probe_ended(verdict, reason, record)
        self._try_again_or_fail(verdict, reason, record)

    def _probe_ended(self, verdict: response_rules.AnswerVerdict, reason: str, record: dict[str, Any]) -> None:
        """Record whether the probe was answered; if not, hold its run again, without counting a try."""
        self.outcome.probe_answered = verdict.kind != "retry"
        if verdict.kind == "retry":
            self.record_attempt("retry", error=reason, **record)
            self.walk.tries -= 1
            self.hold(HeldBy.DESTINATION, reason, destination_id=self.work_item.probe_of)

    def _try_again_or_fail(self, verdict: response_rules.AnswerVerdict, reason: str, record: dict[str, Any]) -> None:
        delay = None
        if verdict.kind == "retry":
            delay = backoff.next_delay(self.walk.tries + 1, self.step.delays, verdict.retry_after, now=time.time())
        self.record_attempt("failed" if delay is None else "retry", error=reason, **record)
        if delay is None:
            self.fail(reason, verdict.outputs)
        self.outcome.wait(time.time_ns() // 1000 + int(delay * 1e6), reason, tries=self.walk.tries)
        raise Ended

    def succeed(self, outputs: dict[str, Any]) -> None:
        """Enter the step with its outputs."""
        if self.outcome.probe_of is not None and self.action.target != "inbox":
            self.outcome.probe_answered = True
        self.walk.tries = 0
        if self.chain is not None:
            self.walk.shorten_calls(self.id)
        self.walk.enter(self.step, "succeeded", outputs, **self.note())

    def fail(self, reason: str, outputs: dict[str, Any] | None = None) -> NoReturn:
        """Enter the step as failed, and raise Failed."""
        self.walk.fail(self.step, reason, outputs, **self.note())

    def note(self) -> dict[str, Any]:
        """What its entry keeps beside the outputs: the bytes stored of this delivery, which are added up for the run,
        and the ids of the files that it fetched.
        """
        kept = {"kept": self.stored_bytes} if self.stored_bytes > size_limits.MIN_NOTED_BYTES else {}
        return {**kept, "files": self.files.ids} if self.files is not None and self.files.records else kept

    def record_attempt(
        self,
        state: Literal["succeeded", "retry", "failed", "unknown"],
        *,
        answer: str | None = None,
        status: int | None = None,
        error: str = "",
    ) -> None:
        """Add this attempt to the outcome."""
        self.walk.tries += 1
        sent = self.request_record
        if self.walk.attempt_bytes > size_limits.MAX_ATTEMPT_BYTES:
            sent, answer = size_limits.shortened(sent), size_limits.shortened(answer)
        size = len(sent or "") + len(answer or "")
        self.stored_bytes += size
        self.walk.attempt_bytes += size
        self.walk.unsettled_bytes += size
        self.outcome.attempts.append(
            DeliveryAttempt(
                step=self.id,
                number=self.walk.tries,
                state=state,
                started_at=self.started,
                duration_us=int(self.seconds * 1e6),
                request=sent,
                answer=answer,
                status=status,
                error=error,
                connection=self.step.connection or "",
            )
        )
