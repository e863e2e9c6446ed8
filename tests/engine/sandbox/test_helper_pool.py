"""Tests that a pool serves workspaces in turn, and refuses only the workspace that asks too much."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from relay.engine.configuration import flow_lifecycle
from relay.engine.preview import preview, render_client
from relay.engine.sandbox import helper_pool
from relay.engine.sandbox.helper_pool import MAX_STOPS, MAX_WAITING, Pool
from relay.engine.sandbox.process import HelperProcess
from relay.errors import Busy, TemplateLimit
from relay.models import Workspace
from tests.support.running import wait_until

MINE, THEIRS = 1, 2


class Held:
    """Replaces a helper process: it answers when it is allowed to, and logs its questions."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.lets = threading.Semaphore(0)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        self.log.append(question["name"])
        self.lets.acquire()
        if question.get("kills"):
            raise TemplateLimit("memory", "stopped")
        return question

    def close(self) -> None:
        self.lets.release(1_000)


class Bench:
    """A pool of such helpers, and questions asked from threads."""

    def __init__(self, size: int, wait_seconds: float = 30.0) -> None:
        self.log: list[str] = []
        self.helpers: list[Held] = []
        self.pool = Pool(self._made, size=size, noun="preview", wait_seconds=wait_seconds)
        self.threads = ThreadPoolExecutor(64)

    def _made(self) -> Held:
        self.helpers.append(Held(self.log))
        return self.helpers[-1]

    def ask(self, name: str, workspace: int, **more: Any) -> Future[dict[str, Any]]:
        """Ask from another thread, and wait until the pool has the question."""
        before = len(self.log) + self.waiting
        future = self.threads.submit(self.pool.ask, {"name": name, **more}, workspace=workspace)
        wait_until(lambda: future.done() or len(self.log) + self.waiting > before, what="the question is taken")
        return future

    @property
    def waiting(self) -> int:
        return sum(map(len, list(self.pool._waiting.values())))

    def close(self) -> None:
        self.pool.close()
        self.threads.shutdown()


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(2)
    yield made
    made.close()


def test_a_workspace_has_one_question_answered_at_a_time(bench: Bench) -> None:
    bench.ask("mine 1", MINE)
    second = bench.ask("mine 2", MINE)
    bench.ask("theirs", THEIRS)

    assert bench.log == ["mine 1", "theirs"]
    assert bench.waiting == 1

    bench.helpers[0].lets.release()
    bench.helpers[0].lets.release()
    assert second.result(30)["name"] == "mine 2"


def test_workspaces_take_turns() -> None:
    bench = Bench(1)
    for number in range(4):
        bench.ask(f"mine {number}", MINE)
    bench.ask("theirs", THEIRS)
    bench.ask("others", 3)

    bench.close()

    assert bench.log[0] == "mine 0"
    assert set(bench.log[1:4]) == {"mine 1", "theirs", "others"}
    assert len(bench.log) == 6


def test_a_full_queue_refuses_the_workspace_whose_it_is(bench: Bench) -> None:
    for number in range(MAX_WAITING + 1):
        bench.ask(f"mine {number}", MINE)

    with pytest.raises(Busy, match="This workspace asks for too many previews at once"):
        bench.pool.ask({"name": "one more"}, workspace=MINE)

    bench.ask("theirs", THEIRS)
    assert bench.log == ["mine 0", "theirs"]


def test_who_waits_too_long_is_refused_and_leaves_the_queue() -> None:
    bench = Bench(1, wait_seconds=0.05)
    bench.ask("mine", MINE)

    with pytest.raises(Busy, match="Too many previews at once"):
        bench.pool.ask({"name": "theirs"}, workspace=THEIRS)

    assert bench.waiting == 0
    bench.close()
    assert bench.log == ["mine"]


def test_only_the_workspace_that_stops_helpers_has_to_wait(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(MAX_STOPS):
        asked = bench.ask("bad", MINE, kills=True)
        bench.helpers[0].lets.release()
        with pytest.raises(TemplateLimit):
            asked.result(30)

    with pytest.raises(Busy, match="had to be stopped too often") as refused:
        bench.pool.ask({"name": "again"}, workspace=MINE)

    bench.helpers[0].lets.release()
    assert 0 < refused.value.retry_after <= 61
    assert bench.pool.ask({"name": "theirs"}, workspace=THEIRS)["name"] == "theirs"
    monkeypatch.setattr(helper_pool, "_MINUTE", 0.0)
    bench.helpers[0].lets.release()
    assert bench.pool.ask({"name": "a minute later"}, workspace=MINE)["name"] == "a minute later"


def test_a_helper_is_made_only_while_the_others_are_asked(bench: Bench) -> None:
    for number in range(3):
        asked = bench.ask(f"mine {number}", MINE)
        bench.helpers[0].lets.release()
        asked.result(30)

    assert len(bench.helpers) == 1


def _stopped_pool(noun: str) -> tuple[Pool, list[HelperProcess]]:
    made = [render_client.helper(noun) for _ in range(2)]
    rest = iter(made)
    pool = Pool(lambda: next(rest), size=2, noun=noun)
    for helper in made:
        helper.ask({"check": {}})
        os.kill(helper.pid or 0, signal.SIGSTOP)
    return pool, made


@pytest.mark.django_db
def test_publishing_does_not_wait_for_previews(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": []}
    previews, made = _stopped_pool("preview")
    monkeypatch.setattr(render_client, "PREVIEWS", previews)
    step = {"step": {}, "before": [], "outputs": {}, "flow": "", "event": None}
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(previews.ask, step, workspace=number) for number in range(3, 9)]
        wait_until(lambda: len(previews._asking) == 2, what="both helpers of previews are busy")

        flow = flow_lifecycle.import_document(workspace, document, publish_it=True)

        assert flow.live_version is not None
        assert len(previews._asking) == 2
        for helper in made:
            os.kill(helper.pid or 0, signal.SIGCONT)
        assert [one.result(30)["fields"] for one in asked] == [{}] * 6
    previews.close()


@pytest.mark.django_db
@pytest.mark.exhaustive
def test_previews_that_are_stopped_cost_only_their_workspace(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(lambda: render_client.helper("preview"), size=1, noun="preview")
    monkeypatch.setattr(render_client, "PREVIEWS", pool)
    monkeypatch.setattr(helper_pool, "MAX_STOPS", 2)
    heavy = dict.fromkeys((f"v{number}" for number in range(600)), "{% for i in range(9000) %}{{ i * 3 }}{% endfor %}")
    step = {"id": "a", "kind": "set", "values": heavy}
    question = {"step": step, "before": [], "outputs": {}, "flow": "", "event": None}
    for _ in range(2):
        with pytest.raises(TemplateLimit, match="limit: time"):
            pool.ask(question, workspace=workspace.pk + 1)

    with pytest.raises(Busy, match="had to be stopped too often"):
        pool.ask(question, workspace=workspace.pk + 1)

    step = {"id": "a", "kind": "set", "values": {"v": "{{ 1 + 1 }}"}}
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [step]}
    flow = flow_lifecycle.create_flow(workspace, document)
    assert preview.preview(flow, document, "a", None).fields["v"].text == "2"
    pool.close()
