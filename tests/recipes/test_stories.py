"""Tests recipes with state over several events, and failures of services and actions of people."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from relay.engine.database import statements
from relay.engine.worker.thread_pool import WalkThreads
from relay.models import Flow, Run, RunState
from relay.recipes import loader
from relay.recipes.loader import Recipe
from tests.recipes.conftest import settle
from tests.support.recipe_services import HOSTILE, Services

pytestmark = pytest.mark.django_db(transaction=True)

Using = Callable[[Recipe], Flow]
Runs = Callable[[Flow, dict[str, Any]], Run]
DONE, STOPPED = RunState.SUCCEEDED, RunState.FILTERED


def sample(slug: str, **body: Any) -> dict[str, Any]:
    """The first sample of a recipe with other values in its body; `result__status` is one further in."""
    event = json.loads(json.dumps(loader.find(slug).samples[0].event))
    for path, value in body.items():
        *outer, last = path.split("__")
        inner = event["body"]
        for key in outer:
            inner = inner[key]
        inner[last] = value
    return dict(event)


def temperatures(*values: Any) -> list[dict[str, Any]]:
    return [{"temperature": value} for value in values]


@pytest.mark.parametrize(
    ("slug", "changes", "told"),
    [
        # Trembling about the limit of 8 and in the band below it: one alarm, one all-clear.
        ("sensor-over-threshold", temperatures(8.1, 8.9, 7.9, 7.2, 8.2, 6.9, 7.5, 6.5, 8.01), "y----y--y"),
        ("sensor-over-threshold", [*temperatures(9, 9), {"temperature": 9, "device": "fridge-3"}], "y-y"),
        ("low-stock", [{"available": left} for left in (2, 1, 0, 4, 3)], "y---y"),
        ("low-stock", [{"available": 2}, {"available": 2, "location_id": 7}], "yy"),
        (
            "failed-build-to-trello",
            [{"workflow_run__conclusion": how} for how in ("failure", "timed_out", "success", "success", "failure")],
            "y---y",
        ),
        ("failed-build-to-trello", [{}, {"workflow_run__head_branch": "release"}], "yy"),
        ("shipment-exception-to-support", [{}, {}, {"result__status": "return_to_sender"}], "y-y"),
        ("door-at-night", [{}, {}, {"device": "front-door"}], "y-y"),
    ],
)
def test_alerts_that_are_sent_once(
    slug: str, changes: list[dict[str, Any]], told: str, using: Using, run: Runs, services: Services
) -> None:
    flow = using(loader.find(slug))

    states = [run(flow, sample(slug, **change)).state for change in changes]

    assert "".join("y" if state == DONE else "-" for state in states) == told
    assert set(states) <= {DONE, STOPPED}
    assert len(services.heard) == told.count("y")


def test_a_silent_device_is_reported_once_and_an_active_one_never(
    using: Using, run: Runs, services: Services, walkers: WalkThreads
) -> None:
    flow = using(loader.find("silent-device"))
    talks, falls_silent = sample("silent-device"), sample("silent-device", device="pump-2", name="Pump 2")
    early = [run(flow, event) for event in (talks, falls_silent)]
    later = run(flow, talks)

    for one in early:
        Run.objects.filter(pk=one.pk).update(due_at=statements.now())
    settle(walkers)

    later.refresh_from_db()
    assert [Run.objects.get(pk=one.pk).state for one in early] == [STOPPED, DONE]
    assert later.state == RunState.WAITING
    ((_, _, mail),) = services.heard
    assert (mail["To"], mail["Subject"]) == ("office@example.com", "Pump 2 has fallen silent")
    assert mail["TextBody"] == "Pump 2 last reported on 5 March, 23:41, and not since.\n"


def test_a_card_that_is_due_is_told_once_for_each_due_date(using: Using, run: Runs, services: Services) -> None:
    flow = using(loader.find("due-cards-to-slack"))
    event, cards = sample("due-cards-to-slack"), loader.find("due-cards-to-slack").samples[0].answers["cards"]["body"]
    later = [{**cards[0], "due": "2026-03-06T17:00:00.000Z"}, *cards[1:]]

    for answer in (cards, cards, later, later):
        services.answers["trello.list_due_cards"] = {"status": 200, "body": answer}
        assert run(flow, event).state == DONE

    told = [body["text"] for method, _, body in services.heard if method == "POST"]
    assert [text.rpartition(" on ")[2] for text in told] == ["5 March, 18:00", "6 March, 18:00"]


def test_a_cancelled_order_gets_back_exactly_what_it_took(using: Using, run: Runs, services: Services) -> None:
    slug = "order-to-stock-and-label"
    flow = using(loader.find(slug))
    cancelled = loader.find(slug).samples[1]
    services.answers["sendcloud.find_parcels"] = cancelled.answers["parcels"]
    mark = cancelled.event["body"]["meta_data"]
    returned = [{"key": "relay_stock", "value": "put back"}]
    # The shop sends the order again after each change, also after those that Relay makes.
    story = [
        ({"status": "cancelled"}, STOPPED),
        ({"status": "processing"}, DONE),
        ({"status": "processing", "meta_data": mark}, STOPPED),
        ({"status": "completed", "meta_data": mark}, STOPPED),
        # Another quantity than the one that was taken.
        ({"status": "cancelled", "meta_data": mark, "line_items": []}, DONE),
        ({"status": "cancelled", "meta_data": mark}, STOPPED),
        ({"status": "cancelled", "meta_data": returned}, STOPPED),
        # The order is taken up again.
        ({"status": "processing", "meta_data": returned}, DONE),
        ({"status": "processing", "meta_data": mark}, STOPPED),
    ]

    states = [run(flow, sample(slug, **body)).state for body, _ in story]

    assert states == [state for _, state in story]
    assert services.refused == []
    deltas = [body["variables"]["delta"] for _, path, body in services.heard if path.endswith("graphql.json")]
    assert deltas == [-2, 2, -2]
    labels = [path for method, path, _ in services.heard if "/parcels" in path and method == "POST"]
    assert labels == ["/api/v2/parcels", "/api/v2/parcels/629/cancel", "/api/v2/parcels"]


def test_the_stock_stays_if_the_carrier_has_the_parcel(using: Using, run: Runs, services: Services) -> None:
    cancelled = loader.find("order-to-stock-and-label").samples[1]
    services.answers["sendcloud.find_parcels"] = cancelled.answers["parcels"]
    services.answers["sendcloud.cancel_label"] = {"status": 400, "body": {"message": "It is delivered."}}

    found = run(using(loader.find("order-to-stock-and-label")), cancelled.event)

    assert found.state == RunState.FAILED
    assert [path.partition("?")[0] for _, path, _ in services.heard] == [
        "/api/v2/parcels",
        "/api/v2/parcels/629/cancel",
    ]


SAID = "&lt;!channel&gt; &lt;https://evil.example|free&gt; &lt;@U1&gt;"


@pytest.mark.parametrize(
    ("slug", "body", "heard"),
    [
        ("order-to-slack", {"total_price": 149.9, "currency": "eur"}, "€149.90"),
        ("order-to-slack", {"total_price": "12800", "currency": "JPY"}, "¥12,800 from"),
        ("order-to-slack", {"total_price": "1500", "currency": "KWD"}, "1,500.000"),
        ("order-to-slack", {"customer": {"first_name": HOSTILE, "last_name": None}}, SAID),
        ("order-to-slack", {"customer__first_name": "Žofie", "customer__last_name": "李"}, "from Žofie 李"),
        ("big-order-to-trello", {"total": 249, "currency": "KRW"}, "Order #727: ₩249, Grace Hopper"),
        ("big-order-to-trello", {"billing": None, "line_items": None}, "a guest"),
        ("payment-outcome", {"data__object__amount": "4990", "data__object__currency": "JPY"}, "*¥4,990*"),
        ("payment-outcome", {"data__object__description": None}, "for a payment"),
        ("payment-outcome", {"data__object__description": HOSTILE}, SAID),
        ("dispute-opened", {"data__object__currency": "isk", "data__object__amount": 5000}, "ISK"),
        ("mail-to-ticket", {"Subject": f"urgent {HOSTILE}"}, f"urgent {SAID}"),
        ("push-to-slack", {"pusher": {"name": HOSTILE}, "compare": f"https://x.example/{HOSTILE}"}, SAID),
        ("lead-to-trello", {"form_response__answers": []}, "No name, not said"),
        ("relay-with-retries", {"note": HOSTILE}, "77777 * 77777"),
        ("ticket-to-slack", {"detail__subject": HOSTILE}, SAID),
        ("ticket-to-slack", {"detail__description": HOSTILE, "detail__priority": HOSTILE}, SAID),
    ],
)
def test_what_arrives_stays_words(
    slug: str, body: dict[str, Any], heard: str, using: Using, run: Runs, services: Services
) -> None:
    found = run(using(loader.find(slug)), sample(slug, **body))

    assert services.refused == []
    assert found.state == DONE
    assert heard in json.dumps([said for _, _, said in services.heard], ensure_ascii=False)


@pytest.mark.parametrize(
    ("slug", "body", "reason"),
    [
        ("order-to-slack", {"total_price": None}, "`money` needs a number, but got null"),
        (
            "order-to-slack",
            {"currency": "<b>"},
            "`money` needs a currency like EUR, USD or JPY, but got",
        ),
        ("low-stock", {"available": "many"}, "`parse_number` needs a number"),
        ("payment-outcome", {"data": {}}, "event.body.data.object.amount is missing"),
        ("sensor-over-threshold", {"temperature": None}, "`parse_number` needs a number"),
        ("door-at-night", {"at": "yesterday-ish"}, "`date_format` needs a date"),
    ],
)
def test_what_makes_no_sense_is_said(
    slug: str, body: dict[str, Any], reason: str, using: Using, run: Runs, services: Services
) -> None:
    found = run(using(loader.find(slug)), sample(slug, **body))

    assert found.state == RunState.FAILED
    assert reason in found.reason
    assert services.heard == []


@pytest.mark.parametrize(
    ("slug", "action", "answer", "state", "reason"),
    [
        ("order-to-slack", "slack.post_message", (404, "no_service"), "failed", "The answer was 404: no_service"),
        ("lead-to-crm", "hubspot.upsert_contact", (207, {"numErrors": 1}), "failed", "The answer was 207"),
        ("lead-to-crm", "hubspot.upsert_contact", (401, {"message": "expired"}), "held", "The answer was 401: expired"),
        ("lead-by-size", "hubspot.upsert_contact", (503, {"message": "busy"}), "waiting", "The answer was 503: busy"),
        (
            "silent-device",
            "postmark.send_mail",
            (200, {"ErrorCode": 406, "Message": "Inactive recipient"}),
            "failed",
            "Postmark refused: Inactive recipient",
        ),
        ("silent-device", "postmark.send_mail", (500, {"Message": "?"}), "held", "The answer was 500: ?. "),
        (
            "paid-order-to-label",
            "easypost.create_shipment",
            (422, {"error": {"code": "ADDRESS.INVALID", "message": "Unable to verify address."}}),
            "failed",
            "The answer was 422: Unable to verify address.",
        ),
    ],
)
def test_errors_of_services_are_shown(
    slug: str,
    action: str,
    answer: tuple[int, Any],
    state: str,
    reason: str,
    using: Using,
    run: Runs,
    services: Services,
    walkers: WalkThreads,
) -> None:
    services.answers = {action: {"status": answer[0], "body": answer[1]}}

    found = run(using(loader.find(slug)), loader.find(slug).samples[0].event)
    if found.state == RunState.WAITING and slug == "silent-device":
        Run.objects.update(due_at=statements.now())
        settle(walkers)

    found.refresh_from_db()
    assert found.state == state
    assert found.reason.startswith(reason)
