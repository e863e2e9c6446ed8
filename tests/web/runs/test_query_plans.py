"""Tests that every query of a page uses an index, so that no page reads all runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from relay.engine.database import statements
from relay.engine.intake import sample_events
from relay.engine.upkeep import search_index
from relay.models import Flow, Run

BIG = ("relay_run", "relay_event", "relay_attempt", "relay_searchwords")
# These hold only runs that are not over, held, or that a batch made: as few as there are of those.
SHORT = ("run_due", "run_flow_due", "run_held", "run_batch", "run_order", "run_destination")

PAGES = [
    "/flows/",
    "/runs/",
    "/runs/?state=failed",
    "/runs/?state=succeeded&flow={flow}",
    "/runs/?state=held",
    "/runs/?state=held&flow={flow}",
    "/runs/?state=queued&state=running&state=waiting",
    "/runs/?state=waiting&flow={flow}",
    "/runs/?since=2026-01-01&until=2026-02-01",
    "/runs/?state=cancelled&until=2026-02-01",
    "/runs/?text=ada",
    "/runs/?text=ada&state=failed&flow={flow}&since=2026-01-01",
    "/runs/?code=404",
    "/runs/?destination=example.com",
    "/flows/{flow}/runs/",
    "/flows/{flow}/runs/?state=failed&before=zzz0000000000",
    "/runs/newer/?after=0000000000000",
    "/runs/newer/?after=0000000000000&state=failed&text=ada",
]


@pytest.fixture
def ledger(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> Flow:
    """A few runs of several states, indexed, and one that is not."""
    monkeypatch.setattr(search_index, "SETTLE_US", -60_000_000)
    for state in ("succeeded", "failed", "cancelled"):
        run = sample_events.send_sample(flow).runs.get()
        Run.objects.filter(pk=run.pk).update(state=state, due_at=None, finished_at=statements.now())
    Run.objects.filter(pk=sample_events.send_sample(flow).runs.get().pk).update(state="held", due_at=None)
    search_index.index_some(5)
    sample_events.send_sample(flow)
    return flow


def plans(show: Callable[[], Any]) -> list[str]:
    """Return the query plans of a page."""
    queries: list[tuple[str, Any]] = []

    def note(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if statement.lstrip().upper().startswith("SELECT"):
            queries.append((statement, parameters))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(note):
        assert show().status_code == 200
    return [plan(*query) for query in queries]


def plan(statement: str, parameters: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"{'EXPLAIN QUERY PLAN' if statements.is_sqlite() else 'EXPLAIN'} {statement}", parameters)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def whole_reads(steps: str) -> list[str]:
    """Return the steps of a plan that scan a big table."""
    scans = re.findall(r"SCAN \w+.*|Seq Scan on \w+", steps)
    is_big = re.compile(rf"\b({'|'.join(BIG)})\b")
    return [step for step in scans if is_big.search(step) and not re.search(rf"INDEX ({'|'.join(SHORT)})\b", step)]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_scans_a_big_table(alice: Client, ledger: Flow, page: str) -> None:
    if not statements.is_sqlite():
        # So few rows would be read whole; this asks whether they must be.
        statements.execute("SET enable_seqscan = off")

    all_plans = plans(lambda: alice.get(page.format(flow=ledger.pk)))

    assert all_plans
    assert [step for steps in all_plans for step in whole_reads(steps)] == []


@pytest.mark.parametrize(
    ("page", "index"),
    [
        ("/runs/", "run_workspace"),
        ("/runs/?flow={flow}", "run_flow"),
        ("/runs/?state=failed", "run_final"),
        ("/runs/?state=failed&flow={flow}", "run_final"),
        ("/runs/?state=held", "run_held"),
        ("/runs/?state=waiting", "run_due"),
        ("/flows/", "event_flow"),
        ("/flows/", "run_held"),
    ],
)
@pytest.mark.skipif("not statements.is_sqlite()", reason="PostgreSQL chooses by how many rows there are")
def test_each_list_has_its_index(alice: Client, ledger: Flow, page: str, index: str) -> None:
    all_plans = plans(lambda: alice.get(page.format(flow=ledger.pk)))

    assert any(f"INDEX {index} " in steps for steps in all_plans), all_plans


def test_text_is_searched_in_a_fixed_number_of_queries(
    alice: Client, ledger: Flow, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(19):
        page = alice.get("/runs/?text=ada+lovelace&state=failed")

    assert "Failed" in page.content.decode()


def test_a_typed_filter_is_a_chip_and_can_be_removed(alice: Client, ledger: Flow) -> None:
    page = alice.get("/runs/?text=ada@exam&code=404&since=2020-01-01").content.decode()

    assert "“ada@exam”" in page
    assert 'href="?text=ada%40exam&amp;since=2020-01-01"' in page
    assert "No run matches" in page


def test_runs_are_found_by_their_text(alice: Client, ledger: Flow) -> None:
    page = alice.get("/runs/?text=lovel+ada@example").content.decode()

    assert page.count('class="run-title"') == 5
    assert 'class="count">5<' in page
