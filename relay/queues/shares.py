"""Shares of a rate: one bucket in Redis for all processes, from which each takes some at a time."""

from __future__ import annotations

from redis.exceptions import RedisError

from relay.queues import bells

# The moment at which the bucket is full again says how full it is: one number. Times in microseconds.
# How many of those asked for can be had now; and when none can, how long until one can.
_TAKE = """
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local each, span, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = tonumber(redis.call("GET", KEYS[1]) or "0")
full = math.max(now, math.min(full, now + span))
local had = math.min(want, math.floor((now + span - full) / each + 0.001))
if had < 1 then return {0, math.ceil(full + each - span - now)} end
full = full + had * each
redis.call("SET", KEYS[1], string.format("%.3f", full), "PX", math.ceil((full - now) / 1000) + 1)
return {had, 0}
"""


def take(key: str, count: float, seconds: float, want: int) -> tuple[int, float] | None:
    """How many of `want` can be had under `key`, of which there are `count` in every span of `seconds`.

    With none, the seconds until there is one. None: Redis can't be reached.
    """
    each, span = seconds * 1e6 / count, seconds * 1e6
    try:
        had, wait = bells.connection().eval(_TAKE, 1, f"relay:share:{key}", repr(each), repr(span), want)
    except RedisError:
        return None
    return int(had), int(wait) / 1e6
