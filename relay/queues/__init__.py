"""The doorbell: bells that say "there is work", and the worker that answers them. The only door to RQ and Redis."""

from relay.queues.answers import Listener, tell
from relay.queues.bells import Bell, Watch, admit, call, ping, ring, waiting, workers
from relay.queues.shares import take
from relay.queues.slots import occupy, vacate
from relay.queues.worker import run_worker, still_serving, stopping

__all__ = [
    "Bell",
    "Listener",
    "Watch",
    "admit",
    "call",
    "occupy",
    "ping",
    "ring",
    "run_worker",
    "still_serving",
    "stopping",
    "take",
    "tell",
    "vacate",
    "waiting",
    "workers",
]
