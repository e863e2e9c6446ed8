"""Flows that wait and keep state, a caller for each, and the invariants that hold whatever was killed."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.chaos.listener import Caller, Delivery, Listener
from tests.chaos.stream import port, publish_documents, rows
from tests.support.running import Relay, wait_until

DELAY = 1.0  # seconds
SENSORS = 3
OPEN = "'queued', 'running', 'waiting'"


def _flow(name: str, *steps: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"relay": 1, "name": name, "trigger": {"kind": "webhook"}, "steps": list(steps), **keys}


def _post(step: str, url: str, body: dict[str, Any]) -> dict[str, Any]:
    inputs = {"url": url, "body": {"json": body}}
    return {"id": step, "kind": "action", "action": "http.request", "inputs": inputs}


def _delays(listener: Listener) -> dict[str, Any]:
    tell = _post("tell", listener.url("/delays"), {"n": "{{ event.body.n }}", "item": "{{ item }}"})
    steps = [{"id": "nap", "kind": "delay", "for": f"{DELAY:g}s"}, tell]
    loop = {"id": "each", "kind": "loop", "over": "{{ event.body.items }}", "steps": steps}
    even = {"left": "{{ event.body.n % 2 }}", "op": "equals", "right": 0}
    other = {"id": "some", "kind": "loop", "over": "{{ event.body.items }}", "steps": [{**tell, "id": "told"}]}
    branch = {
        "id": "fork",
        "kind": "branch",
        "branches": [{"name": "even", "when": even, "steps": [loop]}],
        "else": [other],
    }
    end = {"n": "{{ event.body.n }}", "arm": "{{ steps.fork.arm }}"}
    return _flow("delays", branch, _post("end", listener.url("/ended"), end))


def _digests(listener: Listener) -> dict[str, Any]:
    digest = {"id": "all", "kind": "digest", "key": "{{ event.body.n % 3 }}", "every": "1s", "limit": 5}
    body = {"numbers": "{{ steps.all.items | map(attribute='n') | list }}", "count": "{{ steps.all.count }}"}
    return _flow("digests", digest, _post("tell", listener.url("/digests"), body))


def _once(listener: Listener) -> dict[str, Any]:
    once = {"id": "new", "kind": "once", "key": "{{ event.body.n }}"}
    return _flow("once", once, _post("tell", listener.url("/once"), {"n": "{{ event.body.n }}"}))


def _sensors(listener: Listener) -> dict[str, Any]:
    key = "{{ event.body.sensor }}"
    changed = {"id": "new", "kind": "changed", "key": key, "value": "{{ event.body.v }}"}
    body = {"sensor": key, "v": "{{ event.body.v }}"}
    settings = {"ordered": True, "order_key": key}
    return _flow("sensors", changed, _post("tell", listener.url("/sensors"), body), settings=settings)


def _waits(listener: Listener) -> dict[str, Any]:
    respond = {"id": "say", "kind": "respond", "status": 200, "body": {"n": "{{ event.body.n }}"}}
    body = {"n": "{{ event.body.n }}"}
    made = _flow("waits", respond, _post("tell", listener.url("/waits"), body))
    return {**made, "trigger": {"kind": "webhook", "response": {"wait": "3s"}}}


def _numbers(times: int = 1) -> Iterator[dict[str, Any]]:
    """Yield 1, 2, 3..., each a number of times."""
    return ({"n": n, "items": ["a", "b"]} for n in itertools.count(1) for _ in range(times))


def _values() -> Iterator[dict[str, Any]]:
    """Of each sensor in turn 1, 1, 2, 2, 3, 3..."""
    return ({"sensor": s, "v": v} for v in itertools.count(1) for _ in range(2) for s in range(SENSORS))


class Waiting:
    """A Relay with these flows; `stop` ends their callers and compares all acknowledgements with the deliveries."""

    def __init__(self, relay: Relay, listener: Listener) -> None:
        self._relay, self._listener = relay, listener
        flows = {
            "delays": (_delays, _numbers(), 0.2),
            "digests": (_digests, _numbers(), 0.02),
            "once": (_once, _numbers(2), 0.02),
            "sensors": (_sensors, _values(), 0.02),
            "waits": (_waits, _numbers(), 0.05),
        }
        paths = publish_documents(relay, *(made(listener) for made, _, _ in flows.values()))
        self.callers = {
            name: Caller(port(relay), path, bodies, pause=pause)
            for path, (name, (_, bodies, pause)) in zip(paths, flows.items(), strict=True)
        }

    def wait_for(self, more: int) -> None:
        """Return when each caller has had the given number of further requests acknowledged."""
        goals = {name: len(caller.acknowledged) + more for name, caller in self.callers.items()}
        wait_until(
            lambda: all(len(self.callers[name].acknowledged) >= goal for name, goal in goals.items()),
            seconds=40,
            what=f"{more} more acknowledged of each flow",
        )

    def stop(self) -> None:
        for caller in self.callers.values():
            caller.stop()
        open_runs = f"SELECT count(*) FROM relay_run WHERE state IN ({OPEN})"
        wait_until(lambda: rows(self._relay, open_runs) == [(0,)], seconds=60, what="no run is under way")

    def check(self) -> None:
        """What is true although anything was killed at any moment."""
        states = dict(rows(self._relay, "SELECT state, count(*) FROM relay_run GROUP BY state"))
        assert set(states) == {"succeeded", "filtered"}
        self._check_delays()
        self._check_digests()
        self._check_once()
        self._check_sensors()
        self._check_waits()

    def _came(self, path: str) -> list[Delivery]:
        return list(self._listener.first_of_each(path).values())

    def _sent(self, name: str) -> list[Any]:
        return self.callers[name].acknowledged

    def _check_delays(self) -> None:
        """Every run has told of its elements in turn, after each delay, and then of its end, once."""
        by_run: dict[str, list[Delivery]] = {}
        for delivery in self._came("/delays"):
            by_run.setdefault(delivery.key.partition("-")[0], []).append(delivery)
        for told in by_run.values():
            assert [one.body["item"] for one in told] == ["a", "b"]
            assert len({one.body["n"] for one in told}) == 1
            assert told[0].body["n"] % 2 or told[1].at - told[0].at >= DELAY
        ended = {one.key.partition("-")[0]: one.body for one in self._came("/ended")}
        assert {run: one["n"] for run, one in ended.items()} == {run: of[0].body["n"] for run, of in by_run.items()}
        assert all(one["arm"] == ("else" if one["n"] % 2 else "even") for one in ended.values())
        assert {one["n"] for one in ended.values()} == {body["n"] for body in self._sent("delays")}
        assert self._trails("waiting") == []

    def _trails(self, state: str) -> list[Any]:
        return rows(self._relay, f'SELECT id FROM relay_run WHERE trail LIKE \'%"state":"{state}"%\'')

    def _check_digests(self) -> None:
        """Each event is in one digest; what was posted again, since nobody had said that it was stored, may be two."""
        came = self._came("/digests")
        numbers = Counter(n for one in came for n in one.body["numbers"])
        assert all(one.body["count"] == len(one.body["numbers"]) <= 5 for one in came)
        assert all(len({n % 3 for n in one.body["numbers"]}) == 1 for one in came)
        assert set(numbers) == {body["n"] for body in self._sent("digests")}
        assert numbers == Counter(n for (n,) in self._stored("digests"))
        assert rows(self._relay, "SELECT count(*) FROM relay_gathered") == [(0,)]

    def _stored(self, flow: str) -> list[tuple[int]]:
        """The number of every event of a flow that was stored."""
        statement = f"SELECT e.body FROM relay_event e JOIN relay_flow f ON f.id = e.flow_id WHERE f.name = '{flow}'"
        return [(json.loads(bytes(body))["n"],) for (body,) in rows(self._relay, statement)]

    def _check_once(self) -> None:
        numbers = Counter(one.body["n"] for one in self._came("/once"))
        assert numbers == Counter({body["n"] for body in self._sent("once")})

    def _check_sensors(self) -> None:
        """Each value passed once, in order."""
        for sensor in range(SENSORS):
            sent = [body["v"] for body in self._sent("sensors") if body["sensor"] == sensor]
            came = [one.body["v"] for one in self._came("/sensors") if one.body["sensor"] == sensor]
            assert came == list(range(1, max(sent) + 1))

    def _check_waits(self) -> None:
        """Who waited was answered by the step of their own run, or told that it is stored."""
        answers = self.callers["waits"].answers
        assert {status for _, status, _ in answers} <= {200, 202}
        said = [(body["n"], json.loads(text)["n"]) for body, status, text in answers if status == 200]
        assert said
        assert all(asked == answered for asked, answered in said)
        assert {one.body["n"] for one in self._came("/waits")} >= {body["n"] for body, _, _ in answers}
