"""The doorbell: bells that say "there is work", and the worker that answers them. The only door to RQ and Redis."""

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
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

log = structlog.get_logger()

WORK = "relay.jobs.work"
# A bell that failed is worth nothing after a minute: upkeep has rung again.
FAILURE_TTL = 60

# Workers that watch, by the second until which they do: the word of one that was killed ends by itself.
WATCHERS = "relay:watching"
WATCH_TTL = 3.0

# When may the next one go, in microseconds: now, and then not before `interval` has passed; else how long it takes.
_ADMIT = """
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local next = tonumber(redis.call("GET", KEYS[1]) or "0")
if next > now then return next - now end
redis.call("SET", KEYS[1], string.format("%.0f", now + ARGV[1]), "PX", math.ceil(ARGV[1] / 1000) + 1)
return 0
"""

# Set when this process was asked to stop: a job in hand claims nothing more.
stopping = threading.Event()


@functools.cache
def _queue() -> Queue:
    # RQ rings at once: what is rung for is committed already.
    queue: Queue = django_rq.get_queue(settings.QUEUE, commit_mode="auto")
    return queue


def ring() -> bool:
    """Say that there is work; False when a worker is watching for it, or enough bells wait already.

    Never raises for Redis: the database knows what is due, and upkeep calls again within a second.
    """
    return _unless_redis_is_away(lambda: not _watching() and _enqueue())


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
    return int(_queue().connection.zcount(WATCHERS, time.time(), "+inf"))


class Watch:
    """A worker's word that it looks for due work again and again, so that nobody need ring for it.

    Take it back (`end`) before the last look, not after: what was committed while the word held is then seen by
    that look, and whatever is committed later rings.
    """

    def __init__(self) -> None:
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._until = 0.0

    def keep(self) -> None:
        """Give the word for WATCH_TTL seconds more; cheap when it was given lately."""
        now = time.time()
        if self._until - now < WATCH_TTL / 2:
            self._until = now + WATCH_TTL
            _unless_redis_is_away(self._write)

    def _write(self) -> bool:
        return bool(_queue().connection.zadd(WATCHERS, {self._name: self._until}))

    def end(self) -> None:
        self._until = 0.0
        _unless_redis_is_away(self._withdraw)

    def _withdraw(self) -> bool:
        connection = _queue().connection
        connection.zremrangebyscore(WATCHERS, 0, time.time() - WATCH_TTL)
        return bool(connection.zrem(WATCHERS, self._name))


def waiting() -> int:
    """Bells that no worker has answered yet."""
    return int(_queue().connection.llen(_queue().key))


def workers() -> int:
    """Workers that serve the queue now."""
    return int(_queue().connection.scard(f"rq:workers:{settings.QUEUE}"))


def admit(key: str, interval: float) -> float:
    """Seconds until the next send under `key`, of which there may be one every `interval` seconds; 0: send now.

    One clock for all workers. While Redis can't be reached nothing is let through: a second, then ask again.
    """
    try:
        wait = _queue().connection.eval(_ADMIT, 1, f"relay:rate:{key}", int(interval * 1e6))
    except RedisError:
        return 1.0
    return int(wait) / 1e6


def ping(timeout: float = 1.0) -> bool:
    """Whether Redis answers within `timeout` seconds."""
    try:
        client = Redis.from_url(settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=timeout)
        return bool(client.ping())
    except RedisError:
        return False


class Worker(SimpleWorker):
    """Serves one queue in its own process, without forking a child per job."""

    # No suspension, no pub/sub commands: a worker stops by signal.
    log_job_description = False

    def request_stop(self, signum: int, frame: Any) -> None:
        stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def subscribe(self) -> None:
        """Skip RQ's command channel and its thread: nothing is sent there."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""

    def check_for_suspension(self, burst: bool) -> None:
        """Skip a round trip a job: the queue is never suspended."""

    def procline(self, message: str) -> None:
        """Leave the process title alone."""


def run_worker(*, burst: bool = False) -> None:
    """Answer bells until SIGTERM or SIGINT (or, in a burst, until none waits). Finishes what is in hand."""
    queue = _queue()
    worker = Worker([queue], connection=queue.connection, serializer=JSONSerializer, job_class=Job)
    worker.work(burst=burst, logging_level="WARNING")


class Bell:
    """Rings from a thread of its own, so that no commit waits for Redis; strokes in between are one."""

    def __init__(self) -> None:
        self._struck = threading.Event()
        self._silent = False
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()

    def strike(self) -> None:
        self._struck.set()

    def close(self) -> None:
        """Ring what was struck, then end."""
        self._silent = True
        self._struck.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._silent:
            self._struck.wait()
            self._struck.clear()
            ring()
