"""Verifies the sender of a request on its raw bytes, and answers handshakes, before anything is stored."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from django.db import Error

from relay.engine.configuration import trigger_secrets
from relay.engine.intake.event_store import CachedTrigger
from relay.engine.intake.rejections import MAX_BODY_BYTES
from relay.engine.intake.request_verification import Decision, RequestVerifier
from relay.ingest.group_commit import GroupCommitter
from relay.ingest.http_errors import NOSNIFF, EarlyAnswer, Headers, RequestRejected
from relay.ingest.inbound_request import InboundRequest
from relay.ingest.responses import encoded
from relay.ingest.workspace_turns import WorkspaceTurns
from relay.masking import MASK
from relay.models import Why
from relay.signatures import HandshakeAnswer

# Requests at once whose verification may have to fetch a key, in a process and of one workspace.
MAX_FETCHING, MAX_FETCHING_OF_WORKSPACE = 4, 2
# Larger bodies are verified in threads, beside the event loop; how many requests at once.
LARGE_BYTES, MAX_VERIFYING = 16 * 1024, 2


class SenderVerification:
    """Verifies requests with the verifiers of their triggers. Used from one event loop."""

    def __init__(self) -> None:
        self._fetching = _VerifierThreads("fetching", MAX_FETCHING, share=MAX_FETCHING_OF_WORKSPACE)
        self._verifying = _VerifierThreads("verifying", MAX_VERIFYING, share=1)

    async def verify(
        self, request: InboundRequest, trigger: CachedTrigger, verifier: RequestVerifier
    ) -> HandshakeAnswer | None:
        """Return the answer to a handshake; None for an event to store. Raises RequestRejected or EarlyAnswer."""
        decision = await self._judge(verifier, request, trigger.workspace_id)
        if decision.is_temporary:
            raise EarlyAnswer(503, "Not verified; send it again in a moment", [(b"retry-after", b"10")])
        if decision.reason:
            status = decision.answer.status if decision.answer else 401
            raise RequestRejected(status, Why.SIGNATURE, decision.reason)
        return decision.answer

    async def _judge(self, verifier: RequestVerifier, request: InboundRequest, workspace_id: int) -> Decision:
        if not verifier.fetches and request.size <= LARGE_BYTES:
            return _verify(verifier, request)
        threads = self._fetching if verifier.fetches else self._verifying
        return await threads.verify(verifier, request, workspace_id)

    def close(self) -> None:
        self._fetching.close()
        self._verifying.close()


class _VerifierThreads:
    """Threads in which requests are verified, shared fairly between workspaces."""

    def __init__(self, name: str, count: int, *, share: int) -> None:
        self._turns = WorkspaceTurns(count, share=share)
        # A thread starts with the first request that needs it.
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def verify(self, verifier: RequestVerifier, request: InboundRequest, workspace_id: int) -> Decision:
        async with self._turns.turn(workspace_id, len(request.body)):
            return await asyncio.get_running_loop().run_in_executor(self._pool, _verify, verifier, request)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _verify(verifier: RequestVerifier, request: InboundRequest) -> Decision:
    return verifier.verify(request.as_sent(), time.time())


async def answer_handshake(
    request: InboundRequest,
    trigger: CachedTrigger,
    verifier: RequestVerifier,
    answer: HandshakeAnswer,
    committer: GroupCommitter,
) -> tuple[int, Headers, bytes]:
    """Store the secret that a handshake carries, log the handshake with the secret masked, and return the answer."""
    if answer.store and not await _store_secret(request, trigger, verifier, answer.store, committer):
        raise RequestRejected(401, Why.SIGNATURE, "A secret is stored already: its handshake is over")
    body = _mask_secret(request.body, answer.store.encode()) if answer.store else request.body
    reason = f"{verifier.verification.label} asked whether this URL is yours, and was answered"
    size = len(request.body) or None
    committer.reject(
        request.rejected(trigger, why=Why.HANDSHAKE, reason=reason, status=answer.status, body=body, size=size)
    )
    return answer.status, [*{**dict([NOSNIFF]), **encoded(answer.headers)}.items()], answer.body


def _mask_secret(body: bytes, secret: bytes) -> bytes:
    """Return the part of a body that is stored, with a secret masked, and without a part of the secret at the end."""
    start = body[: MAX_BODY_BYTES + len(secret)]
    masked = start.replace(secret, MASK.encode())
    return masked if len(start) == len(body) else masked[: -len(secret)]


async def _store_secret(
    request: InboundRequest, trigger: CachedTrigger, verifier: RequestVerifier, value: str, committer: GroupCommitter
) -> bool:
    def store() -> bool:
        is_first = trigger_secrets.accept_handshake_secret(
            trigger.flow_id, verifier.verification.sender, value, part="secret"
        )
        # A request signed with this secret may follow before the cached trigger would be read again.
        committer.triggers.refresh(request.digest)
        return is_first

    try:
        return await committer.run(store)
    except Error:
        raise EarlyAnswer(503, "Not stored; send it again in a moment", [(b"retry-after", b"2")]) from None
