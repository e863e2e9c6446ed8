"""The ASGI application: method, size and time checked, then stored, then answered."""

from __future__ import annotations

import re

from django.conf import settings
from django.db import Error

from relay.engine import sql
from relay.engine.guards import NOTHING
from relay.engine.intake import Accepted, Arrival, Door
from relay.engine.rejections import Rejected
from relay.forwarded import neighbourhood
from relay.ingest import bodies, checks, scopes
from relay.ingest.admission import Admission
from relay.ingest.answers import TEXT, Answer, Headers, Receive, Refused, Scope, Send, send_answer
from relay.ingest.came import Came, rejected
from relay.ingest.committer import Committer, Overloaded
from relay.ingest.guard import Guard
from relay.ingest.meters import Meters
from relay.ingest.patience import Patience
from relay.ingest.replies import acknowledge, replied
from relay.ingest.scopes import joined
from relay.ingest.waiting import Waiting
from relay.models.flows import digest

PREFIX = "/in/"
_PATH = re.compile(rb"/in/([A-Za-z0-9_-]{20,64})")
UNVERIFIED = 401


class Ingest:
    """Receives requests at `/in/<token>`. Answered 2xx means stored."""

    def __init__(self, committer: Committer | None = None) -> None:
        self._committer = committer
        self._patience = Patience()
        self._waiting: Waiting | None = None
        self._meters = Meters()
        self._admission = Admission()
        self._guard = Guard(settings.REFUSED_RATE)
        self._limits_all = settings.RATE is not None or settings.ADDRESS_RATE is not None

    @property
    def committer(self) -> Committer:
        # Made on the first request, in the process and the loop that serve.
        if self._committer is None:
            self._committer = Committer()
        return self._committer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, headers, body = await self._respond(scope, receive)
        except Answer as answer:
            status, headers, body = self._turned_away(scope, answer)
        await send_answer(send, status, headers, b"" if scope["method"] == "HEAD" else body)

    @property
    def waiting(self) -> Waiting:
        """The callers that wait for what their run answers."""
        if self._waiting is None:
            self._waiting = Waiting(self.committer.replies)
        return self._waiting

    def let_go(self) -> None:
        """Answer those that wait: the server stops."""
        if self._waiting is not None:
            self._waiting.close()

    async def close(self) -> None:
        self.let_go()
        self._meters.close()
        self._admission.close()
        if self._committer is not None:
            await self._committer.close()
            self._committer = None

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[int, Headers, bytes]:
        token_digest = _token_digest(scope)
        door = await self._door(scope, token_digest)
        if door.settings.kind != "webhook":
            raise Answer(404, "This flow does not start by its URL")
        if checks.is_probe(scope["method"], door):
            return (204 if scope["method"] == "OPTIONS" else 200), [checks.allow(door)], b""
        headers = joined(scope["headers"])
        checks.host(scope, headers)
        came = Came(scope, token_digest, headers, scopes.remote(scope, headers))
        while True:
            try:
                taken = await self._take(came, door, receive)
                if not isinstance(taken, Door):
                    return taken
                door = taken
            except Refused as refused:
                fresh = await self._look_again(token_digest, door)
                # What of a body was read by then can't be read again.
                if fresh is door or refused.body is not None:
                    self.committer.reject(_rejected(refused, came, door))
                    if not came.is_read and refused.body is None:
                        await bodies.discard(receive, headers, self._patience)
                    raise
                door = fresh

    async def _take(self, came: Came, door: Door, receive: Receive) -> tuple[int, Headers, bytes] | Door:
        """The answer to what came; the door as it is now, where it was verified by what doesn't hold any more."""
        checks.head(came.method, came.headers, came.remote, door)
        self._check_rate(door)
        if not came.is_read:
            most = door.settings.max_bytes or settings.MAX_BYTES
            came.body, came.is_read = await bodies.read(receive, came.headers, most, self._patience), True
        if door.rate is not None or self._limits_all:
            await self._admit(door, came.remote)
        if door.guard is not None:
            shaken = await self._admission.admit(came, door, door.guard, self.committer)
            if shaken is not None:
                return shaken
            checks.taken_as(came.method, door)
        if door.wait:
            await self.waiting.ready()
        accepted = await self._store(_arrival(came, door))
        if accepted.is_stale and accepted.door:
            return accepted.door
        if door.wait and accepted.door is not None and accepted.door.wait:
            return await self._reply(accepted, accepted.door, receive)
        return acknowledge(accepted)

    async def _reply(self, accepted: Accepted, door: Door, receive: Receive) -> tuple[int, Headers, bytes]:
        """What a step of the run answers, or how the run ended; 202 where neither is known in time."""
        if door.version_id is None or door.paused:
            return acknowledge(accepted, status=202)
        reply = await self.waiting.reply(accepted.event_id, door.wait, receive, is_known=accepted.is_duplicate)
        if reply is None:
            return acknowledge(accepted, status=202)
        return replied(accepted, reply) if reply.response else acknowledge(accepted, state=reply.state)

    async def _look_again(self, token_digest: str, door: Door) -> Door:
        """The door as it is now: nobody is refused for what has just been changed."""
        try:
            fresh = await self.committer.look(token_digest)
        except Error:
            return door
        if fresh is None:
            raise Answer(404, "No such URL")
        return fresh

    async def _door(self, scope: Scope, token_digest: str) -> Door:
        door = self.committer.doors.remembered(token_digest)
        if door is not None:
            return door
        self._keep_guessers_out(scope, token_digest)
        try:
            door = await self.committer.find(token_digest)
        except Error:
            raise _unavailable() from None
        if door is None:
            raise Answer(404, "No such URL")
        return door

    def _keep_guessers_out(self, scope: Scope, token_digest: str) -> None:
        """Look nothing up for an address that was refused too often, unless it is what others have found."""
        wait = self._guard.wait(scopes.remote(scope))
        if wait and not self.committer.doors.is_familiar(token_digest):
            raise checks.too_many(wait)

    def _turned_away(self, scope: Scope, answer: Answer) -> tuple[int, Headers, bytes]:
        """The answer; of an unknown URL 429 where the address was refused too often.

        Of a known one never: senders probe with wrong signatures, and want their 401.
        """
        if 400 <= answer.status < 500 and answer.status != 429:
            wait = self._guard.refuse(scopes.remote(scope))
            answer = checks.too_many(wait) if wait and answer.status == 404 else answer
        # A sender that isn't verified is told no more than that; some send a wrong signature to see just this.
        body = b"" if answer.status == UNVERIFIED else f"{answer}\n".encode()
        return answer.status, [*TEXT, *answer.headers], body

    def _check_rate(self, door: Door) -> None:
        """Refuse unread what is over the trigger's rate; nothing is taken of it yet."""
        rate = door.rate or settings.RATE
        if rate is not None:
            checks.rate(self._meters.closed_for(door.flow_id, rate), rate)

    async def _admit(self, door: Door, remote: str) -> None:
        """Take one of the trigger's rate and of the address's, where there are such; 429 when none is left."""
        rate, own = door.rate or settings.RATE, settings.ADDRESS_RATE
        if rate is not None and not self._meters.at_hand(door.flow_id, rate):
            checks.rate(await self._meters.admit(door.flow_id, rate), rate)
        if own is not None:
            place = neighbourhood(remote)
            checks.address_rate(await self._meters.admit(place, own), own, remote)

    async def _store(self, arrival: Arrival) -> Accepted:
        try:
            return await self.committer.store(arrival)
        except (Error, Overloaded):
            raise _unavailable() from None


def _unavailable() -> Answer:
    return Answer(503, "Not stored; send it again in a moment", [(b"retry-after", b"2")])


def _token_digest(scope: Scope) -> str:
    # The path as it came: an encoded or decorated spelling of a token is another path.
    path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    match = _PATH.fullmatch(path.partition(b"?")[0])
    if match is None:
        raise Answer(404, "No such URL")
    return digest(match[1].decode())


def _rejected(refused: Refused, came: Came, door: Door) -> Rejected:
    body = came.body if refused.body is None else refused.body
    size = refused.size if refused.size is not None else len(body) or None
    return rejected(came, door, why=refused.why, reason=refused.reason, status=refused.status, body=body, size=size)


def _arrival(came: Came, door: Door) -> Arrival:
    hidden = door.guard.hidden if door.guard else NOTHING
    return Arrival(
        digest=came.digest,
        method=came.method,
        query=came.query(hidden),
        headers=came.stored_headers(hidden),
        content_type=door.content_type or came.content_type,
        body=came.body,
        remote=came.remote,
        received_at=sql.now(),
        mark=door.mark,
    )
