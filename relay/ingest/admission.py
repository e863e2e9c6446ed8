"""Admission: who is at the door is verified on raw bytes, and handshakes are answered, before anything is stored."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import Error

from relay.engine import secrets
from relay.engine.guards import Guard, Judgement
from relay.engine.intake import Door
from relay.ingest.answers import Answer, Headers, Refused
from relay.ingest.came import Came, rejected
from relay.ingest.committer import Committer
from relay.models import Why
from relay.redaction import MASK
from relay.signatures import Answer as Shaken
from relay.signatures import Request

# Requests at once for whose verification something may have to be fetched.
FETCHING = 4


class Admission:
    """Judges requests by the guards of their doors. Used from one event loop."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None

    async def admit(
        self, came: Came, door: Door, guard: Guard, committer: Committer
    ) -> tuple[int, Headers, bytes] | None:
        """None where an event may be stored, and else the answer to a handshake. Raises Refused or Answer."""
        judgement = await self._judge(guard, _request(came))
        if judgement.is_temporary:
            raise Answer(503, "Not verified; send it again in a moment", [(b"retry-after", b"10")])
        if judgement.reason:
            status = judgement.answer.status if judgement.answer else 401
            raise Refused(status, Why.SIGNATURE, judgement.reason)
        if judgement.answer is None:
            return None
        return await _shake(came, door, guard, judgement.answer, committer)

    async def _judge(self, guard: Guard, request: Request) -> Judgement:
        if not guard.fetches:
            return guard.judge(request, time.time())
        if self._threads is None:
            self._threads = ThreadPoolExecutor(FETCHING, thread_name_prefix="fetching")
        return await asyncio.get_running_loop().run_in_executor(self._threads, guard.judge, request, time.time())

    def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


def _request(came: Came) -> Request:
    """What was signed is the URL that people were given, whatever the request says of its host."""
    path: bytes = came.scope.get("raw_path") or came.scope["path"].encode("utf-8", "surrogateescape")
    query = came.raw_query
    url = settings.PUBLIC_URL + path.partition(b"?")[0].decode("latin-1") + (f"?{query}" if query else "")
    return Request(came.method, url, came.headers, came.body)


async def _shake(
    came: Came, door: Door, guard: Guard, answer: Shaken, committer: Committer
) -> tuple[int, Headers, bytes]:
    """Keep the secret that a handshake brought, and answer it; what of it people may see is kept."""
    if answer.store and not await _kept(door, guard.about.sender, answer.store, committer):
        raise Refused(401, Why.SIGNATURE, "A secret is stored already: its handshake is over")
    body = came.body.replace(answer.store.encode(), MASK.encode()) if answer.store else came.body
    reason = f"{guard.about.label} asked whether this URL is yours, and was answered"
    committer.reject(rejected(came, door, why=Why.HANDSHAKE, reason=reason, status=answer.status, body=body))
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    return answer.status, headers, answer.body


async def _kept(door: Door, sender: str, value: str, committer: Committer) -> bool:
    def take() -> bool:
        is_first = secrets.take(door.flow_id, sender, value, part="secret")
        # What is signed with it may follow before anybody would look at the doors again.
        committer.doors.refresh()
        return is_first

    try:
        return await committer.run(take)
    except Error:
        raise Answer(503, "Not stored; send it again in a moment", [(b"retry-after", b"2")]) from None
