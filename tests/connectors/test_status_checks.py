"""Tests how a service's answer to an inquiry is judged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.connectors import registry, request_builder, status_checks
from tests.connectors.test_catalogue import SECRETS, samples
from tests.support.walking import answer

KEY = "0123456789abc-mail"
LABEL = {"label_url": "https://labels.example/1.png"}
SENT = {"MessageID": "m1", "Metadata": {"relay": KEY}}


@pytest.mark.parametrize(
    ("name", "status", "body", "kind"),
    [
        ("easypost.buy_label", 200, {"id": "shp_1657", "postage_label": LABEL}, "succeeded"),
        ("easypost.buy_label", 200, {"id": "shp_1657", "postage_label": None}, "failed"),
        ("easypost.buy_label", 200, {"id": "shp_1657"}, "failed"),
        ("easypost.buy_label", 200, {"id": "shp_9", "postage_label": LABEL}, "retry"),
        ("easypost.buy_label", 200, {}, "retry"),
        ("easypost.buy_label", 200, "<html>", "retry"),
        ("easypost.buy_label", 404, {"id": "shp_1657"}, "retry"),
        ("easypost.buy_label", 500, {"id": "shp_1657", "postage_label": LABEL}, "retry"),
        ("easypost.buy_label", 302, {"id": "shp_1657"}, "retry"),
        ("postmark.send_mail", 200, {"TotalCount": 1, "Messages": [SENT]}, "succeeded"),
        # Its search lags behind: what it doesn't find may have been sent.
        ("postmark.send_mail", 200, {"TotalCount": 0, "Messages": []}, "retry"),
        ("postmark.send_mail", 200, {"Messages": [{**SENT, "Metadata": {}}]}, "retry"),
        ("postmark.send_mail", 200, {"Messages": [{**SENT, "Metadata": {"relay": "another"}}]}, "retry"),
        ("postmark.send_mail", 401, {"ErrorCode": 10, "Message": "Bad token"}, "retry"),
    ],
)
def test_what_an_answer_says(name: str, status: int, body: Any, kind: str) -> None:
    connector, action = registry.find(name)
    text = body if isinstance(body, str) else json.dumps(body)
    found = answer(status, text.encode(), **{"content-type": "application/json"})

    verdict = status_checks.judge(action, samples(action), SECRETS[connector.key], found, key=KEY)

    assert verdict.kind == kind


@pytest.mark.parametrize(
    ("name", "body", "outputs"),
    [
        (
            "easypost.buy_label",
            {"id": "shp_1657", "tracking_code": "9400", "postage_label": LABEL},
            {"tracking_code": "9400", "label_url": LABEL["label_url"]},
        ),
        ("postmark.send_mail", {"Messages": [SENT]}, {"message_id": "m1", "body": SENT}),
    ],
)
def test_outputs_are_those_of_the_action(name: str, body: Any, outputs: dict[str, Any]) -> None:
    connector, action = registry.find(name)
    found = answer(200, json.dumps(body).encode(), **{"content-type": "application/json"})

    verdict = status_checks.judge(action, samples(action), SECRETS[connector.key], found, key=KEY)

    assert verdict.outputs.items() >= outputs.items()


def test_the_key_finds_the_mail_that_it_was_sent_with() -> None:
    connector, action = registry.find("postmark.send_mail")

    asked = request_builder.build(
        connector, status_checks.inquiry_action(action), samples(action), SECRETS["postmark"], key=KEY
    )

    assert asked.url.startswith("https://api.postmarkapp.com/messages/outbound?")
    assert f"metadata_relay={KEY}" in asked.url
