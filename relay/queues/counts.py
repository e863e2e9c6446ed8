"""What processes and hosts count together, such as tries to sign in: in Redis, and in the database while it is away."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger()

TABLE = "relay_count"
PATIENCE = 1.0
_MOST = 20_000  # rows that the table holds before old ones go


class Json:
    """Values as JSON: whoever can write to Redis shall not run code here, as pickles would."""

    def dumps(self, value: Any) -> bytes | int:
        return value if type(value) is int else msgspec.json.encode(value)

    def loads(self, data: bytes) -> Any:
        return msgspec.json.decode(data)


class SharedCache(BaseCache):
    """Django's cache over Redis; every call that Redis doesn't answer goes to a table of the database."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        once = {
            "retry": Retry(NoBackoff(), 0),
            "socket_timeout": PATIENCE,
            "socket_connect_timeout": PATIENCE,
            "serializer": Json,
        }
        self._redis = RedisCache(server, {**params, "OPTIONS": once})
        self._table = DatabaseCache(TABLE, {**params, "OPTIONS": {"MAX_ENTRIES": _MOST}})

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
        """Count on; ValueError where nothing is counted under that key."""
        return int(self._call("incr", key, delta, version))

    def clear(self) -> None:
        """Refused: Django's way is FLUSHDB, and the bells are in there."""
        raise NotImplementedError

    def _call(self, name: str, *words: Any) -> Any:
        try:
            return getattr(self._redis, name)(*words)
        except RedisError as error:
            log.warning("counts.redis_away", reason=type(error).__name__)
            return getattr(self._table, name)(*words)
