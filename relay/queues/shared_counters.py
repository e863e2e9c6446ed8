"""Shares counters such as sign-in attempts between processes and hosts: in Redis, or in the database if it is down."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger()

TABLE = "relay_count"
TIMEOUT_SECONDS = 1.0
MAX_VALUE_BYTES = 64 * 1024
MAX_CLOCK_SKEW_SECONDS = 60.0  # by which the clock of another host may be ahead
_MAX_ROWS = 20_000  # of the table, before old rows are deleted


class Json:
    """Serializes values as JSON, since unpickling would let anyone with write access to Redis run code here.

    A value is a number, or a list of times (seconds since 1970) of what is counted. Any other value, and any time in
    the future, is ignored.
    """

    def dumps(self, value: Any) -> bytes | int:
        return value if type(value) is int else msgspec.json.encode(value)

    def loads(self, data: bytes) -> Any:
        try:
            value = msgspec.json.decode(data, type=int | list[float] | None)
        except (msgspec.DecodeError, RecursionError):
            return None
        if not isinstance(value, list):
            return value
        latest = time.time() + MAX_CLOCK_SKEW_SECONDS
        return [moment for moment in value if moment <= latest]


class _Client(RedisCacheClient):
    """Reads at most MAX_VALUE_BYTES of a value."""

    def get(self, key: Any, default: Any) -> Any:
        data: Any = self.get_client(key).getrange(key, 0, MAX_VALUE_BYTES - 1)
        value = Json().loads(data) if data else None
        return default if value is None else value


class _Cache(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client


class SharedCache(BaseCache):
    """Django's cache over Redis. A call that fails in Redis is made to a table of the database instead."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        no_retries = {
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
            "serializer": Json,
        }
        self._redis = _Cache(server, {**params, "OPTIONS": no_retries})
        self._table = DatabaseCache(TABLE, {**params, "OPTIONS": {"MAX_ENTRIES": _MAX_ROWS}})

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(self._call("add", key, value, timeout, version))

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._call("get", key, default, version)

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self._call("set", key, value, timeout, version)

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(self._call("touch", key, timeout, version))

    def delete(self, key: str, version: int | None = None) -> bool:
        return bool(self._call("delete", key, version))

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Increment a counter; ValueError if there is none under this key."""
        return int(self._call("incr", key, delta, version))

    def clear(self) -> None:
        """Not supported: Django's implementation is FLUSHDB, which would delete the queue as well."""
        raise NotImplementedError

    def _call(self, name: str, *arguments: Any) -> Any:
        try:
            return getattr(self._redis, name)(*arguments)
        except RedisError as error:
            log.warning("counters.redis_unavailable", reason=type(error).__name__)
            return getattr(self._table, name)(*arguments)
