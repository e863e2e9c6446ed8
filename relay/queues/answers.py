"""Answers: what workers tell the callers that wait, from process to process by Redis's channels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import structlog
from redis.exceptions import RedisError

from relay.queues import bells

log = structlog.get_logger()

CHANNEL = "relay:answers"
AGAIN = 0.5  # seconds until Redis is looked for again
LISTEN = 1.0  # seconds of one wait for a message


def tell(messages: Iterable[bytes]) -> None:
    """Tell every process that has callers waiting. Never raises for Redis: they look into the database, too."""
    try:
        connection = bells.connection()
        connection.check()
        pipeline = connection.pipeline(transaction=False)
        for message in messages:
            pipeline.publish(CHANNEL, message)
        pipeline.execute()
    except RedisError as error:
        log.warning("answers.lost", reason=type(error).__name__)


class Listener:
    """Hears what is told, in one thread however many wait; `heard` is called there."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self._heard = heard
        self._closed = threading.Event()
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, name="answers", daemon=True)
        self._thread.start()

    @property
    def listens(self) -> bool:
        """Whether nothing that is told now can be missed."""
        return self._listens.is_set()

    def close(self) -> None:
        self._closed.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._listen()
            except (RedisError, OSError) as error:
                self._listens.clear()
                log.warning("answers.unheard", reason=type(error).__name__)
                self._closed.wait(AGAIN)

    def _listen(self) -> None:
        with bells.client() as connection, connection.pubsub() as channel:
            channel.subscribe(CHANNEL)
            while not self._closed.is_set():
                message = channel.get_message(timeout=LISTEN)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    self._listens.set()
                elif message["type"] == "message":
                    self._heard(message["data"])
