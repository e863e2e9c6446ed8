"""Sends wakeups, which tell a worker that there is work, unless a worker is already polling for it."""

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
# Seconds. A wakeup whose worker was killed is useless after some minutes: upkeep has sent another one.
JOB_TTL = 600

# Workers that poll for due runs, by the time at which their heartbeat expires, as that of a killed worker does.
WATCHERS = "relay:watching"
WATCH_TTL = 3.0
# Workers that serve the queue, in the same way. RQ's own list keeps killed workers, and doesn't survive a FLUSHALL.
WORKERS = "relay:workers"
WORKER_TTL = 20.0
# A bound on the count, because anyone with write access to Redis could list any number.
MAX_WORKERS = 1_000
# The pause after a wakeup that was not needed.
PAUSE_SECONDS = 0.01
# A Redis that doesn't answer within this time counts as unavailable, and is not asked again for the same time, so that
# no work waits for it.
TIMEOUT_SECONDS = 1.0

# Returns the time until the next send may start, in microseconds; if that is now, reserves it, and blocks the next send
# for one interval.
_THROTTLE = """
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local next = redis.pcall("GET", KEYS[1])
if type(next) == "table" then redis.call("DEL", KEYS[1]) end
next = type(next) == "string" and tonumber(next) or 0
if next > now and next <= now + ARGV[1] then return next - now end
redis.call("SET", KEYS[1], string.format("%.0f", now + ARGV[1]), "PX", math.ceil(ARGV[1] / 1000) + 1)
return 0
"""


class FailFastRedis(Redis):
    """A client for short commands. After a timeout, it fails at once for a moment, so that not every caller waits."""

    unavailable_until = 0.0  # seconds of the monotonic clock

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        self.check()
        try:
            return super().execute_command(*arguments, **options)  # type: ignore[no-untyped-call]
        except RedisTimeout:
            self.unavailable_until = time.monotonic() + TIMEOUT_SECONDS
            raise

    def check(self) -> None:
        """Raise RedisError while Redis counts as unavailable."""
        if time.monotonic() < self.unavailable_until:
            raise RedisConnectionError("Redis gave no answer a moment ago")


@functools.cache
def _queue() -> Queue:
    return queue(client(TIMEOUT_SECONDS, kind=FailFastRedis))


def connection() -> FailFastRedis:
    """This process's client for short commands; may be used from any thread."""
    client = _queue().connection
    assert isinstance(client, FailFastRedis)
    return client


def queue(connection: Redis) -> Queue:
    # RQ need not wait for a commit: the work is committed before its wakeup is sent.
    rq_queue: Queue = django_rq.get_queue(settings.QUEUE, commit_mode="auto", connection=connection)
    return rq_queue


def client(timeout: float | None = None, *, kind: type[Redis] = Redis) -> Redis:
    """A client that does not retry, since all its users can do without Redis. `timeout` of each answer, in seconds."""
    no_retries = Retry(NoBackoff(), 0)
    redis: Redis = kind.from_url(
        settings.REDIS_URL, retry=no_retries, socket_timeout=timeout, socket_connect_timeout=TIMEOUT_SECONDS
    )
    return redis


def wake_worker() -> bool:
    """Send a wakeup; False if a worker is polling for work, or a wakeup is pending already.

    Never raises for Redis: the database has the due times, and upkeep sends another wakeup within a second.
    """
    return _false_without_redis(lambda: not _watching() and not pending_wakeups() and _enqueue())


def wake_another_worker() -> bool:
    """Send a wakeup although workers are polling, because there is more work than they can do."""
    return _false_without_redis(_enqueue)


def _false_without_redis(command: Callable[[], bool]) -> bool:
    try:
        return command()
    except RedisError as error:
        log.warning("wakeup.lost", reason=type(error).__name__)
        return False


def _enqueue() -> bool:
    if pending_wakeups() >= max(1, worker_count() - _watching()):
        return False
    _queue().enqueue_call(WORK, timeout=-1, ttl=JOB_TTL)
    return True


def _watching() -> int:
    return _count_heartbeats(WATCHERS, WATCH_TTL)


def _count_heartbeats(key: str, ttl: float) -> int:
    """Count valid heartbeats. One that expires too late was written before the clock was set back, and is invalid."""
    now = time.time()
    return min(int(connection().zcount(key, now, now + 2 * ttl)), MAX_WORKERS)


class Heartbeat:
    """Shows other processes that this one is alive; expires unless it is renewed."""

    def __init__(self, key: str, ttl: float, name: str = "") -> None:
        self._key, self._ttl = key, ttl
        self._name = name or f"{os.getpid()}-{secrets.token_hex(4)}"
        self._expires_at = 0.0

    def renew(self) -> None:
        """Extend it by `ttl` seconds; cheap if that was done recently."""
        now = time.time()
        if not self._ttl / 2 <= self._expires_at - now <= self._ttl:
            self._expires_at = now + self._ttl
            _false_without_redis(self._write)

    def _write(self) -> bool:
        return bool(connection().zadd(self._key, {self._name: self._expires_at}))

    def end(self) -> None:
        """Withdraw it."""
        self._expires_at = 0.0
        _false_without_redis(self._withdraw)

    def _withdraw(self) -> bool:
        redis = connection()
        redis.zremrangebyscore(self._key, 0, time.time() - self._ttl)
        return bool(redis.zrem(self._key, self._name))


class WorkerHeartbeat(Heartbeat):
    """Shows that this worker polls for due runs, so that no wakeup is needed.

    Call `end` before the last poll, not after it: that poll then finds the work that was committed without a wakeup,
    and work that is committed later sends one.
    """

    def __init__(self, name: str = "") -> None:
        super().__init__(WATCHERS, WATCH_TTL, name)

    def is_spare(self) -> bool:
        """Whether another worker polls that has precedence: if several ask, the first by name stays."""
        return _false_without_redis(self._has_predecessor)

    def _has_predecessor(self) -> bool:
        now = time.time()
        names: Any = connection().zrangebyscore(WATCHERS, now, now + 2 * WATCH_TTL, start=0, num=MAX_WORKERS)
        return any(name < self._name.encode() for name in names)


def pending_wakeups() -> int:
    """The number of wakeups that no worker has taken yet."""
    return int(connection().llen(_queue().key))


def worker_count() -> int:
    """The number of workers that serve the queue; 0 while Redis is unavailable."""
    try:
        return _count_heartbeats(WORKERS, WORKER_TTL)
    except RedisError:
        return 0


def throttle(key: str, interval: float) -> float:
    """Seconds until the next send under `key` may start, at most one every `interval` seconds; 0: send now.

    Redis's clock serves all workers. While Redis can't be reached, nothing may be sent: the result is one second.
    """
    try:
        wait = connection().eval(_THROTTLE, 1, f"relay:rate:{key}", int(interval * 1e6))
    except RedisError:
        return 1.0
    return int(wait) / 1e6


def ping() -> bool:
    """Whether Redis answers within a second."""
    try:
        return bool(connection().ping())
    except RedisError:
        return False


class Wakeup:
    """Sends wakeups from its own thread, so that no commit waits for Redis; joins requests that come close together.

    After a wakeup that was not needed, because a worker was polling, the thread pauses before the next one.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="wakeup", daemon=True)
        self._thread.start()

    def request(self) -> None:
        """Have a wakeup sent soon."""
        self._requested.set()

    def close(self) -> None:
        """Send a wakeup that was requested, then end the thread."""
        self._closing.set()
        self._requested.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._requested.wait()
            self._requested.clear()
            is_last = self._closing.is_set()
            if not wake_worker():
                self._closing.wait(PAUSE_SECONDS)
