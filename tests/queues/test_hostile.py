"""Tests that write access to Redis is not enough to run code, stop a worker or reply to a caller."""

from __future__ import annotations

import json
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from redis import Redis

from relay import queues
from relay.engine.intake.event_store import Accepted
from relay.engine.settle import caller_replies
from relay.ingest.responses import flow_response
from relay.queues import reply_channel, wakeups, worker
from relay.queues.reply_channel import CHANNEL, Listener, sign
from tests.support.running import Valkey, wait_until

QUEUE = "rq:queue:relay"
CALLED: list[tuple[Any, ...]] = []


def called(*given: Any, **_: Any) -> None:
    """The function that a hostile job names."""
    CALLED.append(given)


@pytest.fixture
def redis(valkey: Valkey) -> Redis:
    CALLED.clear()
    found: Redis = Redis.from_url(settings.REDIS_URL)
    return found


@pytest.fixture
def unstopped() -> Iterator[threading.Event]:
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    queues.stopping.clear()
    yield queues.stopping
    queues.stopping.clear()
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker waits one second for a wakeup, before it looks for work by itself."""
    monkeypatch.setattr(worker, "_TTL", 16)


def stop() -> None:
    """Ask this process to stop, as its supervisor does."""
    signal.raise_signal(signal.SIGTERM)


HERE = f"{__name__}.called"


def job(**fields: Any) -> dict[str, Any]:
    """A job as RQ keeps one, with some fields replaced."""
    data = zlib.compress(json.dumps([HERE, None, ["it ran"], {}]).encode())
    usual = {
        "created_at": "2026-01-01T00:00:00.000000Z",
        "data": data,
        "origin": "relay",
        "status": "queued",
        "timeout": "180",
        "success_callback_name": HERE,
        "failure_callback_name": HERE,
        "stopped_callback_name": HERE,
    }
    return {**usual, **fields}


HOSTILE = {
    "function and callbacks": job(),
    "os.system": job(data=zlib.compress(json.dumps(["os.system", None, ["touch {ran}"], {}]).encode())),
    "pickle": job(data=b"cos\nsystem\n(S'touch {ran}'\ntR."),
    "no zlib": job(data=b"\x78\x9c" + b"\xff" * 20),
    "a bomb": job(data=zlib.compress(b" " * 50_000_000)),
    "huge": job(data=b"x" * 8_000_000),
    "no fields": {"x": "y"},
    "wrong types": job(timeout="never", created_at="yesterday", meta=b"\xff", enqueue_at_front="\x00"),
    "retries and repeats": job(retries_left="9999", retry_intervals="[0]", repeats_left="99", repeat_intervals="[0]"),
    "depends": job(dependency_ids='["a", "b"]', allow_dependency_failures="1"),
    "custom serializer": job(serializer="pickle", group_id="g", worker_name=HERE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_job_in_redis_runs_relays_function_and_no_other(
    name: str, redis: Redis, unstopped: threading.Event, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    fields = {
        key: value.replace(b"{ran}", str(ran).encode()) if isinstance(value, bytes) else value
        for key, value in HOSTILE[name].items()
    }
    redis.hset("rq:job:evil", mapping=fields)
    redis.rpush(QUEUE, "evil")
    work: list[int] = []

    queues.run_worker(lambda: work.append(1), burst=True)

    assert (work, CALLED, ran.exists(), redis.exists("rq:job:evil")) == ([1], [], False, 0)


@pytest.mark.parametrize("job_id", [b"", b"\xff\xfe", b"a:b c\n", b"../../x", b"x" * 100_000, b"{}", b"*"])
def test_no_job_id_ends_the_worker(job_id: bytes, redis: Redis, unstopped: threading.Event) -> None:
    redis.rpush(QUEUE, job_id, "next")
    redis.set("other", "kept")
    work: list[int] = []

    queues.run_worker(lambda: work.append(1), burst=True)

    assert (work, redis.get("other")) == ([1, 1], b"kept")


def test_a_job_key_of_another_type_ends_no_worker(redis: Redis, unstopped: threading.Event) -> None:
    redis.set("rq:job:a", "text")
    redis.rpush("rq:job:b", "list")
    redis.rpush(QUEUE, "a", "b", "a")
    work: list[int] = []

    queues.run_worker(lambda: work.append(1), burst=True)

    assert work == [1, 1, 1]


def test_registries_run_no_callback(redis: Redis, unstopped: threading.Event) -> None:
    redis.hset("rq:job:evil", mapping=job(status="started"))
    for registry in ("rq:wip:relay", "rq:deferred:relay", "rq:scheduled:relay", "rq:failed:relay", "rq:finished:relay"):
        redis.zadd(registry, {"evil": 1, "evil:execution": 1})
    redis.rpush("rq:queue:relay:intermediate", "evil")
    redis.set("rq:queue:relay:intermediate:first_seen:evil", "1")
    redis.sadd("rq:workers", b"\xff\xfe", "rq:worker:x")
    redis.rpush(QUEUE, "evil")
    work: list[int] = []

    queues.run_worker(lambda: work.append(1), burst=True)

    assert (work, CALLED) == ([1], [])


KEYS = [QUEUE, "rq:queues", "rq:workers", "rq:workers:relay", "relay:workers", "relay:watching"]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_of_another_type_keeps_no_worker_from_working(
    key: str, redis: Redis, unstopped: threading.Event, impatient: None
) -> None:
    redis.set(key, "text")
    work: list[int] = []

    def do() -> None:
        work.append(1)
        stop()

    _with_wakeups(lambda: queues.run_worker(do))

    assert len(work) >= 1


def _with_wakeups(run: Callable[[], None]) -> None:
    ended = threading.Event()

    def send_wakeups() -> None:
        while not ended.wait(0.1):
            queues.wake_worker()

    ringing = threading.Thread(target=send_wakeups)
    ringing.start()
    try:
        run()
    finally:
        ended.set()
        ringing.join()


def test_work_is_found_although_made_up_watchers_keep_others_from_ringing(
    redis: Redis, unstopped: threading.Event, impatient: None
) -> None:
    now = time.time()
    redis.zadd("relay:watching", {f"0{second}": now + second for second in range(600)})
    redis.zadd("relay:workers", {f"0{second}": now + second for second in range(5_000)})
    rung = queues.wake_worker()

    queues.run_worker(stop)

    assert not rung
    assert queues.worker_count() <= wakeups.MAX_WORKERS


def test_work_that_breaks_ends_no_worker(redis: Redis, unstopped: threading.Event) -> None:
    redis.rpush(QUEUE, "a", "b")
    work: list[int] = []

    def broken() -> None:
        work.append(1)
        raise ValueError("it broke")

    queues.run_worker(broken, burst=True)

    assert work == [1, 1]


@pytest.mark.parametrize("value", [b"text", b"nan", b"inf", b"-inf", b"1e308", b"-1", b"", ["list"]])
def test_no_number_in_redis_stops_what_is_paced(value: Any, redis: Redis) -> None:
    for key in ("relay:rate:1:c", "relay:share:f", "relay:slots:flow:1"):
        redis.rpush(key, *value) if isinstance(value, list) else redis.set(key, value)

    paced = queues.throttle("1:c", 0.5), queues.acquire_slot("flow:1", 1, "me", 5.0)

    assert paced == (0.0, True)
    wait_until(lambda: queues.take_tokens("f", 10, 0.1, 1) == (1, 0.0))  # after a full span at the latest


def test_nobody_holds_a_slot_for_longer_than_a_send_takes(redis: Redis) -> None:
    redis.zadd("relay:slots:flow:1", {"a": 1e18, "b": float("inf"), "c": time.time() + 86_400})

    assert queues.acquire_slot("flow:1", 1, "me", 5.0)


# The values of cache keys: counts, and times of sign-in attempts.


@pytest.mark.parametrize(
    "value", [b"\x80\x04.", b"{", b'{"a": 1}', b'"text"', b'["a"]', b"[[]]", b"[1e400]", b"null", b"[" * 90_000]
)
@pytest.mark.django_db
def test_what_redis_says_of_tries_is_a_list_of_numbers_or_nothing(value: bytes, redis: Redis) -> None:
    redis.set(cache.make_key("tries"), value)  # type: ignore[attr-defined]

    assert cache.get("tries", []) == []


@pytest.mark.django_db
def test_tries_of_the_future_are_none(redis: Redis) -> None:
    now = time.time()
    cache.set("tries", [now + 1e9, now, now - 5], 60)

    assert cache.get("tries") == [now, now - 5]


@pytest.mark.django_db
def test_a_count_that_is_none_begins_again(redis: Redis) -> None:
    redis.set(cache.make_key("calls"), "many")  # type: ignore[attr-defined]

    with pytest.raises(ValueError, match="calls"):
        cache.incr("calls")


# The channel on which workers reply to callers.

REPLY = b'{"event": 7, "state": "succeeded", "response": {"status": 200, "headers": {"X-A": "1"}, "body": "yes"}}'


@pytest.fixture
def heard(redis: Redis) -> Iterator[list[bytes]]:
    messages: list[bytes] = []
    listener = Listener(messages.append)
    wait_until(lambda: listener.is_listening)
    yield messages
    listener.close()


def test_what_others_publish_is_no_answer(heard: list[bytes], redis: Redis) -> None:
    for forged in (REPLY, b"", b"\xff" * 40, b"\x00" * 32 + REPLY, sign(REPLY)[:-1], b"x" * 20_000_000):
        redis.publish(CHANNEL, forged)
    queues.publish([REPLY])

    wait_until(lambda: heard)
    assert heard == [REPLY]


def test_a_listener_that_hears_nothing_ends_when_it_is_closed(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply_channel, "POLL_SECONDS", 60.0)
    listener = Listener(lambda _: None)
    wait_until(lambda: listener.is_listening)

    listener.close()

    assert not listener._thread.is_alive()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"{",
        b"[]",
        b'{"event": "x", "state": ""}',
        b'{"event": 1e400, "state": ""}',
        REPLY.replace(b"200", b"99"),
        REPLY.replace(b"200", b"6000"),
        REPLY.replace(b"200", b'"200"'),
        REPLY.replace(b'"1"', b"1"),
        REPLY.replace(b'"yes"', b"{}"),
        REPLY.replace(b', "body": "yes"', b""),
    ],
)
def test_a_reply_says_what_a_flow_may_answer_or_is_none(message: bytes) -> None:
    assert caller_replies.read(message) is None


@pytest.mark.parametrize(
    "header", [b'"X-A": "a\\r\\nSet-Cookie: b"', b'"X A": "1"', b'"Location": "javascript:alert(1)"', b'"NEL": "{}"']
)
def test_a_header_that_no_flow_may_send_is_left_out_of_a_reply(header: bytes) -> None:
    reply = caller_replies.read(REPLY.replace(b'"X-A": "1"', header))

    assert reply is not None
    status, headers, body = flow_response(Accepted(1, None), reply)
    assert (status, body) == (200, b"yes")
    assert {name for name, _ in headers} == {b"content-type", b"x-content-type-options", b"relay-event"}


def test_a_reply_is_read() -> None:
    reply = caller_replies.read(REPLY)

    assert reply is not None
    assert reply.response == {"status": 200, "headers": {"X-A": "1"}, "body": "yes"}


def test_a_masked_header_is_read() -> None:
    message = REPLY.replace(b'"1"', '"Bearer ••••••"'.encode())

    assert caller_replies.read(message) is not None
