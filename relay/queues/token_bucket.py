"""Limits a rate over all processes with a token bucket in Redis, from which each takes several tokens at a time."""

from __future__ import annotations

from redis.exceptions import RedisError

from relay.queues import wakeups

# The bucket is stored as one number: the time at which it is full again. Times are in microseconds.
# Returns how many of the wanted tokens were taken, and if none was, the time until there is one.
_TAKE = """
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local each, span, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = redis.pcall("GET", KEYS[1])
if type(full) == "table" then redis.call("DEL", KEYS[1]) end
full = type(full) == "string" and tonumber(full) or 0
if full > now + span then
  full = now + span
  redis.call("SET", KEYS[1], string.format("%.3f", full), "PX", math.ceil(span / 1000) + 1)
end
full = math.max(now, full == full and full or 0)
local had = math.min(want, math.floor((now + span - full) / each + 0.001))
if had < 1 then return {0, math.ceil(full + each - span - now)} end
full = full + had * each
redis.call("SET", KEYS[1], string.format("%.3f", full), "PX", math.ceil((full - now) / 1000) + 1)
return {had, 0}
"""


def take_tokens(key: str, count: float, seconds: float, want: int) -> tuple[int, float] | None:
    """Take up to `want` tokens from the bucket `key`, which gets `count` tokens in every span of `seconds`.

    Returns how many were taken and, if none was, the seconds until there is one. None: Redis can't be reached.
    """
    each, span = seconds * 1e6 / count, seconds * 1e6
    try:
        had, wait = wakeups.connection().eval(_TAKE, 1, f"relay:share:{key}", repr(each), repr(span), want)
    except RedisError:
        return None
    return int(had), int(wait) / 1e6
