"""Non-ASCII characters in queries and headers are stored as sent, behind a real server."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.configuration import flow_lifecycle, trigger_secrets
from relay.engine.intake.event_data import EventData, event_context
from relay.models import Event, Workspace
from tests.support.asgi_requests import in_turn

pytestmark = pytest.mark.django_db(transaction=True)

SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}
HEADERS = [
    ("Grüße 😀", "utf-8", "Grüße 😀"),
    ("日本", "utf-8", "日本"),
    ("Crème", "latin-1", "Crème"),
    ("Ã¶", "utf-8", "Ã¶"),
    ("plain", "ascii", "plain"),
]


def served(workspace: Workspace, path: str, **headers: str) -> dict[str, Any]:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "methods": ["GET"]}, "steps": [SAY]}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)

    answers = in_turn((f"/in/{flow.trigger.token}{path}", {"method": "GET", "body": b"", **headers}))

    assert answers[0].status == 202
    return event_context(EventData.from_model(Event.objects.get()))


@pytest.mark.parametrize(("text", "charset", "value"), HEADERS)
def test_headers_are_read_as_utf_8_where_they_are(workspace: Workspace, text: str, charset: str, value: str) -> None:
    event = served(workspace, "", x_title=text.encode(charset).decode("latin-1"))

    assert event["headers"]["x-title"] == value


def test_each_value_of_a_header_is_read_by_itself(workspace: Workspace) -> None:
    both = b"Gr\xfc\xdfe, Gr\xc3\xbc\xc3\x9fe".decode("latin-1")

    assert served(workspace, "", x_title=both)["headers"]["x-title"] == "Grüße, Grüße"


def test_a_query_is_read_as_utf_8(workspace: Workspace) -> None:
    event = served(workspace, "?name=Jörg&e=😀&p=%C3%B6&_charset=x")

    assert event["query"] == {"name": "Jörg", "e": "😀", "p": "ö", "_charset": "x"}


def test_a_query_names_its_charset(workspace: Workspace) -> None:
    assert served(workspace, "?name=J%F6rg&_charset_=windows-1252")["query"]["name"] == "Jörg"


@pytest.mark.parametrize(
    ("query", "value"),
    [("J%F6rg", "Jörg"), ("%C3%B6+%F6", "Ã¶ ö"), ("%C3%B6", "ö"), ("%E2%82%AC", "€"), ("%00%FF", "\0ÿ"), ("a%", "a%")],
)
def test_a_query_that_is_no_utf_8_is_latin_1(workspace: Workspace, query: str, value: str) -> None:
    assert served(workspace, f"?name={query}")["query"] == {"name": value}


def test_a_token_past_ascii_is_compared_with_its_bytes(workspace: Workspace) -> None:
    verify = {"scheme": "header", "header": "X-Token"}
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "verify": verify}, "steps": [SAY]}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)
    trigger_secrets.add(flow, {"secret": "schlüssel-9"})

    token = "schlüssel-9".encode().decode("latin-1")
    answers = in_turn(*((f"/in/{flow.trigger.token}", {"x_token": one}) for one in (token, "schlüssel-9")))

    assert [one.status for one in answers] == [202, 401]
