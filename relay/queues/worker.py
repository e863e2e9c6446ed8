"""Runs RQ's worker loop around one fixed function, whatever the jobs in Redis contain.

An RQ job names a function and its arguments, so anyone with write access to Redis could make a worker call anything.
Relay needs none of that: a job only means that there may be work, and its content is never read.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker, WorkerStatus
from rq.worker_registration import clean_worker_registry

from relay.queues import wakeups

log = structlog.get_logger()

# Set when this process is asked to stop: the job that is running then claims no more runs.
stopping = threading.Event()

# Set while this process serves the queue.
_serving = threading.Event()

# The pause between two polls for work while Redis is unavailable.
POLL_SECONDS = 0.5
# Seconds. RQ waits 15 seconds less than this for a wakeup, and its socket timeout is 10 seconds longer than that.
_TTL = 20
# Relay's job ids are shorter; a longer one was not written by Relay.
_MAX_ID_BYTES = 100


@functools.cache
def _presence() -> wakeups.Heartbeat:
    # Created in the serving process, not in the one that it was forked from, because its name has the process id.
    return wakeups.Heartbeat(wakeups.WORKERS, wakeups.WORKER_TTL)


def renew_presence() -> None:
    """Renew this worker's heartbeat in the middle of a long job; cheap, and does nothing in other processes."""
    if _serving.is_set():
        _presence().renew()


class Worker(SimpleWorker):
    """Serves one queue in its own process, without forking a child per job; ends quietly if Redis fails.

    `work`: the function to call for each job. `lost_redis`: whether the worker ended because a Redis command failed.
    """

    log_job_description = False

    def __init__(self, queue: Queue, work: Callable[[], object], connection: Redis) -> None:
        super().__init__([queue], connection=connection, serializer=JSONSerializer, job_class=Job, worker_ttl=_TTL)
        self._work = work
        self.lost_redis = False

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        """The next job, created here: neither its id nor its content in Redis decides what runs.

        With a `timeout` in seconds, returns a job when it ends, too, so that work is found even if something in Redis
        prevents wakeups. Without one, returns None if no job is waiting.
        """
        (queue,) = self.queues
        with self._stops_without_redis():
            self.set_state(WorkerStatus.IDLE)
            self.heartbeat()
            job_id = self._pop(queue, timeout)
            if job_id is None and timeout is None:
                return None
            if job_id is not None and len(job_id) <= _MAX_ID_BYTES:
                self.connection.delete(Job.key_for("").encode() + job_id)
        return Job(connection=self.connection, serializer=JSONSerializer), queue

    def _pop(self, queue: Queue, timeout: int | None) -> bytes | None:
        if timeout is None:
            return self.connection.lpop(queue.key)  # type: ignore[return-value] # no count: one value
        popped: Any = self.connection.blpop([queue.key], timeout)
        return popped[1] if popped else None

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Call `work`. RQ would import the function that the job names, and afterwards its callbacks."""
        with self._stops_without_redis():
            self.set_state(WorkerStatus.BUSY)
            try:
                self._work()
            except Exception:
                log.exception("work.failed")
            self.set_state(WorkerStatus.IDLE)
        if stopping.is_set():
            raise StopRequested  # `work` itself may set it, when this process runs out of memory

    def run_maintenance_tasks(self) -> None:
        """Do nothing: RQ would run the callbacks of abandoned jobs, and Relay has none."""

    @property
    def should_run_maintenance_tasks(self) -> bool:
        return False

    def request_stop(self, signum: int, frame: Any) -> None:
        stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def set_shutdown_requested_date(self) -> None:
        """Do nothing: this runs in a signal handler, in the middle of a job, where Redis must not be called."""

    def subscribe(self) -> None:
        """Do nothing: RQ's command channel and its thread are not needed, since workers are stopped by signals."""

    def unsubscribe(self) -> None:
        """Do nothing: `subscribe` does nothing."""

    def check_for_suspension(self, burst: bool) -> None:
        """Do nothing, which saves a round trip per job: the queue is never suspended."""

    def procline(self, message: str) -> None:
        """Do nothing: the process title stays as it is."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        with self._stops_without_redis():
            super().heartbeat(timeout, pipeline)
            _presence().renew()

    @contextlib.contextmanager
    def _stops_without_redis(self) -> Iterator[None]:
        # RQ itself would retry with longer and longer pauses, and end the process on an error it doesn't expect.
        try:
            yield
        except RedisError as error:
            self.lost_redis = True
            raise StopRequested from error


def run_worker(work: Callable[[], object], *, burst: bool = False) -> None:
    """Call `work` for each job until SIGTERM or SIGINT, or in a burst until no job is left. The last job is finished.

    While Redis is unavailable, or refuses a command that a worker needs, `work` is called in a loop instead: the
    database has the due times.
    """
    with contextlib.suppress(StopRequested):
        while not stopping.is_set():
            if not _serve_queue(work, burst=burst):
                _stop_on_signals()
                work()
            if burst:
                return
            stopping.wait(POLL_SECONDS)


def _serve_queue(work: Callable[[], object], *, burst: bool) -> bool:
    """Serve the queue until asked to stop; False if Redis is unavailable, or fails in the meantime."""
    if not wakeups.ping():
        return False
    try:
        connection = wakeups.client()
        queue = wakeups.queue(connection)
        with contextlib.suppress(UnicodeDecodeError):  # a worker name that Relay didn't write
            clean_worker_registry(queue)
        worker = Worker(queue, work, connection)
        _serving.set()
        worker.work(burst=burst, logging_level="WARNING")
        _presence().end()
    except RedisError as error:
        log.warning("worker.without_redis", reason=type(error).__name__)
        return False
    finally:
        _serving.clear()
    return not worker.lost_redis


def _stop_on_signals() -> None:
    """Set `stopping` on SIGTERM and SIGINT, as RQ's own handlers do while it waits for jobs."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
