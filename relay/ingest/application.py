"""Answers requests to `/in/<token>`: checks method, size, rate and sender, stores the event, then responds."""

from __future__ import annotations

from django.conf import settings
from django.db import Error

from relay.client_address import neighbourhood
from relay.engine.database import statements
from relay.engine.files import event_files
from relay.engine.intake.event_store import Accepted, Arrival, CachedTrigger
from relay.engine.intake.rejections import Rejected
from relay.engine.intake.request_verification import RequestVerifier
from relay.errors import FileStoreDown
from relay.ingest import body_reader, checks
from relay.ingest.body_unpacking import BodyUnpacking
from relay.ingest.file_intake import FileIntake
from relay.ingest.group_commit import GroupCommitter
from relay.ingest.guessing_limiter import GuessingLimiter
from relay.ingest.http_errors import (
    TEXT,
    EarlyAnswer,
    Headers,
    Receive,
    RequestRejected,
    Scope,
    Send,
    send_answer,
    unknown_url,
)
from relay.ingest.inbound_request import InboundRequest
from relay.ingest.key_preparation import KeyPreparation
from relay.ingest.rate_limits import RateLimits
from relay.ingest.read_timeout import ReadTimeout
from relay.ingest.responses import acknowledge, flow_response, without_flow_headers
from relay.ingest.verification import SenderVerification, answer_handshake
from relay.ingest.waiting_callers import WaitingCallers
from relay.ingest.workspace_turns import Overloaded
from relay.signatures import HandshakeAnswer

PREFIX = "/in/"
UNVERIFIED = 401
# How many times a request is handled from the start because its trigger changed in the meantime.
MAX_TRIES = 10


class Ingest:
    """Receives requests at `/in/<token>`. A 2xx response means that the event is stored."""

    def __init__(self, committer: GroupCommitter | None = None) -> None:
        self._committer = committer
        self._read_timeout = ReadTimeout()
        self._waiting: WaitingCallers | None = None
        self._limits = RateLimits()
        self._verification = SenderVerification()
        self._preparation = KeyPreparation()
        self._unpacking = BodyUnpacking()
        self._files = FileIntake()
        self._guessing_limiter = GuessingLimiter(settings.REFUSED_RATE)
        self._has_shared_rates = settings.RATE is not None or settings.ADDRESS_RATE is not None

    @property
    def committer(self) -> GroupCommitter:
        # Created on the first request, in the process and the event loop that serve.
        if self._committer is None:
            self._committer = GroupCommitter()
        return self._committer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = InboundRequest(scope)
        try:
            status, headers, body = await self._respond(request, receive)
            if not request.allows_flow_headers:
                headers = without_flow_headers(headers, body)
        except EarlyAnswer as answer:
            status, headers, body = self._refuse(request, answer)
        await send_answer(send, status, headers, b"" if request.method == "HEAD" else body)

    @property
    def waiting(self) -> WaitingCallers:
        """The callers that wait for the response of their run."""
        if self._waiting is None:
            self._waiting = WaitingCallers(self.committer.replies)
        return self._waiting

    def release_callers(self) -> None:
        """Answer the callers that wait, because the server stops."""
        if self._waiting is not None:
            self._waiting.close()

    async def close(self) -> None:
        self.release_callers()
        self._limits.close()
        self._verification.close()
        self._preparation.close()
        self._files.close()
        if self._committer is not None:
            await self._committer.close()
            self._committer = None

    async def _respond(self, request: InboundRequest, receive: Receive) -> tuple[int, Headers, bytes]:
        if not request.digest:
            raise unknown_url()
        trigger = await self._find_trigger(request)
        if checks.stores_nothing(request.method, trigger):
            # Without a commit, nothing else would compare the cached trigger with the database.
            trigger = await self._refresh(request, trigger)
        checks.check_starts_by_url(trigger)
        if checks.is_probe(request.method, trigger):
            probe = checks.probe_headers(request.method, request.headers.get("origin", ""), trigger)
            return (204 if request.method == "OPTIONS" else 200), probe, b""
        checks.host(request)
        try:
            return await self._handle_again(request, trigger, receive)
        finally:
            if request.spool is not None:
                self._files.release(request)

    async def _handle_again(
        self, request: InboundRequest, trigger: CachedTrigger, receive: Receive
    ) -> tuple[int, Headers, bytes]:
        """Handle a request, again whenever its trigger has changed in the meantime."""
        for _ in range(MAX_TRIES):
            try:
                result = await self._handle(request, trigger, receive)
                if not isinstance(result, CachedTrigger):
                    return result
                trigger = result
            except RequestRejected as refused:
                fresh = await self._refresh(request, trigger)
                # The part of a body that was read before the refusal can't be read again.
                if fresh is trigger or refused.body is not None:
                    self.committer.reject(_to_rejection(refused, request, trigger))
                    if not request.is_read and refused.body is None:
                        await body_reader.discard(receive, request.headers, self._read_timeout)
                    raise
                trigger = fresh
        raise _unavailable()

    async def _handle(
        self, request: InboundRequest, trigger: CachedTrigger, receive: Receive
    ) -> tuple[int, Headers, bytes] | CachedTrigger:
        """Return the response, or the current trigger if the request was checked against an outdated one."""
        checks.check_starts_by_url(trigger)
        checks.head(request, trigger)
        self._check_rate(trigger)
        if not request.is_read:
            await self._read(request, trigger, receive)
        if (trigger.rate is not None or self._has_shared_rates) and not request.is_counted:
            await self._admit(trigger, request.remote)
            request.is_counted = True
        if trigger.verifier is not None:
            handshake = await self._verify(request, trigger, trigger.verifier)
            if handshake is not None:
                fresh = await self._refresh(request, trigger)
                if fresh is not trigger:
                    return fresh
                return await answer_handshake(request, trigger, trigger.verifier, handshake, self.committer)
            checks.check_method(request.method, trigger)
        if trigger.wait:
            await self.waiting.listen()
        accepted = await self._store(request, trigger, await self._body(request, trigger))
        if accepted.is_stale:
            return await self._reload(request, trigger)
        if trigger.wait and accepted.trigger is not None and accepted.trigger.wait:
            return await self._reply(accepted, accepted.trigger, receive)
        return acknowledge(accepted)

    async def _read(self, request: InboundRequest, trigger: CachedTrigger, receive: Receive) -> None:
        most = _max_bytes(trigger)
        large = self._files.reading(request, trigger, most)
        body = await body_reader.read(receive, request.headers, most, self._read_timeout, large)
        if isinstance(body, bytes):
            request.body = body
        else:
            request.spool = body
        request.is_read = True

    async def _body(self, request: InboundRequest, trigger: CachedTrigger) -> bytes:
        """Return the body to store: decompressed, and without its files if it is large."""
        if request.spool is not None:
            try:
                return await self._files.take(request, trigger, _max_bytes(trigger))
            except (Error, FileStoreDown, Overloaded):
                raise _unavailable() from None
        if "content-encoding" in request.headers:
            return await self._unpacking.unpack(request, _max_bytes(trigger))
        return request.body

    async def _reply(self, accepted: Accepted, trigger: CachedTrigger, receive: Receive) -> tuple[int, Headers, bytes]:
        """Return the response that a step of the run rendered, or how the run ended; 202 if neither is in time."""
        if trigger.version_id is None or trigger.paused:
            return acknowledge(accepted, status=202)
        reply = await self.waiting.wait_for_reply(
            accepted.event_id, trigger.wait, receive, is_known=accepted.is_duplicate
        )
        if reply is None:
            return acknowledge(accepted, status=202)
        return flow_response(accepted, reply) if reply.response else acknowledge(accepted, state=reply.state)

    async def _refresh(self, request: InboundRequest, trigger: CachedTrigger) -> CachedTrigger:
        """Return the current trigger, so that no request is refused because of settings that were just changed."""
        try:
            fresh = await self.committer.find_current(request.digest)
        except Error:
            return trigger
        if fresh is None:
            raise unknown_url()
        return fresh

    async def _find_trigger(self, request: InboundRequest) -> CachedTrigger:
        trigger = self.committer.triggers.cached(request.digest)
        if trigger is not None:
            return trigger
        self._refuse_guessers(request)
        try:
            trigger = await self.committer.find(request.digest)
        except Error:
            raise _unavailable() from None
        if trigger is None:
            raise unknown_url()
        return trigger

    def _refuse_guessers(self, request: InboundRequest) -> None:
        """Refuse an address that was refused too often, without a query."""
        if wait := self._guessing_limiter.wait(request.remote):
            raise checks.too_many_requests(wait)

    def _refuse(self, request: InboundRequest, answer: EarlyAnswer) -> tuple[int, Headers, bytes]:
        """Return the error response; 429 for an unknown URL if the address was refused too often.

        A known URL never answers 429 for this reason: some services probe with a wrong signature and expect a 401.
        """
        if 400 <= answer.status < 500 and answer.status != 429:
            wait = self._guessing_limiter.refuse(request.remote)
            answer = checks.too_many_requests(wait) if wait and answer.status == 404 else answer
        # A sender that isn't verified gets no reason. Some services send a wrong signature to check for just this.
        body = b"" if answer.status == UNVERIFIED else f"{answer}\n".encode()
        return answer.status, [*TEXT, *answer.headers], body

    def _check_rate(self, trigger: CachedTrigger) -> None:
        """Refuse a request over the trigger's rate before its body is read; this takes no token of the rate."""
        rate = trigger.rate or settings.RATE
        if rate is not None:
            checks.rate(self._limits.blocked_seconds(trigger.flow_id, rate), rate)

    async def _admit(self, trigger: CachedTrigger, remote: str) -> None:
        """Take a token of the trigger's rate and of the address's, if they have a rate; 429 when none is left."""
        rate, address_rate = trigger.rate or settings.RATE, settings.ADDRESS_RATE
        if rate is not None and not self._limits.take_local(trigger.flow_id, rate):
            checks.rate(await self._limits.admit(trigger.flow_id, rate), rate)
        if address_rate is not None:
            wait = await self._limits.admit(neighbourhood(remote), address_rate)
            checks.address_rate(wait, address_rate, remote)

    async def _verify(
        self, request: InboundRequest, trigger: CachedTrigger, verifier: RequestVerifier
    ) -> HandshakeAnswer | None:
        try:
            return await self._verification.verify(request, trigger, verifier)
        except Overloaded:
            raise _unavailable() from None

    async def _store(self, request: InboundRequest, trigger: CachedTrigger, body: bytes) -> Accepted:
        try:
            files = event_files.beside(request.files)
            arrival = Arrival(request.digest, request.to_store(trigger, body), statements.now(), files=files)
            request.prepared = await self._preparation.prepare(arrival, trigger, request.prepared)
            accepted = await self.committer.store(request.prepared)
        except (Error, Overloaded):
            raise _unavailable() from None
        request.is_stored = not (accepted.is_duplicate or accepted.is_stale or accepted.trigger is None)
        return accepted

    async def _reload(self, request: InboundRequest, trigger: CachedTrigger) -> CachedTrigger:
        """Return the current trigger, after a commit found that the given one is outdated."""
        try:
            fresh = await self.committer.reload(trigger, request.digest)
        except Error:
            raise _unavailable() from None
        if fresh is None:
            raise unknown_url()
        return fresh


def _unavailable() -> EarlyAnswer:
    return EarlyAnswer(503, "Not stored; send it again in a moment", [(b"retry-after", b"2")])


def _to_rejection(refused: RequestRejected, request: InboundRequest, trigger: CachedTrigger) -> Rejected:
    body = request.body if refused.body is None else refused.body
    size = refused.size if refused.size is not None else len(body) or request.size or None
    return request.rejected(
        trigger, why=refused.why, reason=refused.reason, status=refused.status, body=body, size=size
    )


def _max_bytes(trigger: CachedTrigger) -> int:
    """Return how many bytes a body may have, both as sent and decompressed."""
    limit: int = settings.MAX_BYTES
    return min(trigger.settings.max_bytes or limit, limit)
