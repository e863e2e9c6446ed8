"""Tests the requests that actions build, and how their answers are judged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.conditions import compile_condition
from relay.connectors import registry, request_builder, response_rules
from relay.connectors.definition import Action, Connector, Field, Output, Reply
from relay.errors import RequestRefused
from relay.outbound import Answer, Request

SLACK = {"webhook_url": "https://hooks.slack.com/services/T/B/x"}
TRELLO = {"key": "0" * 32, "token": "f" * 64}


def http(**inputs: Any) -> Request:
    connector, action = registry.find("http.request")
    return request_builder.build(connector, action, {"url": "https://example.com/a", **inputs}, None, key="run-1")


def answered(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, names, body, truncated=False, seconds=0.1)


def slack(**inputs: Any) -> Request:
    connector, action = registry.find("slack.post_message")
    return request_builder.build(connector, action, inputs, SLACK, key="run-1")


def test_a_slack_message() -> None:
    request = slack(text='Say "é" & go', thread_ts="")

    assert request == Request(
        "POST",
        SLACK["webhook_url"],
        {"Idempotency-Key": "run-1", "Content-Type": "application/json", "Relay-Hops": "1"},
        '{"text":"Say \\"é\\" & go"}'.encode(),
        only=("https://hooks.slack.com", "https://hooks.slack-gov.com"),
    )


def test_a_trello_card_leaves_out_what_is_empty() -> None:
    connector, action = registry.find("trello.create_card")
    inputs = {"list_id": "5abbe4b7ddc1b351ef961414", "name": "Pack", "desc": None, "label_ids": "a, b"}

    request = request_builder.build(connector, action, inputs, TRELLO, key="k")

    assert request.url == f"https://api.trello.com/1/cards?key={TRELLO['key']}&token={TRELLO['token']}"
    assert request.body == (b'{"idList":"5abbe4b7ddc1b351ef961414","name":"Pack","pos":"bottom","idLabels":["a","b"]}')


MAIL = {
    "from": "shop@example.com",
    "to": "ada@example.com",
    "subject": "Paid\r\nBcc: all@example.com",
    "text": "Thanks",
}


@pytest.mark.parametrize(
    ("name", "connection", "inputs", "url", "header", "body"),
    [
        (
            "postmark.send_mail",
            {"token": "aaaa-bbbb-cccc"},
            MAIL,
            "https://api.postmarkapp.com/email",
            ("X-Postmark-Server-Token", "aaaa-bbbb-cccc"),
            (
                '{"From":"shop@example.com","To":"ada@example.com","Subject":"Paid Bcc: all@example.com",'
                '"TextBody":"Thanks","MessageStream":"outbound","Metadata":{"relay":"run-1"}}'
            ),
        ),
        (
            "hubspot.upsert_contact",
            {"token": "pat-eu1-0a1b2c3d"},
            {"email": "ada@example.com", "first_name": "Ada", "phone": "", "properties": {"city": "London", "zip": ""}},
            "https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert",
            ("Authorization", "Bearer pat-eu1-0a1b2c3d"),
            (
                '{"inputs":[{"idProperty":"email","id":"ada@example.com","properties":'
                '{"email":"ada@example.com","firstname":"Ada","city":"London"}}]}'
            ),
        ),
        (
            "google_sheets.append_row",
            {"access_token": "ya29.token"},
            {"spreadsheet": "1a-B", "range": "My orders/2!A1", "values": ["1001", 7, "=1+1"]},
            (
                "https://sheets.googleapis.com/v4/spreadsheets/1a-B/values/My%20orders%2F2%21A1:append"
                "?valueInputOption=RAW&insertDataOption=INSERT_ROWS"
            ),
            ("Authorization", "Bearer ya29.token"),
            '{"majorDimension":"ROWS","values":[["1001",7,"=1+1"]]}',
        ),
        (
            "zendesk.create_ticket",
            {"subdomain": "acme", "email": "a@example.com", "token": "f" * 16},
            {"subject": "Stuck", "body": "Since Monday", "tags": "a, b"},
            "https://acme.zendesk.com/api/v2/tickets",
            ("Authorization", "Basic YUBleGFtcGxlLmNvbS90b2tlbjpmZmZmZmZmZmZmZmZmZmZm"),
            '{"ticket":{"subject":"Stuck","comment":{"body":"Since Monday","public":true},"tags":["a","b"]}}',
        ),
        (
            "zendesk.create_ticket",
            {"subdomain": "acme", "email": "a@example.com", "token": "f" * 16},
            {"subject": "Stuck", "body": "x", "requester_email": "b@example.com", "public": False, "group_id": "7"},
            "https://acme.zendesk.com/api/v2/tickets",
            ("Authorization", "Basic YUBleGFtcGxlLmNvbS90b2tlbjpmZmZmZmZmZmZmZmZmZmZm"),
            (
                '{"ticket":{"subject":"Stuck","comment":{"body":"x","public":false},'
                '"requester":{"email":"b@example.com","name":"b@example.com"},"group_id":7}}'
            ),
        ),
        (
            "easypost.create_shipment",
            {"api_key": "EZTK" + "0" * 16},
            {"to_address": {"zip": "10115"}, "from_address": {"zip": "10117"}, "parcel": {"weight": 15.4}},
            "https://api.easypost.com/v2/shipments",
            ("Authorization", "Basic RVpUSzAwMDAwMDAwMDAwMDAwMDA6"),
            '{"shipment":{"to_address":{"zip":"10115"},"from_address":{"zip":"10117"},"parcel":{"weight":15.4}}}',
        ),
        (
            "easypost.buy_label",
            {"api_key": "EZTK" + "0" * 16},
            {"shipment_id": "shp_16", "rate_id": "rate_4d"},
            "https://api.easypost.com/v2/shipments/shp_16/buy",
            ("Authorization", "Basic RVpUSzAwMDAwMDAwMDAwMDAwMDA6"),
            '{"rate":{"id":"rate_4d"}}',
        ),
    ],
)
def test_requests_of_services(
    name: str, connection: dict[str, str], inputs: dict[str, Any], url: str, header: tuple[str, str], body: str
) -> None:
    connector, action = registry.find(name)

    request = request_builder.build(connector, action, inputs, connection, key="run-1")

    assert (request.method, request.url, (request.body or b"").decode()) == ("POST", url, body)
    assert request.headers[header[0]] == header[1]
    # What spends money or can't be taken back is never sent again by itself.
    assert action.repeatable is (name not in {"postmark.send_mail", "easypost.buy_label", "google_sheets.append_row"})


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ({"zip": "10115", "country": "DE"}, {"zip": "10115", "country": "DE"}),
        ('{"zip": "10115", "name": ""}', {"zip": "10115"}),
        ({"zip": 10115, "verify": ["delivery"], "residential": "true"}, None),
        ({"id": "adr_1", "mode": "test", "created_at": "2026-01-31"}, {"id": "adr_1"}),
    ],
)
def test_an_address_of_easypost_may_be_an_object_or_json(address: Any, sent: dict[str, Any] | None) -> None:
    connector, action = registry.find("easypost.create_shipment")
    inputs = {"to_address": address, "from_address": {"id": "adr_2"}, "parcel": {"weight": "15.4"}}

    request = request_builder.build(connector, action, inputs, {"api_key": "EZTK" + "0" * 16}, key="run-1")

    asked = json.loads(request.body or b"")["shipment"]
    assert asked["to_address"] == (sent or {"zip": "10115", "verify": ["delivery"], "residential": True})
    assert (asked["from_address"], asked["parcel"]) == ({"id": "adr_2"}, {"weight": 15.4})


@pytest.mark.parametrize("shipment", ["shp_1/../../users", "1", "shp_1?x=1"])
def test_an_id_stays_in_its_place_of_a_url(shipment: str) -> None:
    connector, action = registry.find("easypost.buy_label")

    with pytest.raises(RequestRefused, match="Shipment doesn't look right"):
        request_builder.build(
            connector, action, {"shipment_id": shipment, "rate_id": "rate_1"}, {"api_key": "k"}, key="k"
        )


@pytest.mark.parametrize(
    ("inputs", "method", "url", "content_type", "body"),
    [
        ({}, "POST", "https://example.com/a", None, None),
        ({"method": "get"}, "GET", "https://example.com/a", None, None),
        ({"body": {"json": {"é": 1}}}, "POST", "https://example.com/a", "application/json", '{"é":1}'),
        ({"body": {"json": 2**70}}, "POST", "https://example.com/a", "application/json", str(2**70)),
        ({"body": {"json": None}}, "POST", "https://example.com/a", "application/json", "null"),
        (
            {"body": {"form": {"a": [1, "ü"], "b": None, "c": True}}},
            "POST",
            "https://example.com/a",
            "application/x-www-form-urlencoded",
            "a=1&a=%C3%BC&c=true",
        ),
        ({"body": {"text": "hi"}}, "POST", "https://example.com/a", "text/plain; charset=utf-8", "hi"),
        ({"body": {"text": "<a/>", "type": "text/xml"}}, "POST", "https://example.com/a", "text/xml", "<a/>"),
        ({"query": {"a": "b c", "n": None, "l": [1, 2]}}, "POST", "https://example.com/a?a=b+c&l=1&l=2", None, None),
        (
            {"url": "https://example.com/a?x=1#top", "query": {"y": "2"}},
            "POST",
            "https://example.com/a?x=1&y=2",
            None,
            None,
        ),
        (
            {"body": {"json": 1}, "headers": {"content-type": "application/ld+json"}},
            "POST",
            "https://example.com/a",
            "application/ld+json",
            "1",
        ),
    ],
)
def test_plain_http(inputs: dict[str, Any], method: str, url: str, content_type: str | None, body: str | None) -> None:
    request = http(**inputs)

    sent = {name.lower(): value for name, value in request.headers.items()}
    assert (request.method, request.url, sent.get("content-type")) == (method, url, content_type)
    assert request.body == (None if body is None else body.encode())


def test_headers_of_a_flow_replace_ours() -> None:
    request = http(headers={"idempotency-key": "mine", "X-Number": 3, "X-None": None})

    assert request.headers == {"idempotency-key": "mine", "X-Number": "3", "Relay-Hops": "1"}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"url": ""}, "URL is empty"),
        ({"body": "text"}, "Body is not JSON"),
        ({"body": {"json": 1, "text": "x"}}, 'The body is {"json": ...}'),
        ({"body": {"type": "x"}}, 'The body is {"json": ...}'),
        ({"body": {"xml": "x"}}, 'The body is {"json": ...}'),
        ({"body": {"form": [1]}}, "A form is an object"),
        ({"body": {"text": "\ud800"}}, "half of a surrogate pair"),
        ({"headers": ["a"]}, "Headers must be an object"),
        ({"query": 3}, "Query must be an object"),
        ({"method": "TRACE"}, "Method is one of"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_plain_http_that_is_refused(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        http(**inputs)

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        (None, "The connection to Slack has no Incoming webhook URL; enter it under Connections"),
        ({}, "The connection to Slack has no Incoming webhook URL; enter it under Connections"),
        ({"webhook_url": "https://evil.example/x"}, "The credentials of Slack are not sent to https://evil.example"),
        ({"webhook_url": "http://hooks.slack.com/x"}, "The credentials of Slack are not sent to http://hooks.slack"),
        ({"webhook_url": "https://hooks.slack.com.evil.example/x"}, "not sent to https://hooks.slack.com.evil"),
        ({"webhook_url": "https://evil.example\\@hooks.slack.com/x"}, "a space, a backslash or a control character"),
        ({"webhook_url": "https://hooks.slack.com@evil.example/x"}, "a user name or password before the host"),
        ({"webhook_url": "https://evil.example#@hooks.slack.com/x"}, "not sent to https://evil.example"),
    ],
)
def test_secrets_go_only_to_their_hosts(connection: dict[str, str] | None, message: str) -> None:
    connector, action = registry.find("slack.post_message")

    with pytest.raises(RequestRefused) as refused:
        request_builder.build(connector, action, {"text": "x"}, connection, key="k")

    assert message in str(refused.value)


def test_an_input_never_moves_a_request_to_another_host() -> None:
    connector = Connector("c", "C", (), hosts=("api.example.com",))
    action = Action("a", "A", url="https://api.example.com{{ inputs.path }}", inputs=(Field("path", "Path"),))

    with pytest.raises(RequestRefused, match=r"not sent to https://api\.example\.com\.evil\.example"):
        request_builder.build(connector, action, {"path": ".evil.example/x"}, {"token": "t"}, key="k")


@pytest.mark.parametrize(
    ("host", "connection", "only"),
    [
        ("api.example.com", {}, "https://api.example.com"),
        ("{{ connection.shop }}.example.com", {"shop": "ann"}, "https://ann.example.com"),
        ("{{ connection.place }}", {"place": "http://Box.example:8080/base?q"}, "http://box.example:8080"),
        ("{{ connection.place }}", {"place": "box.example"}, "https://box.example"),
    ],
)
def test_a_connection_may_name_the_place_itself(host: str, connection: dict[str, str], only: str) -> None:
    connector = Connector("c", "C", (), hosts=(host,))
    action = Action("a", "A", url="{{ inputs.url }}", inputs=(Field("url", "URL"),))

    request = request_builder.build(connector, action, {"url": f"{only}/x"}, {"token": "t", **connection}, key="k")

    assert request.only == (only,)
    with pytest.raises(RequestRefused, match="not sent to https://evil"):
        request_builder.build(
            connector, action, {"url": "https://evil.example/"}, {"token": "t", **connection}, key="k"
        )


@pytest.mark.parametrize(
    "shop", ["evil.example/", "evil.example#", "evil.example?", "https://evil.example/", "ann@evil.example/", "a b", ""]
)
def test_a_connection_that_fills_in_a_host_never_ends_it(shop: str) -> None:
    host = "{{ connection.shop }}.example.com"
    connector, action = Connector("c", "C", (), hosts=(host,)), Action("a", "A", url=f"https://{host}/")

    with pytest.raises(RequestRefused):
        request_builder.build(connector, action, {}, {"shop": shop}, key="k")


def test_a_connector_without_hosts_sends_nothing_of_a_connection() -> None:
    action = Action("a", "A", url="https://x.example/", headers={"Authorization": "Bearer {{ connection.token }}"})

    with pytest.raises(RequestRefused, match="names no host"):
        request_builder.build(Connector("c", "C", (action,)), action, {}, {"token": "t"}, key="k")


def test_an_inbox_message() -> None:
    _, action = registry.find("inbox.post")

    assert request_builder.inbox_message(action, {"text": "hi"}) == request_builder.InboxRequest("general", "", "hi")
    with pytest.raises(RequestRefused, match="Message is empty"):
        request_builder.inbox_message(action, {"channel": "orders"})


@pytest.mark.parametrize(
    ("reply", "answer", "kind", "message"),
    [
        (Reply(), answered(200), "succeeded", ""),
        (Reply(), answered(204), "succeeded", ""),
        (Reply(), answered(301), "failed", "The answer was 301"),
        (Reply(), answered(400, b"bad  \n request"), "failed", "The answer was 400: bad request"),
        (Reply(), answered(408), "retry", "The answer was 408"),
        (Reply(), answered(425), "retry", "The answer was 425"),
        (Reply(), answered(429, b"slow down"), "retry", "The answer was 429: slow down"),
        (Reply(), answered(500), "retry", "The answer was 500"),
        (Reply(), answered(404, b"x" * 999), "failed", f"The answer was 404: {'x' * 200}"),
        (Reply(body="ok"), answered(200, b"ok\n"), "succeeded", ""),
        (Reply(body="ok"), answered(200, b"no"), "failed", "The answer was 200: no"),
        (Reply(ok="ok"), answered(200, b'{"ok":true}'), "succeeded", ""),
        (Reply(ok="ok"), answered(200, b'{"ok":"true"}'), "failed", 'The answer was 200: {"ok":"true"}'),
        (
            Reply(ok="ok", error="error"),
            answered(200, b'{"ok":false,"error":"gone"}'),
            "failed",
            "The answer was 200: gone",
        ),
        (Reply(says=("code", 0)), answered(200, b'{"code":0}'), "succeeded", ""),
        (
            Reply(says=("code", 0), error="why"),
            answered(200, b'{"code":7,"why":"no"}'),
            "failed",
            "The answer was 200: no",
        ),
        (Reply(says=("code", 0)), answered(200, b"<html>"), "failed", "The answer was 200: <html>"),
        (
            Reply(partly=(207,), error="e.1.why"),
            answered(207, b'{"e":[1,{"why":"x"}]}'),
            "failed",
            "The answer was 207: x",
        ),
        (Reply(partly=(207,), error="e.9"), answered(207, b'{"e":[]}'), "failed", 'The answer was 207: {"e":[]}'),
        (Reply(ok="ok", retry=("busy",)), answered(200, b'{"ok":false,"e":"busy"}'), "retry", "The answer was 200: {"),
        (Reply(permanent=("archived",)), answered(500, b"archived"), "failed", "The answer was 500: archived"),
        (Reply(retry=("rollup",)), answered(400, b"rollup"), "retry", "The answer was 400: rollup"),
        (Reply(done=("already",)), answered(400, b"already there"), "succeeded", ""),
        (Reply(ok="ok", done=("already",)), answered(200, b'{"ok":false,"e":"already"}'), "succeeded", ""),
        (Reply(done=("already",), refused=(409,)), answered(409, b"already there"), "succeeded", ""),
        (Reply(done=("already",)), answered(400, b"no"), "failed", "The answer was 400: no"),
        (Reply(done=("already",)), answered(503, b"already there"), "retry", "The answer was 503: already there"),
    ],
)
def test_answers_by_status_and_reply(reply: Reply, answer: Answer, kind: str, message: str) -> None:
    verdict = response_rules.judge(Action("a", "A", reply=reply), answer)

    assert verdict.kind == kind
    assert verdict.message.startswith(message)
    assert bool(verdict.message) == bool(message)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (answered(404, b'{"status":"done"}'), "succeeded"),
        (answered(200, b'{"status":"error"}'), "failed"),
        (answered(503, b'{"status":"error"}'), "retry"),
    ],
)
def test_a_step_may_say_what_success_is(answer: Answer, kind: str) -> None:
    success = compile_condition({"left": "{{ answer.body.status }}", "op": "equals", "right": "done"}).holds

    assert response_rules.judge(Action("a", "A"), answer, success=success).kind == kind


def test_retry_after_is_passed_on_unchanged() -> None:
    assert response_rules.judge(Action("a", "A"), answered(429, retry_after="30")).retry_after == "30"


def test_outputs_are_the_answer_and_what_the_action_names() -> None:
    named = [Output("id", "Id", "data.0.id"), Output("url", "URL", "data.0.url"), Output("more", "More", "data.1.id")]
    action = Action("a", "A", outputs=tuple(named))

    verdict = response_rules.judge(action, answered(201, b'{"data":[{"id":7}]}', content_type="application/json"))

    assert verdict.outputs == {
        "status": 201,
        "headers": {"content-type": "application/json"},
        "body": {"data": [{"id": 7}]},
        "id": 7,
    }


DUE = Output("due", "Due", value="{{ body.rows | selectattr('hours', 'le', inputs.hours) | list }}")
FINDS_DUE = Action("find", "Find", inputs=(Field("hours", "Hours", kind="integer", default=24),), outputs=(DUE,))


@pytest.mark.parametrize(
    ("body", "inputs", "due"),
    [
        (b'{"rows":[{"hours":3},{"hours":30}]}', {}, [{"hours": 3}]),
        (b'{"rows":[{"hours":3},{"hours":30}]}', {"hours": "40"}, [{"hours": 3}, {"hours": 30}]),
        (b'{"rows":[]}', {}, []),
    ],
)
def test_an_output_may_be_computed(body: bytes, inputs: dict[str, Any], due: Any) -> None:
    answer = answered(200, body, **{"content-type": "application/json"})

    verdict = response_rules.judge(FINDS_DUE, answer, inputs=inputs)

    assert (verdict.kind, verdict.outputs["due"]) == ("succeeded", due)
    assert "due" not in response_rules.outputs_of(FINDS_DUE, answer)


def test_an_output_that_cannot_be_computed_is_a_failure_that_hides_secrets() -> None:
    late = Output("late", "Late", value="{{ body.rows | map('date_add', 1, 'hours') | list }}")
    answer = answered(200, b'{"rows":["hush"]}', **{"content-type": "application/json"})

    verdict = response_rules.judge(
        Action("a", "A", outputs=(late,)), answer, inputs={}, hide=lambda text: text.replace("hush", "***")
    )

    assert verdict.kind == "failed"
    assert verdict.message.startswith("The answer was 200, but it is not as expected: ")
    assert "hush" not in verdict.message
    assert "`date_add` needs a date, but got the text '***'" in verdict.message
    assert verdict.outputs["body"] == {"rows": ["hush"]}


def test_a_failure_computes_nothing() -> None:
    verdict = response_rules.judge(FINDS_DUE, answered(404, b"no"), inputs={})

    assert (verdict.kind, verdict.message) == ("failed", "The answer was 404: no")


def test_a_body_that_is_not_what_it_says_is_text() -> None:
    verdict = response_rules.judge(Action("a", "A"), answered(200, b"<html>", content_type="application/json"))

    assert verdict.outputs["body"] == "<html>"


def test_outputs_of_a_stored_answer() -> None:
    record = {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"a":1}', "truncated": False}

    assert response_rules.outputs_of_record(record)["body"] == {"a": 1}


def test_of_a_secret_url_what_a_service_may_repeat_alone_is_secret_too() -> None:
    path = "/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX"

    secrets = request_builder.secrets_of(registry.connector("slack"), {"webhook_url": f"https://hooks.slack.com{path}"})

    assert secrets == (f"https://hooks.slack.com{path}", path, "X" * 24)
