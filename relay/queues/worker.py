"""The worker that answers bells, and looks for work without them while Redis is away."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import InvalidJobOperation, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker

from relay.queues import bells

log = structlog.get_logger()

# Set when this process was asked to stop: a job in hand claims nothing more.
stopping = threading.Event()

# Set while this process serves the queue.
_serving = threading.Event()

# Seconds between two looks for work while Redis is away.
WITHOUT_BELLS = 0.5
# Seconds, of which RQ waits 15 less for a bell, and 10 more than that for an answer of Redis.
_TTL = 20


@functools.cache
def _presence() -> bells.Word:
    # Made in the process that serves, not in the one that it was forked from: its name is the process's.
    return bells.Word(bells.WORKERS, bells.WORKER_TTL)


def still_serving() -> None:
    """Renew this process's word that it serves the queue, in the middle of a long job; cheap, and nothing elsewhere."""
    if _serving.is_set():
        _presence().keep()


class Worker(SimpleWorker):
    """Serves one queue in its own process, without forking a child per job; ends quietly when Redis goes away."""

    # No suspension, no pub/sub commands: a worker stops by signal.
    log_job_description = False

    def request_stop(self, signum: int, frame: Any) -> None:
        stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def set_shutdown_requested_date(self) -> None:
        """Tell Redis nothing: this runs within a signal, in the middle of a job."""

    def subscribe(self) -> None:
        """Skip RQ's command channel and its thread: nothing is sent there."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed."""

    def check_for_suspension(self, burst: bool) -> None:
        """Skip a round trip a job: the queue is never suspended."""

    def procline(self, message: str) -> None:
        """Leave the process title alone."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        with _stops_without_redis():
            super().heartbeat(timeout, pipeline)
            _presence().keep()

    def handle_job_success(self, *words: Any, **named: Any) -> None:
        """Skip it where Redis was emptied meanwhile: it knows nothing of the job any more, and nobody needs it to."""
        with contextlib.suppress(InvalidJobOperation):
            super().handle_job_success(*words, **named)

    def execute_job(self, job: Job, queue: Queue) -> None:
        with _stops_without_redis():
            super().execute_job(job, queue)


@contextlib.contextmanager
def _stops_without_redis() -> Iterator[None]:
    # RQ itself would wait for longer and longer, and take what it doesn't expect for the end of the process.
    try:
        yield
    except RedisError as error:
        raise StopRequested from error


def run_worker(work: Callable[[], object], *, burst: bool = False) -> None:
    """Answer bells until SIGTERM or SIGINT (or, in a burst, until none waits); what is in hand is finished.

    While Redis is away, `work` is called again and again instead: the database knows what is due.
    """
    with contextlib.suppress(StopRequested):
        while not stopping.is_set():
            if not _answer_bells(burst=burst):
                _mind_signals()
                work()
            if burst:
                return
            stopping.wait(WITHOUT_BELLS)


def _answer_bells(*, burst: bool) -> bool:
    """Serve the queue until asked to stop or Redis goes away; False when it is away."""
    if not bells.ping():
        return False
    try:
        connection = bells.client()
        queue = bells.queue(connection)
        worker = Worker([queue], connection=connection, serializer=JSONSerializer, job_class=Job, worker_ttl=_TTL)
        _serving.set()
        worker.work(burst=burst, logging_level="WARNING")
        _presence().end()
    except RedisError as error:
        log.warning("worker.without_bells", reason=type(error).__name__)
        return False
    finally:
        _serving.clear()
    return True


def _mind_signals() -> None:
    """Have signals ask to stop, as RQ's own handlers do while it waits for bells."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
