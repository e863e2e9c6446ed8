"""The doorbell: bells that say "there is work", and the worker that answers them. The only door to RQ and Redis."""

from __future__ import annotations

import functools
import threading
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

# Set when this process was asked to stop: a job in hand claims nothing more.
stopping = threading.Event()


@functools.cache
def _queue() -> Queue:
    # RQ rings at once: what is rung for is committed already.
    queue: Queue = django_rq.get_queue(settings.QUEUE, commit_mode="auto")
    return queue


def ring() -> bool:
    """Say that there is work; False when enough bells wait already or Redis can't be reached.

    Never raises for Redis: the database knows what is due, and upkeep rings again within a second.
    """
    try:
        queue = _queue()
        if waiting() >= max(1, workers()):
            return False
        queue.enqueue_call(WORK, timeout=-1, result_ttl=0, failure_ttl=FAILURE_TTL)
    except RedisError as error:
        log.warning("bell.lost", reason=type(error).__name__)
        return False
    return True


def waiting() -> int:
    """Bells that no worker has answered yet."""
    return int(_queue().connection.llen(_queue().key))


def workers() -> int:
    """Workers that serve the queue now."""
    return int(_queue().connection.scard(f"rq:workers:{settings.QUEUE}"))


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
        super().request_stop(signum, frame)

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
