"""Sends wakeups to workers, runs the worker that receives them, and holds all other use of Redis and RQ."""

from relay.queues.reply_channel import Listener, publish
from relay.queues.semaphore import acquire_slot, release_slot
from relay.queues.token_bucket import take_tokens
from relay.queues.wakeups import (
    Wakeup,
    WorkerHeartbeat,
    pending_wakeups,
    ping,
    throttle,
    wake_another_worker,
    wake_worker,
    worker_count,
)
from relay.queues.worker import renew_presence, run_worker, stopping

__all__ = [
    "Listener",
    "Wakeup",
    "WorkerHeartbeat",
    "acquire_slot",
    "pending_wakeups",
    "ping",
    "publish",
    "release_slot",
    "renew_presence",
    "run_worker",
    "stopping",
    "take_tokens",
    "throttle",
    "wake_another_worker",
    "wake_worker",
    "worker_count",
]
