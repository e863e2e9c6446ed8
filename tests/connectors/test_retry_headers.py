"""Tests when an answer asks to be called again."""

from __future__ import annotations

import pytest

from relay.backoff import MAX_RETRY_AFTER, next_delay
from relay.connectors import response_rules
from relay.connectors.definition import Action, Reply, Wait
from relay.connectors.retry_headers import retry_after
from relay.outbound import Answer

NOW = 1_700_000_000.0
IN_SECONDS = Wait("X-Reset-After")
IN_MS = Wait("X-Reset-Ms", "milliseconds")
AT = Wait("X-Reset", "unix")
AT_IF_NONE_IS_LEFT = Wait("X-Reset", "unix", only_if=("X-Remaining", "0"))


@pytest.mark.parametrize(
    ("waits", "headers", "asked"),
    [
        ((), {}, None),
        ((), {"retry-after": "30"}, "30"),
        ((), {"x-reset-after": "5"}, None),
        ((IN_SECONDS,), {"x-reset-after": "5"}, "5.000"),
        ((IN_SECONDS,), {"x-reset-after": " 1.25 "}, "1.250"),
        ((IN_MS,), {"x-reset-ms": "1500"}, "1.500"),
        ((AT,), {"x-reset": "1700000060"}, "60.000"),
        ((AT,), {"x-reset": "1600000000"}, None),
        ((IN_MS, IN_SECONDS), {"x-reset-ms": "7000", "x-reset-after": "5"}, "7.000"),
        ((IN_MS, IN_SECONDS), {"x-reset-ms": "soon", "x-reset-after": "5"}, "5.000"),
        ((AT_IF_NONE_IS_LEFT,), {"x-reset": "1700000060", "x-remaining": "0"}, "60.000"),
        ((AT_IF_NONE_IS_LEFT,), {"x-reset": "1700000060", "x-remaining": "1"}, None),
        ((AT_IF_NONE_IS_LEFT,), {"x-reset": "1700000060"}, None),
        # The later of both: a retry that comes too early is refused again.
        ((IN_SECONDS,), {"retry-after": "30", "x-reset-after": "5"}, "30"),
        ((IN_SECONDS,), {"retry-after": "3", "x-reset-after": "5"}, "5.000"),
        ((IN_SECONDS,), {"retry-after": "junk", "x-reset-after": "5"}, "5.000"),
    ],
)
def test_when_a_service_asks_to_be_called_again(
    waits: tuple[Wait, ...], headers: dict[str, str], asked: str | None
) -> None:
    assert retry_after(waits, headers, NOW) == asked


@pytest.mark.parametrize("wait", [IN_SECONDS, IN_MS, AT], ids=lambda wait: wait.unit)
@pytest.mark.parametrize(
    "value",
    ["", "-5", "1e9", "nan", "inf", "0x10", "٣", "5, 5", "5\r\nX: 1", "5 s", "9" * 60_000, "1700000000" * 3, "9e999"],
    ids=lambda value: repr(value)[:20],
)
def test_no_header_can_delay_a_retry_by_more_than_a_day_or_break_it(wait: Wait, value: str) -> None:
    asked = retry_after((wait,), {wait.header.lower(): value}, NOW)

    delay = next_delay(1, [10], asked, now=NOW, random=lambda low, high: (low + high) / 2)
    assert delay in (10, MAX_RETRY_AFTER)


def test_a_judged_answer_says_when_by_the_headers_of_its_reply() -> None:
    action = Action("a", "A", reply=Reply(wait=(AT,)))
    answer = Answer(429, {"x-reset": "1700000060"}, b"slow down", truncated=False, seconds=0.1)

    verdict = response_rules.judge(action, answer, now=NOW)

    assert (verdict.kind, verdict.retry_after) == ("retry", "60.000")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"ok": false, "error": "token_revoked"}', "refused"),
        (400, b'{"error": "token_revoked"}', "refused"),
        (503, b"token_revoked", "refused"),
        (200, b'{"ok": true, "note": "token_revoked"}', "succeeded"),
        (400, b"x" * 5_000 + b"token_revoked", "failed"),
        (400, b'{"error": "other"}', "failed"),
        (500, b'{"error": "other"}', "retry"),
        (401, b"", "failed"),
    ],
)
def test_words_that_refuse_a_credential_whatever_the_status(status: int, body: bytes, kind: str) -> None:
    reply = Reply(ok="ok", refusing=("token_revoked",), retry=("revoked",), permanent=("token",))
    headers = {"content-type": "application/json"}

    verdict = response_rules.judge(Action("a", "A", reply=reply), Answer(status, headers, body, False, seconds=0.1))

    assert verdict.kind == kind
