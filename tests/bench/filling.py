"""Fills a database with many runs, as after weeks of orders, by plain SQL."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction

from relay import ids
from relay.engine.configuration import flow_lifecycle
from relay.engine.database import statements
from relay.models import Flow, Workspace

DAYS = 10
_AT_ONCE = 10_000
_STATES = {"succeeded": 930, "failed": 30, "filtered": 20, "partly_failed": 10, "cancelled": 8, "held": 1, "waiting": 1}
_CODES = {"succeeded": 200, "failed": 500, "partly_failed": 404, "waiting": 503}
_FIRST = ("Ada", "Grace", "Alan", "Edsger", "Barbara", "Linus", "Margaret", "Ken", "Dennis", "Radia")
_LAST = ("Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Torvalds", "Hamilton", "Thompson", "Ritchie", "Perlman")
_EVENT = "id workspace_id flow_id state received_at method query headers content_type body remote".split()
_RUN = (
    "id workspace_id flow_id version_id event_id state due_at fence tries title reason trail finished_at"
    " held_by marked_step"
).split()
_ATTEMPT = "id run_id step number state started_at duration_us request answer status error".split()


def flows(workspace: Workspace, document: dict[str, Any], count: int) -> list[Flow]:
    return [
        flow_lifecycle.import_document(workspace, {**document, "name": f"Orders of shop {number:03}"}, publish_it=True)
        for number in range(count)
    ]


def fill(workspace: Workspace, into: list[Flow], runs: int) -> None:
    """`runs` runs over the last DAYS days, the last flow's all failed; fast, and not durable until the end."""
    numbers = iter(range(1, runs + 1))
    start, step = statements.now() - DAYS * 86_400_000_000, DAYS * 86_400_000_000 // max(1, runs)
    dice = random.Random(4711)
    while some := list(itertools.islice(numbers, _AT_ONCE)):
        events, rows, attempts = zip(*(_one(dice, workspace, into, n, start + n * step) for n in some), strict=True)
        with transaction.atomic():
            _insert("relay_event", _EVENT, iter(events))
            _insert("relay_run", _RUN, iter(rows))
            _insert("relay_attempt", _ATTEMPT, (one for one in attempts if one))


def _insert(table: str, columns: list[str], rows: Iterator[Any]) -> None:
    if connection.vendor == "sqlite":
        statements.insert(table, columns, rows)
        return
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _one(dice: random.Random, workspace: Workspace, into: list[Flow], number: int, at: int) -> tuple[Any, Any, Any]:
    flow = into[dice.randrange(len(into))]
    state = dice.choices(list(_STATES), list(_STATES.values()))[0] if flow is not into[-1] else "failed"
    name = f"{dice.choice(_FIRST)} {dice.choice(_LAST)}"
    order = {
        "id": f"ORD-{number}",
        "total": f"{dice.randrange(500, 90_000) / 100:.2f}",
        "currency": "EUR",
        "customer": {"name": name, "email": f"{name.split(maxsplit=1)[0].lower()}.{number}@example.com"},
        "shipping_address": {"line1": f"Invalidenstraße {number % 200}", "city": "Berlin", "country": "DE"},
        "line_items": [{"sku": f"SKU-{dice.randrange(5_000):04}", "title": "Enamel mug, 350 ml", "quantity": 2}],
    }
    one = ids.first_at(at) | number & 0xFFF
    json_type, headers = "application/json", '{"User-Agent":"shop/1.0"}'
    body = json.dumps(order).encode()
    event = (one, workspace.pk, flow.pk, "accepted", at, "POST", "", headers, json_type, body, "")
    is_over = state not in {"held", "waiting"}
    reason = "" if state == "succeeded" else "The server did not take it: out of stock"
    run = (
        *(one, workspace.pk, flow.pk, flow.live_version_id, one, state),
        *(at + 365 * 86_400_000_000 if state == "waiting" else None, 1, 0, f"Order #{number}", reason),
        *(json.dumps([{"id": "send", "kind": "action", "state": state}]), at + 30_000 if is_over else None),
        *("pause" if state == "held" else "", ""),
    )
    return event, run, _attempt(one, state, at, number, name) if state in _CODES else None


def _attempt(one: int, state: str, at: int, number: int, name: str) -> tuple[Any, ...]:
    request = {
        "method": "POST",
        "url": "https://hooks.example.com/services/T1",
        "headers": {"Content-Type": "application/json", "Idempotency-Key": f"{ids.text(one)}-send"},
        "body": json.dumps({"text": f"New order #{number} from {name}"}),
        "truncated": False,
    }
    answer = {
        "status": _CODES[state],
        "headers": {},
        "body": f'{{"ok":true,"ts":"{number * 7919}"}}',
        "truncated": False,
    }
    ended = {"succeeded": "succeeded", "waiting": "retry"}.get(state, "failed")
    return (one, one, "send", 1, ended, at, 25_000, json.dumps(request), json.dumps(answer), _CODES[state], "")
