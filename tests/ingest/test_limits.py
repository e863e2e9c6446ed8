"""Limits of senders: addresses, rates over all processes, URL guessing, and flows that call each other."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection

from relay import client_address, queues, token_bucket
from relay.engine.configuration import flow_lifecycle
from relay.ingest import group_commit
from relay.ingest.application import Ingest
from relay.ingest.rate_limits import RateLimits
from relay.models import Event, Flow, Rejection, Unkept, Workspace
from tests.support.asgi_requests import Answered, ask, in_turn, serve
from tests.support.running import Valkey

pytestmark = pytest.mark.django_db(transaction=True)
SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}


def live(workspace: Workspace, **trigger: Any) -> Flow:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", **trigger}, "steps": [SAY]}
    return flow_lifecycle.import_document(workspace, document, publish_it=True)


def path(flow: Flow) -> str:
    return f"/in/{flow.trigger.token}"


async def ask_often(ingest: Ingest, flow: Flow, times: int) -> list[Answered]:
    return await asyncio.gather(*(ask(ingest, path(flow)) for _ in range(times)))


def statuses(answers: list[Answered]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def test_a_request_over_the_triggers_rate_gets_retry_after(workspace: Workspace) -> None:
    flow = live(workspace, rate="10/h")

    answers = serve(lambda ingest: ask_often(ingest, flow, 30))

    assert statuses(answers) == {202: 10, 429: 20}
    refused = next(answer for answer in answers if answer.status == 429)
    assert 300 < int(refused.headers["retry-after"]) <= 360
    assert refused.body == b"Too Many Requests\n"
    assert Event.objects.count() == 10
    assert Rejection.objects.count() + sum(Unkept.objects.values_list("count", flat=True)) == 20
    assert {(one.why, one.status) for one in Rejection.objects.all()} == {("rate", 429)}
    assert "10/h" in Rejection.objects.all()[0].reason


def test_processes_share_one_rate(workspace: Workspace) -> None:
    flow = live(workspace, rate="50/h")

    async def two() -> list[Answered]:
        both = Ingest(), Ingest()
        answers = [one for ingest in both for one in await ask_often(ingest, flow, 40)]
        for ingest in both:
            await ingest.close()
        return answers

    found = statuses(asyncio.run(two()))

    # Tokens that the first process holds and doesn't use are lost to the second: a share of five, which it asks for
    # when it still has two.
    assert 50 - (5 + 2) <= found[202] <= 50
    assert found[202] + found[429] == 80


@pytest.mark.parametrize("trigger", [{}, {"rate": "5000/s"}])
def test_what_is_under_the_rate_is_taken(workspace: Workspace, trigger: dict[str, str]) -> None:
    flow = live(workspace, **trigger)

    answers = serve(lambda ingest: ask_often(ingest, flow, 300))

    assert statuses(answers) == {202: 300}


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        ({"rate": "1/h"}, {"rate": "5/h"}, 429),
        ({"allow_ips": ["192.0.2.1"]}, {"allow_ips": ["192.0.2.1", "127.0.0.0/8"]}, 403),
        ({"methods": ["PUT"]}, {"methods": ["POST"]}, 405),
    ],
)
def test_what_was_just_changed_refuses_nobody(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, before: Any, after: Any, first: int
) -> None:
    monkeypatch.setattr(group_commit, "FRESH_SECONDS", 0.0)
    flow = live(workspace, **before)

    async def visit(ingest: Ingest) -> list[int]:
        refused = [(await ask(ingest, path(flow))).status for _ in range(2)]
        await asyncio.to_thread(change, flow, after)
        return [refused[1], (await ask(ingest, path(flow))).status]

    assert serve(visit) == [first, 202]


def change(flow: Flow, trigger: dict[str, Any]) -> None:
    flow_lifecycle.save_draft(flow, {**flow.draft, "trigger": {"kind": "webhook", **trigger}})
    flow_lifecycle.publish(flow)
    connection.close()


def test_a_removed_flow_is_not_found_at_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "FRESH_SECONDS", 0.0)
    flow = live(workspace, methods=["PUT"])
    address = path(flow)

    async def visit(ingest: Ingest) -> list[int]:
        refused = (await ask(ingest, address)).status
        await asyncio.to_thread(remove, flow)
        return [refused, (await ask(ingest, address)).status]

    assert serve(visit) == [405, 404]


def remove(flow: Flow) -> None:
    flow_lifecycle.delete(flow)
    connection.close()


def test_without_redis_each_process_counts_for_itself(workspace: Workspace, valkey: Valkey) -> None:
    flow = live(workspace, rate="10/h")
    valkey.stop()

    answers = serve(lambda ingest: ask_often(ingest, flow, 30))

    assert statuses(answers) == {202: 10, 429: 20}


def test_a_redis_that_hangs_keeps_nobody_waiting_for_long() -> None:
    asked: list[int] = []

    def hang(*_: object) -> None:
        asked.append(1)
        hung.wait(5)

    hung = threading.Event()
    meters = RateLimits(hang)

    async def visit() -> list[float]:
        waits = [await meters.admit("a", token_bucket.rate("3/h")) for _ in range(5)]
        hung.set()
        return waits

    waits = asyncio.run(visit())
    meters.close()

    assert [bool(wait) for wait in waits] == [False, False, False, True, True]
    assert asked == [1]


def test_a_share_in_hand_asks_nobody(valkey: Valkey) -> None:
    asked: list[int] = []

    def take(key: str, number: float, seconds: float, want: int) -> tuple[int, float] | None:
        asked.append(want)
        return queues.take_tokens(key, number, seconds, want)

    meters = RateLimits(take)
    rate = token_bucket.rate("1000/s")

    async def visit() -> None:
        for _ in range(500):
            assert await meters.admit("a", rate) == 0.0

    asyncio.run(visit())
    meters.close()

    assert len(asked) <= 10
    assert asked[0] == 100


def test_an_address_has_a_rate_too(workspace: Workspace, settings: Any) -> None:
    settings.ADDRESS_RATE = token_bucket.rate("3/h")
    flow = live(workspace)

    answers = in_turn(*[(path(flow), {"peer": peer}) for peer in ["203.0.113.1"] * 4 + ["203.0.113.2"]])

    assert [answer.status for answer in answers] == [202, 202, 202, 429, 202]
    assert "203.0.113.1" in Rejection.objects.get().reason


def test_every_url_has_the_installations_rate(workspace: Workspace, settings: Any) -> None:
    settings.RATE = token_bucket.rate("2/h")
    usual, own = live(workspace), live(workspace, rate="3/h")

    answers = in_turn(*[(path(flow), {}) for flow in [usual] * 4 + [own] * 4])

    assert [answer.status for answer in answers] == [202, 202, 429, 429, 202, 202, 202, 429]


@pytest.mark.parametrize(
    ("allowed", "peer", "status"),
    [
        (["203.0.113.0/24"], "203.0.113.9", 202),
        (["203.0.113.0/24"], "203.0.114.9", 403),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", 202),
        (["203.0.113.7"], "203.0.113.8", 403),
        (["192.0.2.1", "2001:db8::/32"], "2001:db8:1::1", 202),
        (["2001:db8::/32"], "2001:db9::1", 403),
        (["0.0.0.0/0"], "2001:db8::1", 403),
        (["203.0.113.0/24"], "", 403),
    ],
)
def test_a_trigger_takes_its_own_addresses_only(
    workspace: Workspace, allowed: list[str], peer: str, status: int
) -> None:
    flow = live(workspace, allow_ips=allowed)

    (answer,) = in_turn((path(flow), {"peer": peer}))

    assert answer.status == status
    if status == 403:
        assert answer.body == b"Forbidden\n"
        assert (Rejection.objects.get().why, Rejection.objects.get().remote) == ("address", peer)
    else:
        assert Event.objects.get().remote == peer.removeprefix("::ffff:")


def test_addresses_are_looked_at_before_the_rate_is_touched(workspace: Workspace) -> None:
    flow = live(workspace, allow_ips=["203.0.113.0/24"], rate="1/h")

    answers = in_turn(*[(path(flow), {"peer": peer}) for peer in ("198.51.100.1", "198.51.100.1", "203.0.113.1")])

    assert [answer.status for answer in answers] == [403, 403, 202]


def test_a_drafts_nonsense_opens_nothing(workspace: Workspace) -> None:
    trigger = {"kind": "webhook", "allow_ips": ["my office"], "rate": "many"}
    flow = flow_lifecycle.create_flow(workspace, {"relay": 1, "name": "F", "trigger": trigger, "steps": []})

    (answer,) = in_turn((path(flow), {}))

    assert answer.status == 403


def test_guesses_get_429_without_a_query(workspace: Workspace, settings: Any) -> None:
    settings.REFUSED_RATE = token_bucket.rate("3/h")
    flow, other = live(workspace), live(workspace)
    guess = ("/in/" + "x" * 32, {"peer": "203.0.113.9"})

    answers = in_turn(
        (path(flow), {}),
        *[guess] * 5,
        (path(flow), {"peer": "203.0.113.9"}),  # somebody else behind the same address, whom ingest knows
        (path(other), {"peer": "203.0.113.9"}),  # right at last, but not looked up
        (path(other), {"peer": "203.0.113.10"}),
        (path(other), {"peer": "203.0.113.9"}),
    )

    assert [answer.status for answer in answers] == [202, 404, 404, 404, 429, 429, 202, 429, 202, 202]
    assert answers[4].headers["retry-after"]


def test_refusals_count_whatever_their_reason(workspace: Workspace, settings: Any) -> None:
    settings.REFUSED_RATE = token_bucket.rate("2/h")
    flow = live(workspace)

    answers = in_turn(*[(path(flow), {"method": "GET"})] * 3, ("/in/" + "x" * 32, {}), (path(flow), {}))

    assert [answer.status for answer in answers] == [405, 405, 405, 429, 202]


@pytest.mark.parametrize(
    ("peer", "status"),
    [("2001:db8:0:1::2", 429), ("2001:db8:0:2::1", 404)],
)
def test_a_sender_has_a_whole_ipv6_network_at_hand(workspace: Workspace, settings: Any, peer: str, status: int) -> None:
    settings.REFUSED_RATE = token_bucket.rate("1/h")
    nowhere = "/in/" + "x" * 32

    answers = in_turn((nowhere, {"peer": "2001:db8:0:1::1"}), (nowhere, {"peer": peer}))

    assert answers[1].status == status


def test_behind_a_trusted_proxy_the_sender_is_judged(workspace: Workspace, settings: Any) -> None:
    settings.TRUSTED_PROXIES = client_address.Networks(["10.0.0.0/8"])
    flow = live(workspace, allow_ips=["203.0.113.0/24"])
    said = {"x_forwarded_for": "203.0.113.9, 10.0.0.7"}

    through, around, lied = in_turn(
        (path(flow), {"peer": "10.0.0.1", **said}),
        (path(flow), {"peer": "198.51.100.1", **said}),
        (path(flow), {"peer": "10.0.0.1", "x_forwarded_for": "203.0.113.9, 198.51.100.1"}),
    )

    assert (through.status, around.status, lied.status) == (202, 403, 403)
    assert Event.objects.get().remote == "203.0.113.9"
    assert set(Rejection.objects.values_list("remote", flat=True)) == {"198.51.100.1"}


@pytest.mark.parametrize(
    ("hops", "status"), [("1", 202), ("10", 202), ("11", 400), ("-1", 400), ("9" * 50, 400), ("1, 2", 400), ("²", 400)]
)
def test_what_goes_in_circles_ends(workspace: Workspace, hops: str, status: int) -> None:
    (answer,) = in_turn((path(live(workspace)), {"relay_hops": hops}))

    assert answer.status == status
    assert [one.why for one in Rejection.objects.all()] == ([] if status == 202 else ["loop"])


@pytest.mark.parametrize(
    ("budget", "status"),
    [("1", 202), ("10000", 202), ("0", 400), ("-1", 400), ("9" * 50, 400), ("1, 2", 400), ("", 400)],
)
def test_flows_that_have_led_to_as_many_runs_as_they_may_are_refused(
    workspace: Workspace, budget: str, status: int
) -> None:
    (answer,) = in_turn((path(live(workspace)), {"relay_budget": budget}))

    assert answer.status == status
    assert [one.why for one in Rejection.objects.all()] == ([] if status == 202 else ["loop"])
