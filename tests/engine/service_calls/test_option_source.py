"""Tests lists of choices from a real local server: pages, search, limits, the cache, and services that misbehave."""

from __future__ import annotations

import functools
import json
import threading
from typing import Any

import pytest
from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.connectors import registry
from relay.connectors.definition import Action, Call, Connector, Field, OptionSource, Paging
from relay.engine.service_calls import option_source
from relay.engine.service_calls.option_source import Options
from relay.errors import Busy, CallFailed
from relay.models import Connection, Workspace
from tests.support.service_double import (
    BOARD,
    SECRET,
    TRELLO,
    ServiceDouble,
    acme,
    answer,
    connect,
    in_place_of,
    things,
)

NO_INPUTS = Action("use", "Use")
LINK = "https://api.acme.example/things?after="


@functools.cache
def service_with(source: OptionSource) -> tuple[Connector, OptionSource]:
    """Acme with one source, completed as a connector completes it; the same objects for each call."""
    connector = acme(source)
    return connector, connector.sources[0]


def find(connection: Connection, source: OptionSource, owner: Action = NO_INPUTS, **more: Any) -> Options:
    connector, found = service_with(source)
    more.setdefault("inputs", {})
    return option_source.find_options(connector, found, owner, connection, workspace_id=connection.workspace_id, **more)


def rows(first: int, count: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"Thing {number}"} for number in range(first, first + count)]


def values(options: Options) -> list[str]:
    return [option.value for option in options.rows]


def test_a_list_has_values_and_labels(service: ServiceDouble, connection: Connection) -> None:
    service.answers["/things"] = answer([{"id": 7, "name": " One\n thing "}, {"name": "no id"}, "no row", {"id": "x"}])

    options = find(connection, things())

    assert [(option.value, option.label) for option in options.rows] == [("7", "One thing"), ("x", "x")]
    assert options.is_complete
    assert service.requests[0].headers["X-Token"] == SECRET


def cursor_pages(request: Request) -> Response:
    page = int(request.args.get("cursor", 0))
    following = page + 1 if page < 2 else ""
    return answer({"items": rows(page * 10, 10), "meta": {"next": following}})


def test_the_pages_of_a_cursor(service: ServiceDouble, connection: Connection) -> None:
    service.answers["/things"] = cursor_pages

    options = find(connection, things(Paging(cursor="meta.next", parameter="cursor"), rows="items"))

    assert values(options) == [str(number) for number in range(30)]
    assert service.paths == ["/things", "/things?cursor=1", "/things?cursor=2"]


def test_the_pages_of_a_number(service: ServiceDouble, connection: Connection) -> None:
    sizes = iter([3, 3, 3, 2])
    service.answers["/things"] = lambda request: answer(rows(int(request.args["page"]) * 3, next(sizes)))

    options = find(connection, things(Paging(parameter="page", first=1, size=3)))

    assert service.paths == ["/things?page=1", "/things?page=2", "/things?page=3", "/things?page=4"]
    assert len(options.rows) == 3 + 3 + 3 + 2
    assert options.is_complete


@pytest.mark.parametrize("where", ["body", "header", "relative"])
def test_the_pages_of_links(service: ServiceDouble, connection: Connection, where: str) -> None:
    def page(request: Request) -> Response:
        after = int(request.args.get("after", 0))
        address = f"{'/things?after=' if where == 'relative' else LINK}{after + 1}"
        link = f'<https://api.acme.example/things>; rel="first", <{address}>; rel="prev next"' if after < 2 else ""
        following = address if after < 2 else None
        return answer({"items": rows(after, 1), "next": following}, headers={"Link": link} if link else {})

    service.answers["/things"] = page
    paging = Paging(link="header" if where == "header" else "next")

    options = find(connection, things(paging, rows="items"))

    assert values(options) == ["0", "1", "2"]
    assert service.paths == ["/things", "/things?after=1", "/things?after=2"]


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/things?after=1",
        "https://api.acme.example@evil.example/things",
        "https://api.acme.example:8443/things",
        "http://api.acme.example/things",
        "//evil.example/things",
        "https://evil.example/\r\nX-Token: 1",
    ],
)
def test_a_link_to_another_host_gets_no_credential(service: ServiceDouble, connection: Connection, link: str) -> None:
    service.answers["/things"] = answer({"items": rows(0, 1), "next": link})

    with pytest.raises(CallFailed) as refused:
        find(connection, things(Paging(link="next"), rows="items"))

    assert len(service.requests) == 1
    assert SECRET not in str(refused.value)


def test_a_list_that_never_ends_is_cut(service: ServiceDouble, connection: Connection) -> None:
    service.answers["/things"] = lambda request: answer(
        {"items": rows(len(service.paths), 1), "next": f"{LINK}{len(service.paths)}"}
    )

    options = find(connection, things(Paging(link="next"), rows="items"))

    assert len(service.requests) == option_source.MAX_PAGES
    assert not options.is_complete


def test_a_cursor_that_repeats_itself_ends_the_list(service: ServiceDouble, connection: Connection) -> None:
    service.answers["/things"] = answer({"items": rows(0, 1), "next": "same"})

    options = find(connection, things(Paging(cursor="next", parameter="cursor"), rows="items"))

    assert service.paths == ["/things", "/things?cursor=same"]
    assert options.is_complete


@pytest.mark.parametrize("count", [option_source.MAX_OPTIONS, option_source.MAX_OPTIONS + 1])
def test_ten_thousand_rows(service: ServiceDouble, connection: Connection, count: int) -> None:
    service.answers["/things"] = answer(rows(0, count))

    options = find(connection, things())

    assert len(options.rows) == option_source.MAX_OPTIONS
    assert options.rows[-1].label == f"Thing {option_source.MAX_OPTIONS - 1}"


def test_an_answer_that_is_too_large_is_refused(service: ServiceDouble, connection: Connection) -> None:
    service.answers["/things"] = answer([{"id": "x" * 3_000_000}])

    with pytest.raises(CallFailed, match="2,048 KiB"):
        find(connection, things())


def test_the_service_searches(service: ServiceDouble, connection: Connection) -> None:
    service.answers["/things"] = lambda request: answer([{"id": 1, "name": request.args.get("q", "all")}])

    found = [
        find(connection, source, search=search).rows[0].label
        for source in [things(searches=True)]
        for search in ("", "a&b {{ connection.token }}", "x" * 500)
    ]

    assert found == ["all", "a&b {{ connection.token }}", "x" * 200]


def test_a_list_is_searched_here_if_the_service_does_not(service: ServiceDouble, connection: Connection) -> None:
    service.answers["/things"] = answer([{"id": 1, "name": "Straße"}, {"id": 2, "name": "Platz"}, {"id": "strasse-3"}])
    source = things()

    assert values(find(connection, source, search="STRASSE")) == ["1", "strasse-3"]
    assert values(find(connection, source, search="nothing")) == []
    assert len(service.requests) == 1


def test_a_list_is_kept_for_its_connection_only(
    service: ServiceDouble, connection: Connection, workspace: Workspace
) -> None:
    service.answers["/things"] = lambda request: answer(rows(0, len(service.requests)))
    connector, source = service_with(things())
    ask = {"workspace_id": workspace.pk, "inputs": {}}
    other = connect(workspace, name="Other")

    sizes = [
        len(option_source.find_options(connector, source, NO_INPUTS, one, **ask, is_fresh=is_fresh).rows)
        for one, is_fresh in [(connection, False), (connection, False), (other, False), (connection, True)]
    ]
    connection.save()  # as a changed secret does

    assert sizes == [1, 1, 2, 3]
    assert option_source.cached_options(source, connection, {}) is None
    assert option_source.cached_options(source, other, {}) is not None


def test_a_connection_that_is_connected_again_has_no_former_lists(
    service: ServiceDouble, connection: Connection
) -> None:
    service.answers["/things"] = lambda _: answer(rows(0, 1))
    kind = things()
    find(connection, kind)
    _, source = service_with(kind)
    assert option_source.cached_options(source, connection, {}) is not None

    Connection.objects.filter(pk=connection.pk).update(connected_at=timezone.now())  # as an authorization does
    connection.refresh_from_db()

    assert option_source.cached_options(source, connection, {}) is None


def test_the_cache_is_bounded(service: ServiceDouble, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = option_source.BoundedCache[Options](5_000)
    monkeypatch.setattr(option_source, "_cache", cache)
    service.answers["/things"] = lambda request: answer([{"id": request.args["q"]}])
    source = things(searches=True)

    for number in range(20):
        find(connection, source, search=f"s{number}")
    before = len(service.requests)
    for number in (19, 18, 0):
        find(connection, source, search=f"s{number}")

    assert before == 20
    assert len(service.requests) == 21
    assert cache._size <= 5_000


def test_a_list_that_depends_on_an_input(service: ServiceDouble, workspace: Workspace) -> None:
    trello, action = registry.find("trello.create_card")
    connection = connect(workspace, "trello", "Trello", **TRELLO)
    service.answers[f"/1/boards/{BOARD}/lists"] = answer([{"id": "a" * 24, "name": "Doing"}])
    source = trello.source("lists")
    assert source is not None

    def lists(board: Any) -> Options:
        return option_source.find_options(
            trello, source, action, connection, workspace_id=workspace.pk, inputs={"board_id": board, "list_id": "x"}
        )

    assert lists(BOARD).rows[0].label == "Doing"
    assert service.requests[0].args.to_dict() == {**TRELLO, "filter": "open", "fields": "name"}
    for board, reason in [
        ("", "Choose Board first"),
        (None, "Choose Board first"),
        ("{{ event.body.board }}", "Board is a template"),
        ("../../1/members/me", "Board doesn't look right"),
        (["x"], "Board must be text"),
        ({"$": 1}, "Board must be text"),
    ]:
        with pytest.raises(CallFailed, match=reason):
            lists(board)
    assert len(service.requests) == 1


def test_a_value_in_the_path_stays_in_its_part(service: ServiceDouble, connection: Connection) -> None:
    source = OptionSource("parts", Call("parts", "Parts", url="/a/{{ inputs.a | urlencode }}/b"), needs=("a",))
    owner = Action("use", "Use", inputs=(Field("a", "A"),))
    service.answers["/a/x%2F..%3Fy/b"] = service.answers["/a/x/..?y/b"] = answer([{"id": 1}])

    assert values(find(connection, source, owner, inputs={"a": "x/..?y"})) == ["1"]
    with pytest.raises(CallFailed, match="leads to another address"):
        find(connection, source, owner, inputs={"a": ".."})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            answer({"message": f"token {SECRET} is unknown"}, 401),
            "Acme refuses the credential. The answer was 401: token",
        ),
        (answer({"message": "needs things:read"}, 403), "may lack a permission. The answer was 403: needs things:read"),
        (answer({"message": "slow down"}, 429), "takes no more requests right now"),
        (answer("<h1>Oh no</h1>", 503), "has a problem of its own"),
        (answer({"message": "no"}, 400), "did not do what it was asked. The answer was 400: no"),
        (Response("", 302, {"Location": "https://evil.example/"}), "redirects are not followed"),
        (answer("{]"), "has no list of choices"),
        (answer({"items": {}}), "has no list of choices"),
        (answer("null"), "has no list of choices"),
        (answer(""), "has no list of choices"),
        (Response("<list/>", content_type="application/xml"), "has no list of choices"),
        (answer("[" * 5_000), "has no list of choices"),
    ],
)
def test_what_a_service_says_becomes_a_sentence(
    service: ServiceDouble, connection: Connection, given: Response, sentence: str
) -> None:
    service.answers["/things"] = given

    with pytest.raises(CallFailed) as failed:
        find(connection, things())

    assert sentence in str(failed.value)
    assert SECRET not in str(failed.value)


def test_a_list_of_anything(service: ServiceDouble, connection: Connection) -> None:
    service.answers["/things"] = answer(
        json.dumps([1, None, [], "x", {"id": {"a": 1}}, {"id": True}, {"id": "\ud800"}])
    )

    assert values(find(connection, things())) == ['{"a":1}', "true", "�"]


def test_a_secret_in_a_list_is_masked(service: ServiceDouble, connection: Connection) -> None:
    service.answers["/things"] = answer([{"id": f"x-{SECRET}", "name": SECRET}, {"id": 1, "name": "<script>"}])

    options = find(connection, things())

    assert SECRET not in str(options)
    assert options.rows[1].label == "<script>"


def test_an_absent_thing_has_no_choices(service: ServiceDouble, connection: Connection) -> None:
    source = OptionSource("none", Call("none", "None", url="/none", absent=(404,)))

    assert find(connection, source) == Options(())


@pytest.mark.parametrize("setting", [[], ["10.0.0.0/8"]])
def test_a_private_address_is_not_called(
    service: ServiceDouble, connection: Connection, settings: Any, setting: list[str]
) -> None:
    settings.ALLOWED_NETWORKS = setting

    with pytest.raises(CallFailed, match="The request was not sent"):
        find(connection, things())

    assert service.requests == []


def test_a_service_that_is_away(connection: Connection, service: ServiceDouble, settings: Any) -> None:
    settings.CONNECTOR_URLS = {"https://api.acme.example": "http://127.0.0.1:9"}
    settings.OUTBOUND_PORTS = ["9"]

    with pytest.raises(CallFailed, match="Acme could not be reached"):
        find(connection, things())


def test_another_workspaces_connection_is_refused(service: ServiceDouble, connection: Connection, db: None) -> None:
    stranger = Workspace.objects.create(name="Elsewhere")

    with pytest.raises(CallFailed, match="is not a connection to Acme"):
        option_source.find_options(acme(), things(), NO_INPUTS, connection, workspace_id=stranger.pk, inputs={})

    assert service.requests == []


def test_the_calls_of_a_workspace_take_turns(
    service: ServiceDouble, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call of a workspace is under way; a few wait; the others are refused. Another workspace is served."""
    from relay.engine.sandbox.helper_pool import MAX_WAITING
    from relay.engine.service_calls import turns

    begun, goes = threading.Event(), threading.Event()
    results: list[Any] = []

    def slow() -> str:
        begun.set()
        goes.wait(60)
        return "done"

    def ask() -> None:
        try:
            results.append(turns.in_turn(connection.workspace_id, slow))
        except Busy as busy:
            results.append(busy)

    threads = [threading.Thread(target=ask) for _ in range(MAX_WAITING + 3)]
    for thread in threads:
        thread.start()
    assert begun.wait(60)
    while not any(isinstance(result, Busy) for result in results):
        pass
    assert turns.in_turn(connection.workspace_id + 1, lambda: "served") == "served"
    goes.set()
    for thread in threads:
        thread.join(60)

    assert results.count("done") == MAX_WAITING + 1


def test_the_sheets_of_a_spreadsheet(httpserver: HTTPServer, settings: Any, workspace: Workspace) -> None:
    connector, action = registry.find("google_sheets.add_row")
    source = connector.source("sheets")
    assert source is not None
    connection = connect(workspace, connector.key, "Books", access_token=SECRET)

    with in_place_of(httpserver, settings, "https://sheets.googleapis.com") as double:
        titles = [{"properties": {"title": title}} for title in ("Orders", "Form answers")]
        double.answers["/v4/spreadsheets/abc"] = answer({"sheets": titles})
        inputs = {"spreadsheet": "abc"}
        options = option_source.find_options(
            connector, source, action, connection, workspace_id=workspace.pk, inputs=inputs
        )

    assert [(one.value, one.label) for one in options.rows] == [(title, title) for title in ("Orders", "Form answers")]
    assert double.paths == ["/v4/spreadsheets/abc?fields=sheets.properties.title"]
    assert double.requests[0].headers["Authorization"] == f"Bearer {SECRET}"
