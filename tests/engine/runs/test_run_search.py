"""Tests that search finds indexed and new runs alike, and that no query breaks it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay import ids
from relay.engine.database import statements
from relay.engine.runs import run_search
from relay.engine.upkeep import search_index
from relay.models import Attempt, Event, Flow, Run
from relay.search import index_store, query
from relay.search.filters import filter_runs
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db

ORDER = b'{"id": "ORD-4711", "customer": {"name": "Ada Lovelace", "email": "ada@example.com"}, "note": "r\\u00e9seau"}'


@pytest.fixture
def flow(live: Callable[[dict[str, Any]], Flow]) -> Flow:
    return live(posting("https://example.com/"))


@pytest.fixture(params=["indexed", "on many shelves", "too new"])
def index(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Index the runs, or don't: results must not depend on it."""
    monkeypatch.setattr(search_index, "SETTLE_US", -60_000_000)
    if request.param == "on many shelves":
        many_shelves(monkeypatch)
    return (lambda: None) if request.param == "too new" else (lambda: search_index.index_some(5) and None)


def many_shelves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "BATCH_RUNS", 2)
    monkeypatch.setattr(index_store, "SHARD_ROWS", 2)


def end(run: Run, state: str = "succeeded", status: int = 200, answer: str = '{"ok":true}', **values: Any) -> Run:
    Run.objects.filter(pk=run.pk).update(state=state, due_at=None, finished_at=statements.now(), **values)
    Attempt.objects.create(
        run=run,
        step="send",
        number=1,
        state="succeeded",
        started_at=statements.now(),
        duration_us=1,
        status=status,
        request={"method": "POST", "url": "https://hooks.example.org/T1?x=1", "headers": {}, "body": "secretly sent"},
        answer={"status": status, "headers": {}, "body": answer},
    )
    return run


def found(flow: Flow, **chosen: Any) -> list[int]:
    """Search as the page does and as batches do, and check that both agree."""
    quick = run_search.find(flow.workspace, chosen, limit=10).ids
    runs = filter_runs(Run.objects.filter(workspace=flow.workspace), chosen).order_by("-id")
    assert quick == list(runs.values_list("pk", flat=True)[:10])
    return quick


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("ord-4711", True),
        ("4711", True),
        ("ada@exam", True),
        ("lovelace ada", True),
        ("reseau", True),
        ("msg_99", True),
        ("kaputt", True),
        ("Bestellung", True),
        ("ada grace", False),
        ("zzz", False),
        ("!", False),
    ],
)
def test_text_is_searched_in_payload_answer_title_and_reason(flow, arrive, index, text: str, is_found: bool) -> None:
    run, other = arrive(flow, ORDER, b'{"id": 1}')
    end(run, answer='{"id":"msg_99"}', reason="Alles kaputt", title="Bestellung")
    end(other)
    index()

    assert found(flow, text=text) == ([run.pk] if is_found else [])


@pytest.mark.parametrize(
    ("chosen", "which"),
    [
        ({"code": "404"}, [1]),
        ({"code": "200"}, [2, 0]),
        ({"code": "2"}, []),
        ({"destination": "hooks.example.org"}, [2, 1, 0]),
        ({"destination": "example.org"}, []),
        ({"text": "ada", "state": ["failed"]}, [1]),
        ({"text": "ada", "state": ["failed", "succeeded"]}, [1, 0]),
        ({"text": "ada", "code": "404", "state": ["succeeded"]}, []),
        ({"state": ["failed", "held"]}, [3, 1]),
        ({"state": ["queued", "cancelled"]}, [4, 2]),
        ({"text": "ada", "state": ["held"]}, [3]),
        ({"text": "ada", "since": "2020-01-01", "until": "2020-01-02"}, []),
        ({"state": ["held"], "since": "2020-01-01"}, [3]),
        ({"until": "9999-12-31", "state": ["held"]}, [3]),
        ({"since": "nonsense"}, None),
    ],
)
def test_filters_go_together(flow, arrive, index, chosen: dict[str, Any], which: list[int] | None) -> None:
    runs = arrive(flow, *[ORDER] * 2, b"{}", ORDER, ORDER)
    end(runs[0])
    end(runs[1], "failed", 404)
    end(runs[2], "cancelled")
    Run.objects.filter(pk=runs[3].pk).update(state="held", due_at=None)
    index()

    if which is None:
        assert not filter_runs(Run.objects.all(), chosen).exists()
    else:
        assert found(flow, **chosen) == [runs[at].pk for at in which]


def test_a_run_is_indexed_again_when_it_has_ended(flow, arrive, monkeypatch) -> None:
    monkeypatch.setattr(search_index, "SETTLE_US", -60_000_000)
    (run,) = arrive(flow, ORDER)
    search_index.index_some(5)

    end(run, "failed", answer="late answer")
    search_index.index_some(5)

    assert query.newest(Run.objects.all(), [("late",)]) == []
    assert found(flow, text="late answer", state=["failed"]) == [run.pk]


def test_pages_follow_each_other(flow, arrive, index) -> None:
    runs = arrive(flow, *[ORDER] * 7)
    index()

    first = run_search.find(flow.workspace, {"text": "ada"}, limit=4).ids
    second = run_search.find(flow.workspace, {"text": "ada"}, below=first[-1], limit=4).ids

    assert [*first, *second] == [run.pk for run in reversed(runs)]


def test_a_search_that_takes_long_says_how_far_it_came(flow, arrive, monkeypatch) -> None:
    monkeypatch.setattr(search_index, "SETTLE_US", -60_000_000)
    monkeypatch.setattr(run_search, "SEARCH_SECONDS", -1)
    many_shelves(monkeypatch)
    runs = [run.pk for run in arrive(flow, *[ORDER] * 7)]
    search_index.index_some(5)

    got = run_search.find(flow.workspace, {"text": "ada"}, limit=3)
    held = run_search.find(flow.workspace, {"text": "ada", "state": ["held"]}, limit=3)
    further = run_search.find(flow.workspace, {"text": "ada"}, below=got.reached or 1, limit=9)

    newest = runs[::-1]
    assert [*got.ids, *further.ids] == newest[: len(got.ids) + len(further.ids)]
    assert held.ids == []
    if statements.is_sqlite():
        assert held.reached == got.reached > runs[0]


def test_others_runs_are_not_found(flow, arrive, index) -> None:
    arrive(flow, ORDER)
    index()
    other = type(flow.workspace).objects.create(name="Other")

    assert run_search.find(other, {"text": "ada"}, limit=5).ids == []
    assert run_search.find(other, {"flow": flow.pk}, limit=5).ids == []


def test_deleted_runs_leave_the_index(flow, arrive, monkeypatch) -> None:
    monkeypatch.setattr(search_index, "SETTLE_US", -60_000_000)
    gone, kept = arrive(flow, ORDER, ORDER)
    search_index.index_some(5)

    search_index.forget([gone.pk])

    (candidates, _), *_ = query.store().walk([("ada",)], 0, query.END)
    assert candidates == [kept.pk]


def test_words_that_were_taken_away_leave_the_index(flow, arrive, monkeypatch) -> None:
    monkeypatch.setattr(search_index, "SETTLE_US", -60_000_000)
    emptied, kept = arrive(flow, ORDER, ORDER)
    search_index.index_some(5)
    Event.objects.filter(pk=emptied.event_id).update(body=b"")

    search_index.reindex([emptied.pk])

    assert found(flow, text="ada") == [kept.pk]


HOSTILE = [
    '"',
    "'",
    "\\",
    'a" OR "b',
    "a\x00b",
    "x" * 10_000,
    "*",
    "^a NEAR(b)",
    "|flow=1",
    "%s %%",
    "((",
    "\ud800",
    "NOT",
]


@pytest.mark.parametrize("text", [*HOSTILE, "a:b -c +d", "ü" * 5_000, "{}", "kept: x", "a' & !b | c:*", "<->"])
def test_nothing_that_is_typed_raises(flow, arrive, index, text: str) -> None:
    arrive(flow, ORDER)
    index()

    for key in ("text", "code", "destination", "since", "until"):
        run_search.find(flow.workspace, {key: text}, limit=5)
        list(filter_runs(Run.objects.all(), {key: text}))


def test_payloads_of_any_kind_are_indexed(flow, arrive, index) -> None:
    bodies = [b"\xff\xfe\x00", b"{broken", b"[" * 500, b"", b"9" * 100_000, b'{"a": ' + b"1" * 400 + b"}", b'"\\ud800"']
    runs = arrive(flow, *bodies, b"found")
    Event.objects.filter(pk=runs[1].event_id).update(content_type="text/xml", query="name=J%C3%B6rg&x=%00")
    index()

    assert found(flow, text="found") == [runs[-1].pk]
    assert found(flow, text="broken") == [runs[1].pk]
    assert found(flow, text="jorg") == [runs[1].pk]


def test_old_runs_are_indexed_a_few_at_a_time(flow, arrive, monkeypatch) -> None:
    monkeypatch.setattr(search_index, "SETTLE_US", -60_000_000)
    monkeypatch.setattr(search_index, "BATCH_RUNS", 2)
    runs = arrive(flow, *[ORDER] * 5)

    done = search_index.index_some(10)

    assert done == 5
    assert query.store().progress() == runs[-1].pk
    assert ids.new() > runs[-1].pk


def test_words_of_a_former_version_are_made_again(flow, arrive, monkeypatch) -> None:
    monkeypatch.setattr(search_index, "SETTLE_US", -60_000_000)
    monkeypatch.setattr(search_index, "BATCH_RUNS", 2)
    runs = arrive(flow, *[f'{{"to": "Ada{number}"}}'.encode() for number in range(5)])
    search_index.index_some(5)
    store = index_store.store()
    store.put((run.pk, ["former"]) for run in runs)
    search_index._advance(store, search_index._REINDEXED, 0)
    counted = statements.fetch(f"SELECT sum(count) FROM {store.hours_table}")

    search_index.index_some(5)

    assert found(flow, text="former") == []
    assert [found(flow, text=f"Ada{number}") for number in range(5)] == [[run.pk] for run in runs]
    assert statements.fetch(f"SELECT sum(count) FROM {store.hours_table}") == counted
    assert search_index.index_some(5) == 0
