"""Slots: how many sends of one kind are under way at once, over all workers."""

from __future__ import annotations

from redis.exceptions import RedisError

from relay.queues import bells

# A holder that was killed gives its slot back by the end of its time.
_OCCUPY = """
local time = redis.call("TIME")
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
if redis.call("ZCARD", KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call("ZADD", KEYS[1], now + tonumber(ARGV[3]), ARGV[2])
redis.call("EXPIRE", KEYS[1], math.ceil(ARGV[3]) + 1)
return 1
"""


def occupy(key: str, most: int, holder: str, seconds: float) -> bool | None:
    """Whether one of the `most` slots under `key` is the holder's now, for so many seconds unless it leaves before.

    None: Redis can't be reached.
    """
    try:
        return bool(bells.connection().eval(_OCCUPY, 1, f"relay:slots:{key}", most, holder, seconds))
    except RedisError:
        return None


def vacate(key: str, holder: str) -> None:
    """Give a slot back."""
    try:
        bells.connection().zrem(f"relay:slots:{key}", holder)
    except RedisError:
        return  # it ends by itself
