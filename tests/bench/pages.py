"""What one workspace's heaviest requests cost another: `python -m tests.bench.pages [--quick]`.

Alice's requests are sent four at a time, again and again; meanwhile Bob posts events, opens a page, signs in and
publishes. Each line says how long that took Bob alone and beside it: median and longest, in milliseconds.
"""

from __future__ import annotations

import argparse
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from tests.support.running import Relay

PASSWORD = "correct horse battery"
AT_ONCE = 4
QUIET = {"relay": 1, "name": "Bob's", "trigger": {"kind": "webhook"}, "steps": []}
Act = Callable[[], object]


class Person:
    """A person in a workspace of their own: signed in, with a token."""

    def __init__(self, url: str, email: str) -> None:
        self.url, self.email = url, email
        self.pages = self.signed_in()
        self.form("/workspace/new/", name=email)
        page = self.form("/workspace/tokens/", name="bench", scope="write", days="30").text
        self.token = "relay_" + page.partition("relay_")[2].partition("<")[0].partition('"')[0]

    def signed_in(self) -> requests.Session:
        session = requests.Session()
        session.get(f"{self.url}/sign-in/", timeout=60)
        sent = {"login": self.email, "password": PASSWORD, "csrfmiddlewaretoken": _csrf(session)}
        answer = session.post(f"{self.url}/sign-in/", sent, timeout=60, headers={"Referer": self.url})
        assert "sign-in" not in answer.url, answer.text[:2_000]
        return session

    def form(self, path: str, **values: Any) -> requests.Response:
        sent = {"csrfmiddlewaretoken": _csrf(self.pages), **values}
        return self.pages.post(f"{self.url}{path}", sent, timeout=120, headers={"Referer": self.url})

    def page(self, path: str) -> requests.Response:
        return self.pages.get(f"{self.url}{path}", timeout=120)

    def call(self, method: str, path: str, **sent: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=120, **sent)

    def imported(self, document: Any) -> dict[str, Any]:
        answer = self.call("POST", "/flows?publish_it=true", json=document)
        assert answer.ok, answer.text
        return dict(answer.json())


def _csrf(session: requests.Session) -> str:
    return next((one.value or "" for one in session.cookies if "csrf" in one.name), "")


def heavy_document() -> dict[str, Any]:
    """About the most that templates may be: 20,000 words in different templates."""
    values = [{f"v{n}": "{{ event.body.a" + f"{s}_{n} " + "+ 1" * 8 + " }}" for n in range(9)} for s in range(95)]
    steps = [{"id": f"s{place}", "kind": "set", "values": one} for place, one in enumerate(values)]
    return {"relay": 1, "name": "Heavy", "trigger": {"kind": "webhook", "max_bytes": 10_485_760}, "steps": steps}


def attacks(alice: Person) -> Iterator[tuple[str, Act]]:
    """The heaviest request of each kind."""
    heavy = heavy_document()
    flow = alice.imported({**heavy, "steps": heavy["steps"][:2]})
    url = f"{alice.url}{flow['url'][flow['url'].index('/in/') :]}"
    yaml = "relay: 1\nx: [" + "a," * 250_000 + "a]"
    yield "YAML of 512 KB", lambda: alice.call("POST", "/flows", data=yaml)
    yield "JSON of 500 KB, all lists", lambda: alice.call("POST", "/flows", data='{"x":[' + "[]," * 160_000 + "1]}")
    yield "import, heavy templates", lambda: alice.call("POST", "/flows", json=heavy)
    posted = requests.post(url, data="\n".join(str(random.randrange(100)) for _ in range(9_000)), timeout=60)
    run = _run_of(alice, posted)
    shuffled = "\n".join(str(random.randrange(100)) for _ in range(32_000))
    yield "compare, 32,000 lines", lambda: alice.form(f"/runs/{run}/edit/", body=shuffled, do="compare")
    body = b"[" + b"[]," * 340_000 + b"1]"
    run_of_large = _run_of(
        alice, requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=60)
    )
    yield "run page, 1 MB of lists", lambda: alice.page(f"/runs/{run_of_large}/")
    yield "editor, 1 MB of lists", lambda: alice.page(f"/flows/{flow['id']}/?step=s1")
    dry = {"document": _busy(), "event": {"body": {}}}
    yield "dry runs that are stopped", lambda: alice.call("POST", "/dry-run", json=dry)


def _busy() -> dict[str, Any]:
    inner = {"id": "v", "kind": "set", "values": {"v": "{% for i in range(9000) %}{{ i * 3 }}{% endfor %}"}}
    loop = {"id": "l", "kind": "loop", "over": "{{ range(1000) | list }}", "steps": [inner]}
    return {"relay": 1, "name": "Busy", "trigger": {"kind": "webhook"}, "steps": [loop]}


def _run_of(person: Person, answer: requests.Response) -> str:
    event = answer.json()["event"]
    return str(person.call("GET", f"/events/{event}").json()["runs"][0])


@contextmanager
def beside(act: Act | None) -> Iterator[list[float]]:
    """Let an act be done AT_ONCE at a time; the milliseconds that each took."""
    took: list[float] = []
    ends = threading.Event()

    def again() -> None:
        while act is not None and not ends.is_set():
            took.append(timed(act))

    threads = [threading.Thread(target=again) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)  # the measure begins when the load is there
    try:
        yield took
    finally:
        ends.set()
        for thread in threads:
            thread.join()


def timed(act: Act) -> float:
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000


def measures(bob: Person) -> dict[str, Act]:
    flow = bob.imported(QUIET)
    url = f"{bob.url}{flow['url'][flow['url'].index('/in/') :]}"
    return {
        "post": lambda: requests.post(url, json={"id": 1}, timeout=60).raise_for_status(),
        "page": lambda: bob.page("/flows/").raise_for_status(),
        "sign in": bob.signed_in,
        "publish": lambda: bob.call("POST", f"/flows/{flow['id']}/publish").raise_for_status(),
    }


def row(acts: dict[str, Act], times: int) -> dict[str, tuple[float, float]]:
    found: dict[str, list[float]] = {name: [] for name in acts}
    for number in range(times):
        for name, act in acts.items():
            # Of sign-ins only some are taken in a minute.
            if name != "sign in" or number < 2:
                found[name].append(timed(act))
    return {name: (statistics.median(took), max(took)) for name, took in found.items()}


def said(name: str, found: dict[str, tuple[float, float]], took: list[float]) -> str:
    cells = "".join(f"{median:8.0f} {longest:8.0f}" for median, longest in found.values())
    own = f"{statistics.median(took):8.0f} {max(took):8.0f} {len(took):5}" if took else ""
    return f"{name:<28}{cells}{own}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer measures of each")
    times = 5 if options.parse_args().quick else 20
    relay = Relay()
    try:
        relay.start()
        for email in ("alice@example.com", "bob@example.com"):
            relay.command("user", "add", email, given=f"{PASSWORD}\n")
        alice, bob = Person(relay.url, "alice@example.com"), Person(relay.url, "bob@example.com")
        acts = measures(bob)
        print(f"{'milliseconds: median, longest':<28}" + "".join(f"{name:>17}" for name in (*acts, "Alice's own")))
        row(acts, 2)
        with beside(None) as took:
            print(said("alone", row(acts, times), took), flush=True)
        for name, act in attacks(alice):
            with beside(act) as took:
                found = row(acts, times)
            print(said(name, found, took), flush=True)
            time.sleep(1.0)
    except AssertionError:
        print(relay.log[-3_000:])
        raise
    finally:
        relay.remove()


if __name__ == "__main__":
    main()
