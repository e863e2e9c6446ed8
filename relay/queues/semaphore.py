"""Limits how many sends of one kind are in flight at once, over all workers: a semaphore in Redis."""

from __future__ import annotations

from redis.exceptions import RedisError

from relay.queues import wakeups

# The longest time for which a slot can be held; longer than any send may take.
MAX_SECONDS = 3600

# A slot expires, so a holder that was killed releases it, too. An entry with a later expiry than any send can have was
# not written by Relay, and is removed.
_ACQUIRE = """
local time = redis.call("TIME")
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
if redis.call("TYPE", KEYS[1])["ok"] ~= "zset" then redis.call("DEL", KEYS[1]) end
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now)
redis.call("ZREMRANGEBYSCORE", KEYS[1], now + tonumber(ARGV[4]), "+inf")
if redis.call("ZCARD", KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call("ZADD", KEYS[1], now + tonumber(ARGV[3]), ARGV[2])
redis.call("EXPIRE", KEYS[1], math.ceil(ARGV[3]) + 1)
return 1
"""


def acquire_slot(key: str, limit: int, holder: str, seconds: float) -> bool | None:
    """Take one of the `limit` slots under `key`, for at most `seconds`; False if none is free.

    None: Redis can't be reached.
    """
    try:
        return bool(
            wakeups.connection().eval(_ACQUIRE, 1, f"relay:slots:{key}", limit, holder, seconds, MAX_SECONDS + seconds)
        )
    except RedisError:
        return None


def release_slot(key: str, holder: str) -> None:
    """Release a slot."""
    try:
        wakeups.connection().zrem(f"relay:slots:{key}", holder)
    except RedisError:
        return  # the slot expires
