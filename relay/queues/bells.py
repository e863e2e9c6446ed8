"""Bells that say "there is work", rung only when nobody is watching for it."""

from __future__ import annotations

import functools
import os
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import django_rq
import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry
from rq import Queue

log = structlog.get_logger()

WORK = "relay.jobs.work"
# A bell that failed is worth nothing after a minute: upkeep has rung again.
FAILURE_TTL = 60

# Workers that watch, by the second until which they do: the word of one that was killed ends by itself.
WATCHERS = "relay:watching"
WATCH_TTL = 3.0
# Workers that serve the queue, in the same way. RQ's own list outlives the killed and doesn't survive a FLUSHALL.
WORKERS = "relay:workers"
WORKER_TTL = 20.0
# Seconds between two strokes of a bell that nobody needed to hear.
HUSH = 0.01
# A Redis that doesn't answer within a second is away: nobody's work waits for it, and for so long nobody asks again.
PATIENCE = 1.0

# When may the next one go, in microseconds: now, and then not before `interval` has passed; else how long it takes.
_ADMIT = """
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local next = tonumber(redis.call("GET", KEYS[1]) or "0")
if next > now and next <= now + ARGV[1] then return next - now end
redis.call("SET", KEYS[1], string.format("%.0f", now + ARGV[1]), "PX", math.ceil(ARGV[1] / 1000) + 1)
return 0
"""


class Impatient(Redis):
    """A client for short questions. Where one waited in vain, all are refused for a moment: else each would wait."""

    away_until = 0.0  # by the clock that nobody sets

    def execute_command(self, *words: Any, **options: Any) -> Any:
        self.check()
        try:
            return super().execute_command(*words, **options)  # type: ignore[no-untyped-call]
        except RedisTimeout:
            self.away_until = time.monotonic() + PATIENCE
            raise

    def check(self) -> None:
        """RedisError while it is taken for away."""
        if time.monotonic() < self.away_until:
            raise RedisConnectionError("Redis gave no answer a moment ago")


@functools.cache
def _queue() -> Queue:
    return queue(client(PATIENCE, kind=Impatient))


def connection() -> Impatient:
    """This process's client for short questions, which may be asked from any thread."""
    found = _queue().connection
    assert isinstance(found, Impatient)
    return found


def queue(connection: Redis) -> Queue:
    # RQ rings at once: what is rung for is committed already.
    made: Queue = django_rq.get_queue(settings.QUEUE, commit_mode="auto", connection=connection)
    return made


def client(timeout: float | None = None, *, kind: type[Redis] = Redis) -> Redis:
    """A client that tries once: whoever uses it goes on without Redis. `timeout` for each answer, in seconds."""
    once = Retry(NoBackoff(), 0)
    made: Redis = kind.from_url(settings.REDIS_URL, retry=once, socket_timeout=timeout, socket_connect_timeout=PATIENCE)
    return made


def ring() -> bool:
    """Say that there is work; False when a worker is watching for it, or enough bells wait already.

    Never raises for Redis: the database knows what is due, and upkeep calls again within a second.
    """
    return _unless_redis_is_away(lambda: not _watching() and not waiting() and _enqueue())


def call() -> bool:
    """Wake one worker more, although others are watching: there is more work than they get on with."""
    return _unless_redis_is_away(_enqueue)


def _unless_redis_is_away(ring: Callable[[], bool]) -> bool:
    try:
        return ring()
    except RedisError as error:
        log.warning("bell.lost", reason=type(error).__name__)
        return False


def _enqueue() -> bool:
    if waiting() >= max(1, workers() - _watching()):
        return False
    _queue().enqueue_call(WORK, timeout=-1, result_ttl=0, failure_ttl=FAILURE_TTL)
    return True


def _watching() -> int:
    return _present(WATCHERS, WATCH_TTL)


def _present(key: str, ttl: float) -> int:
    """Whose word still holds. One that holds for longer than it can was given before the clock was set back."""
    now = time.time()
    return int(connection().zcount(key, now, now + 2 * ttl))


class Word:
    """A process's word that it is here, which ends by itself where it isn't renewed."""

    def __init__(self, key: str, ttl: float, name: str = "") -> None:
        self._key, self._ttl = key, ttl
        self._name = name or f"{os.getpid()}-{secrets.token_hex(4)}"
        self._until = 0.0

    def keep(self) -> None:
        """Give the word for `ttl` seconds more; cheap when it was given lately."""
        now = time.time()
        if not self._ttl / 2 <= self._until - now <= self._ttl:
            self._until = now + self._ttl
            _unless_redis_is_away(self._write)

    def _write(self) -> bool:
        return bool(connection().zadd(self._key, {self._name: self._until}))

    def end(self) -> None:
        """Take it back."""
        self._until = 0.0
        _unless_redis_is_away(self._withdraw)

    def _withdraw(self) -> bool:
        redis = connection()
        redis.zremrangebyscore(self._key, 0, time.time() - self._ttl)
        return bool(redis.zrem(self._key, self._name))


class Watch(Word):
    """A worker's word that it looks for due work again and again, so that nobody need ring for it.

    Take it back (`end`) before the last look, not after: what was committed while the word held is then seen by
    that look, and whatever is committed later rings.
    """

    def __init__(self, name: str = "") -> None:
        super().__init__(WATCHERS, WATCH_TTL, name)

    def is_spare(self) -> bool:
        """Whether another one watches that stays when both ask: the first by name."""
        return _unless_redis_is_away(self._comes_later)

    def _comes_later(self) -> bool:
        now = time.time()
        names: Any = connection().zrangebyscore(WATCHERS, now, now + 2 * WATCH_TTL)
        return any(name.decode() < self._name for name in names)


def waiting() -> int:
    """Bells that no worker has answered yet."""
    return int(connection().llen(_queue().key))


def workers() -> int:
    """Workers that serve the queue now; 0 while Redis is away."""
    try:
        return _present(WORKERS, WORKER_TTL)
    except RedisError:
        return 0


def admit(key: str, interval: float) -> float:
    """Seconds until the next send under `key`, of which there may be one every `interval` seconds; 0: send now.

    One clock for all workers. While Redis can't be reached nothing is let through: a second, then ask again.
    """
    try:
        wait = connection().eval(_ADMIT, 1, f"relay:rate:{key}", int(interval * 1e6))
    except RedisError:
        return 1.0
    return int(wait) / 1e6


def ping() -> bool:
    """Whether Redis answers within a second."""
    try:
        return bool(connection().ping())
    except RedisError:
        return False


class Bell:
    """Rings from a thread of its own, so that no commit waits for Redis; strokes in between are one.

    Where somebody watched at the last stroke, the next one need not be heard at once.
    """

    def __init__(self) -> None:
        self._struck = threading.Event()
        self._hushed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()

    def strike(self) -> None:
        self._struck.set()

    def close(self) -> None:
        """Ring what was struck, then end."""
        self._hushed.set()
        self._struck.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._struck.wait()
            self._struck.clear()
            is_last = self._hushed.is_set()
            if not ring():
                self._hushed.wait(HUSH)
