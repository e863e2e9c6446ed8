"""Tests the rows of Google Sheets by column names, against a server that behaves as its values do."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.engine.walk.work_item import Outcome
from relay.outbound import Sender
from tests.support.walking import Held, walk, work_item

ORIGIN = "https://sheets.googleapis.com"
TOKEN = "ya29.SECRETSECRETSECRET"
MAX_CLAIMS = 10
ORDERS = [["Order", "State", "Note"], ["1000", "paid", "gift"], ["1001", "open"], ["1001", "late"]]


def letters(number: int) -> str:
    return (letters((number - 1) // 26) if number > 26 else "") + chr(65 + (number - 1) % 26)


def number(letters_: str) -> int:
    total = 0
    for letter in letters_:
        total = total * 26 + ord(letter) - 64
    return total


class Spreadsheet:
    """A spreadsheet that is read and changed by ranges. A null in a written row leaves its cell as it is."""

    def __init__(self, server: HTTPServer, **sheets: list[list[Any]]) -> None:
        self.sheets = {title.replace("_", " "): [list(row) for row in rows] for title, rows in sheets.items()}
        self.requests: list[tuple[str, str]] = []
        self.modes: list[str] = []
        self.sender = Sender(
            allowed_networks=("127.0.0.0/8",), origins={ORIGIN: server.url_for("").rstrip("/")}, timeout=10.0
        )
        server.expect_request(re.compile("/.*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        path = unquote(request.environ["REQUEST_URI"].partition("?")[0]).removeprefix("/v4/spreadsheets/S1/values")
        self.requests.append((request.method, path))
        try:
            if path == ":batchGet":
                body = {"valueRanges": [self._read(one, "ROWS") for one in request.args.getlist("ranges")]}
            elif request.method == "GET":
                body = self._read(path[1:], request.args.get("majorDimension", "ROWS"))
            else:
                body = self._write(request, path[1:])
        except LookupError as error:
            body = {"error": {"code": 400, "message": f"Unable to parse range: {error}"}}
            return Response(json.dumps(body), 400, content_type="application/json")
        return Response(json.dumps(body), content_type="application/json")

    def _range(self, text: str) -> tuple[str, int, int, int, int]:
        """The title, first and last row, first and last column of a range, from 1."""
        match = re.fullmatch(r"'((?:[^']|'')*)'!([A-Z]*)([0-9]+)(?::([A-Z]*)([0-9]+))?", text)
        if match is None or (title := match[1].replace("''", "'")) not in self.sheets:
            raise LookupError(text)
        first, last = match[2] or "A", (match[4] if match[5] else match[2]) or "ZZ"
        return title, int(match[3]), int(match[5] or match[3]), number(first), number(last)

    def _read(self, text: str, dimension: str) -> dict[str, Any]:
        title, top, bottom, left, right = self._range(text)
        rows = [[shown(cell) for cell in row[left - 1 : right]] for row in self.sheets[title][top - 1 : bottom]]
        if dimension == "COLUMNS":
            width = max(map(len, rows), default=0)
            rows = [[row[place] if place < len(row) else "" for row in rows] for place in range(width)]
        rows = [trimmed(row) for row in rows]
        while rows and not rows[-1]:
            rows.pop()
        bottom = min(bottom, 100_000)
        answer = {"range": f"'{title}'!{letters(left)}{top}:{letters(right)}{bottom}", "majorDimension": dimension}
        return {**answer, "values": rows} if rows else answer

    def _write(self, request: Request, text: str) -> dict[str, Any]:
        body = request.get_json()
        self.modes.append(request.args["valueInputOption"])
        (values,) = body["values"]
        assert not any(isinstance(value, list | dict) for value in values)
        if text.endswith(":append"):
            assert request.method == "POST"
            title = self._range(text.removesuffix(":append"))[0]
            self.sheets[title].append([])
            at = len(self.sheets[title])
        else:
            assert request.method == "PUT"
            title, at, *_ = self._range(text)
        rows = self.sheets[title]
        rows += [[] for _ in range(at - len(rows))]
        row = rows[at - 1]
        row += [""] * (len(values) - len(row))
        for place, value in enumerate(values):
            if value is not None:
                row[place] = value if self.modes[-1] == "RAW" or not str(value).startswith("=") else Formula(value)
        count = sum(value is not None for value in values)
        updated = {"updatedRange": f"'{title}'!A{at}:{letters(len(values))}{at}", "updatedRows": 1}
        return (
            {"updates": {**updated, "updatedCells": count}}
            if request.method == "POST"
            else {
                **updated,
                "updatedCells": count,
            }
        )


class Formula(str):
    """What a cell computes."""

    __slots__ = ()


def shown(cell: Any) -> str:
    return "#computed" if isinstance(cell, Formula) else str(cell).upper() if isinstance(cell, bool) else str(cell)


def trimmed(row: list[str]) -> list[str]:
    while row and row[-1] == "":
        row = row[:-1]
    return row


def carried_out(spreadsheet: Spreadsheet, action: str, body: bytes = b"{}", **inputs: Any) -> Outcome:
    given = {"spreadsheet": "S1", "sheet": next(iter(spreadsheet.sheets)), **inputs}
    step = {"id": "it", "kind": "action", "action": f"google_sheets.{action}", "connection": "C", "inputs": given}
    more: dict[str, Any] = {"connections": {"C": Held({"access_token": TOKEN})}, "body": body}
    for _ in range(MAX_CLAIMS):
        outcome = walk(work_item(step, **more), spreadsheet.sender)  # type: ignore[arg-type]
        if outcome.state in ("succeeded", "failed") or outcome.held_by:
            break
        marked = {"marked_step": outcome.marked_step, "marked_fence": outcome.marked_fence}
        more |= {"trail": outcome.trail, **marked, "fence": outcome.marked_fence or 1}
    assert TOKEN not in repr((outcome.reason, outcome.trail, outcome.attempts))
    return outcome


def outputs(outcome: Outcome) -> dict[str, Any]:
    assert (outcome.state, outcome.reason) == ("succeeded", "")
    return outcome.trail[-1].outputs or {}


def reason(outcome: Outcome) -> str:
    assert outcome.state == "failed"
    return outcome.reason


@pytest.mark.parametrize(
    ("values", "row"),
    [
        ({"Order": "1002", "State": "paid", "Note": "x"}, ["1002", "paid", "x"]),
        ({"Note": "x", "Order": "1002"}, ["1002", "", "x"]),
        ({"State": 7}, ["", 7, ""]),
        ({"Order": None, "State": True}, ["", True, ""]),
        ({"Order": "=1+1", "Note": "+49 30"}, ["=1+1", "", "+49 30"]),
    ],
)
def test_a_row_is_added_by_the_names_of_its_columns(httpserver: HTTPServer, values: Any, row: list[Any]) -> None:
    spreadsheet = Spreadsheet(httpserver, Orders=ORDERS)

    found = outputs(carried_out(spreadsheet, "add_row", values=values))

    assert spreadsheet.sheets["Orders"] == [*ORDERS, row]
    assert not any(isinstance(cell, Formula) for cell in spreadsheet.sheets["Orders"][-1])
    assert (found["range"], spreadsheet.modes) == ("'Orders'!A5:C5", ["RAW"])
    assert spreadsheet.requests == [("GET", "/'Orders'!1:1"), ("POST", "/'Orders'!A1:append")]


def test_a_formula_is_only_one_if_that_is_chosen(httpserver: HTTPServer) -> None:
    spreadsheet = Spreadsheet(httpserver, Orders=ORDERS)

    outputs(carried_out(spreadsheet, "add_row", values={"Order": "=1+1"}, mode="USER_ENTERED"))

    assert isinstance(spreadsheet.sheets["Orders"][-1][0], Formula)


@pytest.mark.parametrize(
    ("rows", "values", "why"),
    [
        (
            ORDERS,
            {"Order": "1", "Sate": "paid"},
            "There is no column “Sate” in the sheet “Orders”; its columns are Order, State, Note",
        ),
        (ORDERS, {"order": "1"}, "There is no column “order” in"),
        (ORDERS, {"": "1"}, "There is no column “” in"),
        ([["A", "B", "A"]], {"A": "1"}, "There is more than one column “A” in the sheet “Orders”"),
        ([], {"Order": "1"}, "The first row of the sheet “Orders” has no column names"),
        ([[], ["x"]], {"Order": "1"}, "The first row of the sheet “Orders” has no column names"),
        ([["A", "", "C"]], {"A": "1"}, "Column 2 of the sheet “Orders” has no name in the first row"),
        (ORDERS, ["1"], "Values must be an object of column names and values"),
        (ORDERS, {"Order": ["1"]}, "The value of the column “Order” is a list or an object"),
        (ORDERS, {"Order": {"a": 1}}, "The value of the column “Order” is a list or an object"),
    ],
)
def test_a_row_that_does_not_fit_is_refused_with_the_reason(
    httpserver: HTTPServer, rows: list[list[str]], values: Any, why: str
) -> None:
    spreadsheet = Spreadsheet(httpserver, Orders=rows)

    outcome = carried_out(spreadsheet, "add_row", values=values)

    assert reason(outcome).startswith(why)
    assert [method for method, _ in spreadsheet.requests] == ["GET"]
    assert spreadsheet.sheets["Orders"] == rows


def test_a_column_that_occurs_twice_does_no_harm_if_it_is_not_named(httpserver: HTTPServer) -> None:
    spreadsheet = Spreadsheet(httpserver, Orders=[["A", "B", "A"]])

    outputs(carried_out(spreadsheet, "add_row", values={"B": "2"}))

    assert spreadsheet.sheets["Orders"][-1] == ["", "2", ""]


@pytest.mark.parametrize("title", ["Form_answers", "Ada's/50%_&_#1", "../x", "ä!A1"])
def test_names_with_spaces_and_signs(httpserver: HTTPServer, title: str) -> None:
    spreadsheet = Spreadsheet(httpserver, **{title: [[" E-mail address ", "What else?"]]})
    values = {"E-mail address": "ada@example.com", "What else?": "{{ event.body.text }}"}
    text = '"}], {{ 7 * 7 }}\n=HYPERLINK("https://evil.example")'

    outputs(carried_out(spreadsheet, "add_row", json.dumps({"text": text}).encode(), values=values))
    found = outputs(carried_out(spreadsheet, "find_row", column="E-mail address", value="ada@example.com"))

    (rows,) = spreadsheet.sheets.values()
    assert rows[1] == ["ada@example.com", text]
    assert (found["row"], found["values"]) == (2, {"E-mail address": "ada@example.com", "What else?": text})


def test_a_sheet_that_does_not_exist_fails_with_the_words_of_the_service(httpserver: HTTPServer) -> None:
    outcome = carried_out(Spreadsheet(httpserver, Orders=ORDERS), "add_row", sheet="Nope", values={"Order": "1"})

    assert "Read the names of the columns: The answer was 400: Unable to parse range: 'Nope'!1:1" in reason(outcome)


@pytest.mark.parametrize(
    ("column", "value", "row", "values"),
    [
        ("Order", "1000", 2, {"Order": "1000", "State": "paid", "Note": "gift"}),
        ("Order", "1001", 3, {"Order": "1001", "State": "open", "Note": ""}),
        (" State ", "late", 4, {"Order": "1001", "State": "late", "Note": ""}),
        ("Order", "100", None, None),
        ("Order", "Order", None, None),
        ("State", "PAID", None, None),
        ("Note", '" or 1=1 }}', None, None),
    ],
)
def test_a_row_is_found_by_the_value_of_a_column(
    httpserver: HTTPServer, column: str, value: str, row: int | None, values: Any
) -> None:
    found = outputs(carried_out(Spreadsheet(httpserver, Orders=ORDERS), "find_row", column=column, value=value))

    assert (found["row"], found["values"]) == (row, values)


@pytest.mark.parametrize("rows", [[["Order"]], [["Order", "State"], ["", "open"]]])
def test_nothing_is_found_where_there_is_nothing(httpserver: HTTPServer, rows: Any) -> None:
    found = outputs(carried_out(Spreadsheet(httpserver, Orders=rows), "find_row", column="Order", value="1"))

    assert (found["row"], found["values"]) == (None, None)


@pytest.mark.parametrize(
    ("rows", "column", "why"),
    [
        (ORDERS, "Sum", "There is no column “Sum” in the sheet “Orders”; its columns are Order, State, Note"),
        ([["A", "B", "A"]], "A", "There is more than one column “A” in the sheet “Orders”"),
        ([], "A", "The first row of the sheet “Orders” has no column names"),
    ],
)
def test_a_search_in_a_column_that_is_none_is_refused(httpserver: HTTPServer, rows: Any, column: str, why: str) -> None:
    spreadsheet = Spreadsheet(httpserver, Orders=rows)

    assert reason(carried_out(spreadsheet, "find_row", column=column, value="1")).startswith(why)
    assert ("GET", ":batchGet") not in spreadsheet.requests


def test_ten_thousand_rows_are_searched_and_no_more(httpserver: HTTPServer) -> None:
    rows = [["Order", "State"], *([str(place), "open"] for place in range(2, 10_003))]
    spreadsheet = Spreadsheet(httpserver, Orders=rows)

    last = outputs(carried_out(spreadsheet, "find_row", column="Order", value="10001"))
    beyond = outputs(carried_out(spreadsheet, "find_row", column="Order", value="10002"))

    assert (last["row"], last["values"]["Order"], beyond["row"]) == (10_001, "10001", None)
    assert ("GET", "/'Orders'!A1:A10001") in spreadsheet.requests


@pytest.mark.parametrize("inputs", [{}, {"values": {"State": "sent"}}])
def test_a_column_that_was_cut_is_not_one_without_the_value(httpserver: HTTPServer, inputs: Any) -> None:
    rows = [["Order", "State"], *([str(place).zfill(200), "open"] for place in range(2, 10_002))]
    spreadsheet = Spreadsheet(httpserver, Orders=rows)

    outcome = carried_out(
        spreadsheet, "update_row" if inputs else "find_row", column="Order", value="10001".zfill(200), **inputs
    )

    assert reason(outcome).startswith("The column is too long to be searched, so let the action search fewer rows: ")
    assert len(spreadsheet.requests) == 2


def test_a_first_row_that_was_cut_is_refused(httpserver: HTTPServer) -> None:
    spreadsheet = Spreadsheet(httpserver, Orders=[["x" * 50_000] * 30])

    assert reason(carried_out(spreadsheet, "add_row", values={"Order": "1"})).startswith("The first row is too long: ")


@pytest.mark.parametrize(("place", "column"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (53, "BA"), (702, "ZZ")])
def test_a_column_is_read_by_its_letters(httpserver: HTTPServer, place: int, column: str) -> None:
    names = [f"c{number_}" for number_ in range(1, place + 1)]
    spreadsheet = Spreadsheet(httpserver, Wide=[names, [""] * (place - 1) + ["x"]])

    found = outputs(carried_out(spreadsheet, "find_row", column=f"c{place}", value="x"))

    assert (found["row"], found["values"][f"c{place}"]) == (2, "x")
    assert spreadsheet.requests[1] == ("GET", f"/'Wide'!{column}1:{column}10001")


@pytest.mark.parametrize(
    ("how", "row"),
    [({"column": "Order", "value": "1001"}, 3), ({"by": "number", "row": 2}, 2), ({"by": "number", "row": "4"}, 4)],
)
def test_only_the_named_columns_of_a_row_are_changed(httpserver: HTTPServer, how: Any, row: int) -> None:
    spreadsheet = Spreadsheet(httpserver, Orders=ORDERS)

    found = outputs(carried_out(spreadsheet, "update_row", values={"State": "=sent", "Note": None}, **how))

    note = [*ORDERS[row - 1], ""][2]
    expected = [*ORDERS[: row - 1], [ORDERS[row - 1][0], "=sent", note], *ORDERS[row:]]
    assert spreadsheet.sheets["Orders"] == expected
    assert (found["cells"], spreadsheet.modes) == (1, ["RAW"])
    assert spreadsheet.requests[-1] == ("PUT", f"/'Orders'!{row}:{row}")


def test_empty_text_empties_a_cell(httpserver: HTTPServer) -> None:
    spreadsheet = Spreadsheet(httpserver, Orders=ORDERS)

    outputs(carried_out(spreadsheet, "update_row", column="Order", value="1000", values={"Note": ""}))

    assert spreadsheet.sheets["Orders"][1] == ["1000", "paid", ""]


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        ({"column": "Order", "value": "9"}, "No row of the sheet “Orders” has this value in the column “Order”"),
        ({"column": "Sum", "value": "9"}, "There is no column “Sum” in the sheet “Orders”"),
        ({"by": "number", "row": 2, "values": {"Sum": 1}}, "There is no column “Sum” in the sheet “Orders”"),
        ({"by": "number", "row": 2, "values": [1]}, "Values must be an object of column names and values"),
        ({"by": "number", "row": 1}, "Row number"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_with_the_reason(httpserver: HTTPServer, inputs: Any, why: str) -> None:
    spreadsheet = Spreadsheet(httpserver, Orders=ORDERS)

    outcome = carried_out(spreadsheet, "update_row", **{"values": {"State": "sent"}, **inputs})

    assert why in reason(outcome)
    assert spreadsheet.sheets["Orders"] == ORDERS


@pytest.mark.parametrize(
    "names", [[None, 7, True, ["x"], {"a": 1}], ["Order"] * 3_000, [f"c{place}" for place in range(18_278)]]
)
@pytest.mark.parametrize(
    ("action", "inputs"),
    [
        ("add_row", {"values": {"Order": "1"}}),
        ("add_row", {"values": {f"c{place}": "1" for place in range(2_000)}}),
        ("find_row", {"column": "Order", "value": "1"}),
        ("update_row", {"column": "Order", "value": "1", "values": {"c1": ["x"]}}),
    ],
)
def test_a_first_row_without_end_or_sense_fails_with_words(
    httpserver: HTTPServer, names: list[Any], action: str, inputs: Any
) -> None:
    header = json.dumps({"range": "Orders!1:1", "values": [names]})
    httpserver.expect_request(re.compile("/.*")).respond_with_data(header, content_type="application/json")
    spreadsheet = Spreadsheet(httpserver, Orders=[])

    outcome = carried_out(spreadsheet, action, **inputs)

    # Thousands of names can take longer than a template may, on a busy machine.
    said = "There is no |There is more |The value of |Column 1 of|the template takes longer than"
    assert re.search(said, reason(outcome))
    assert not re.search("Traceback|object at", outcome.reason)
    assert {request.method for request, _ in httpserver.log} == {"GET"}
