"""Passes replies from workers to the processes whose callers wait for them, over a Redis channel.

Each message begins with a digest under SECRET_KEY, so that write access to Redis is not enough to reply to a caller.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import structlog
from django.conf import settings
from redis.client import PubSub
from redis.exceptions import RedisError

from relay.queues import wakeups

log = structlog.get_logger()

CHANNEL = "relay:answers"
RECONNECT_SECONDS = 0.5
POLL_SECONDS = 1.0  # the longest wait for a message, after which a lost `close` is noticed
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_DIGEST_BYTES = 32


def publish(messages: Iterable[bytes]) -> None:
    """Send messages to every process with waiting callers. Never raises for Redis: they poll the database, too."""
    try:
        connection = wakeups.connection()
        connection.check()
        pipeline = connection.pipeline(transaction=False)
        for message in messages:
            pipeline.publish(CHANNEL, sign(message))
        pipeline.execute()
    except RedisError as error:
        log.warning("replies.lost", reason=type(error).__name__)


def sign(message: bytes) -> bytes:
    """The message, preceded by its digest."""
    return _digest(message) + message


def _verified(data: object) -> bytes | None:
    """The message; None if it wasn't sent by a process of this installation."""
    if not isinstance(data, bytes) or len(data) > MAX_MESSAGE_BYTES:
        return None
    message = data[_DIGEST_BYTES:]
    return message if hmac.compare_digest(data[:_DIGEST_BYTES], _digest(message)) else None


def _digest(message: bytes) -> bytes:
    return hashlib.blake2b(message, key=_key(settings.SECRET_KEY), digest_size=_DIGEST_BYTES).digest()


@functools.lru_cache(maxsize=2)
def _key(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), person=b"relay.answers").digest()


class Listener:
    """Receives messages in one thread, however many callers wait, and calls `on_message` in it for each."""

    def __init__(self, on_message: Callable[[bytes], None]) -> None:
        self._on_message = on_message
        self._closed = threading.Event()
        self._subscribed = threading.Event()
        self._channel: PubSub | None = None
        self._thread = threading.Thread(target=self._run, name="reply-listener", daemon=True)
        self._thread.start()

    @property
    def is_listening(self) -> bool:
        """Whether a message that is sent now will be received."""
        return self._subscribed.is_set()

    def close(self) -> None:
        self._closed.set()
        # The answer to this is a message, which ends the wait for the next one.
        with contextlib.suppress(RedisError, OSError):
            if channel := self._channel:
                channel.unsubscribe(CHANNEL)  # type: ignore[no-untyped-call]
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._listen()
            except (RedisError, OSError) as error:
                self._subscribed.clear()
                log.warning("replies.not_received", reason=type(error).__name__)
                self._closed.wait(RECONNECT_SECONDS)

    def _listen(self) -> None:
        with wakeups.client() as connection, connection.pubsub() as channel:
            channel.subscribe(CHANNEL)
            self._channel = channel
            try:
                while not self._closed.is_set():
                    self._take(channel.get_message(timeout=POLL_SECONDS))
            finally:
                self._channel = None

    def _take(self, message: Mapping[str, Any] | None) -> None:
        if message is None:
            return
        if message["type"] == "subscribe":
            self._subscribed.set()
        elif message["type"] == "message":
            self._receive(message["data"])

    def _receive(self, data: object) -> None:
        message = _verified(data)
        if message is None:
            log.warning("replies.forged")
        else:
            self._on_message(message)
