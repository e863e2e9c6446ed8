"""A local HTTP server in place of a service that is called outside of runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.connectors.definition import Call, ConnectionTest, Connector, Field, HeaderAuth, OptionSource, Paging, Reply
from relay.engine import http_client
from relay.engine.service_calls import option_source
from relay.models import Connection, Workspace

SECRET = "acme-9f8e7d6c5b4a3210"
TRELLO = {"key": "0123456789abcdef", "token": "fedcba9876543210"}
TRELLO_ORIGIN = "https://api.trello.com"
BOARD = "5abbe4b7ddc1b351ef961413"

Answers = Callable[[Request], Response]


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    text = body if isinstance(body, str) else json.dumps(body)
    return Response(text, status, headers, content_type="application/json")


class ServiceDouble:
    """Answers paths with what a test sets, and keeps the requests that it received."""

    def __init__(self, server: HTTPServer) -> None:
        self.answers: dict[str, Answers | Response] = {}
        self.requests: list[Request] = []
        self.origin = server.url_for("").rstrip("/")
        server.expect_request(re.compile("/.*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        found = self.answers.get(request.path)
        if found is None:
            return answer({"message": f"nothing at {request.path}"}, 404)
        return found if isinstance(found, Response) else found(request)

    @property
    def paths(self) -> list[str]:
        return [request.full_path.rstrip("?") for request in self.requests]


@contextmanager
def in_place_of(server: HTTPServer, settings: Any, *origins: str) -> Iterator[ServiceDouble]:
    """The server is called in place of these origins."""
    double = ServiceDouble(server)
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.CONNECTOR_URLS = dict.fromkeys(origins, double.origin)
    http_client.list_sender.cache_clear()
    option_source.forget()
    yield double
    http_client.list_sender.cache_clear()
    option_source.forget()


def acme(*sources: OptionSource, test: ConnectionTest | None = None) -> Connector:
    """A connector that the catalog doesn't have."""
    return Connector(
        "acme",
        "Acme",
        connection=(Field("token", "Token", required=True, secret=True),),
        hosts=("api.acme.example",),
        base_url="https://api.acme.example",
        auth=HeaderAuth("X-Token", "{{ connection.token }}"),
        reply=Reply(error="message", refused=(401,)),
        test=test,
        sources=sources,
    )


def things(paging: Paging | None = None, **more: Any) -> OptionSource:
    """A source of things at /things."""
    query = {"q": "{{ search }}"} if more.get("searches") else {}
    return OptionSource("things", Call("things", "Things", url="/things", query=query), paging=paging, **more)


def connect(workspace: Workspace, connector: str = "acme", name: str = "Acme", **values: str) -> Connection:
    """A stored connection of any connector."""
    connection = Connection(workspace=workspace, name=name, connector=connector)
    connection.seal(values or {"token": SECRET})
    connection.save()
    return connection
