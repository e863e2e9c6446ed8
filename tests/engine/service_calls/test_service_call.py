"""Tests one call outside of a run: its names, its secrets, and the actions and calls that share its code."""

from __future__ import annotations

import base64
import socket
from typing import Any

import pytest

from relay.connectors import calls, masked_request
from relay.connectors.definition import BasicAuth, Call, Connector, Field
from relay.connectors.request_builder import RelayHeaders
from relay.engine import http_client
from relay.engine.service_calls import service_call
from relay.engine.walk import action_request
from relay.engine.walk.action_inputs import Inputs
from relay.errors import CallFailed
from relay.masking import MASK
from relay.models import Connection, Workspace
from tests.support.service_double import SECRET, ServiceDouble, acme, answer

NO_INPUTS = Inputs({}, {})


def test_the_names_of_a_call_reach_every_part_of_it(
    service: ServiceDouble, connection: Connection, workspace: Workspace
) -> None:
    call = Call(
        "hook",
        "Hook",
        method="POST",
        url="/hooks/{{ calls.one.body.id }}",
        query={"q": "{{ search }}"},
        json={"url": "{{ url }}", "left": "{{ missing }}"},
    )
    connector = acme()
    service.answers["/hooks/7"] = answer({"id": 1}, 201)

    caller = service_call.caller(connector, workspace.pk, connection)
    names = {"url": "https://relay.example/in/x", "search": "a b", "calls": {"one": {"body": {"id": 7}}}}
    got = caller.call(connector.complete(calls.as_action(call)), names=names)

    sent = service.requests[0]
    assert (got.status, got.body) == (201, {"id": 1})
    assert (sent.method, sent.path, sent.args["q"]) == ("POST", "/hooks/7", "a b")
    assert sent.get_json() == {"url": "https://relay.example/in/x"}
    assert sent.headers["X-Token"] == SECRET
    assert sent.headers["Idempotency-Key"].startswith("relay-")


def test_a_secret_among_the_names_is_masked_where_the_request_is_shown() -> None:
    connector = acme()
    action = connector.complete(
        calls.as_action(Call("a", "A", method="POST", url="/a", json={"secret": "{{ secret }}"}))
    )

    made = action_request.make(
        connector,
        action,
        NO_INPUTS,
        {"token": SECRET},
        key="k",
        onward=RelayHeaders(1),
        names=Inputs({"secret": "hook-secret"}, {"secret": MASK}),
    )

    assert b"hook-secret" in (made.request.body or b"")
    assert "hook-secret" not in made.record()
    assert SECRET not in made.record()
    assert MASK in made.record()


def test_the_secrets_of_a_call_are_neither_in_its_record_nor_in_what_it_returns(
    service: ServiceDouble, connection: Connection, workspace: Workspace
) -> None:
    service.answers["/me"] = answer({"echo": SECRET})
    connector = acme()
    caller = service_call.caller(connector, workspace.pk, connection)

    got = caller.call(connector.complete(calls.as_action(Call("me", "Me", url="/me"))))

    assert got.masked(got.body) == {"echo": MASK}
    assert SECRET not in repr(got) + repr(caller)


def test_user_and_password(service: ServiceDouble, workspace: Workspace) -> None:
    connector = Connector(
        "acme",
        "Acme",
        connection=(Field("user", "User"), Field("token", "Token", secret=True)),
        hosts=("api.acme.example",),
        base_url="https://api.acme.example",
        auth=BasicAuth("{{ connection.user }}", "{{ connection.token }}"),
    )
    action = connector.complete(calls.as_action(Call("me", "Me", url="/me")))
    values = {"user": "ada", "token": SECRET}
    service.answers["/me"] = answer({})

    service_call.Caller(connector, workspace.pk, values).call(action)

    assert base64.b64decode(service.requests[0].headers["Authorization"].split()[1]).decode() == f"ada:{SECRET}"
    shown = masked_request.outline(connector, action, {}, masked_request.shown_connection(connector, values), key="k")
    assert shown.headers["Authorization"] == f"Basic {MASK}"


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (Call("a", "A", url="https://evil.example/"), "The credentials of Acme are not sent to https://evil.example"),
        (Call("a", "A", url="/{{ missing }}"), "can't be made with a value"),
        (Call("a", "A", url="/{{ connection.token }}x/{{ 1 // 0 }}"), "can't be made with a value"),
        (Call("a", "A", url="/a", headers={"X": "a\r\nb"}), "line break"),
        (Call("a", "A", url="/a", method="BREW"), "The method must be one of"),
    ],
)
def test_a_request_that_cannot_be_made(
    service: ServiceDouble, connection: Connection, workspace: Workspace, call: Call, reason: str
) -> None:
    connector = acme()
    caller = service_call.caller(connector, workspace.pk, connection)

    with pytest.raises(CallFailed) as failed:
        caller.call(connector.complete(calls.as_action(call)))

    assert reason in str(failed.value)
    assert SECRET not in str(failed.value)
    assert service.requests == []


def test_a_silent_service_is_given_up(connection: Connection, workspace: Workspace, settings: Any) -> None:
    """After the shortest of the limits."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.HTTP_TIMEOUT = 0.2
        settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
        settings.CONNECTOR_URLS = {"https://api.acme.example": f"http://127.0.0.1:{silent.getsockname()[1]}"}
        http_client.list_sender.cache_clear()
        connector = acme()
        action = connector.complete(calls.as_action(Call("me", "Me", url="/me")))

        with pytest.raises(CallFailed, match="Acme could not be reached"):
            service_call.caller(connector, workspace.pk, connection).call(action)

    http_client.list_sender.cache_clear()
