"""Rows of Google Sheets by the names of their columns, which are in the first row of the sheet."""

from dataclasses import replace

from relay.connectors.definition import Action, Call, Field, Output

SPREADSHEET = Field(
    "spreadsheet",
    "Spreadsheet id",
    required=True,
    max_length=200,
    pattern=r"[0-9A-Za-z_-]+",
    help="The part of the spreadsheet's address between /d/ and /edit.",
    example="1qpyC0XzvTcKT6EISywvqESX3A0MwQoFDE8p-Bll4hps",
)
MODE = Field(
    "mode",
    "How values are read",
    kind="choice",
    options=("RAW", "USER_ENTERED"),
    default="RAW",
    help="RAW stores values as they are. USER_ENTERED reads them as if they were typed, so that = begins a formula.",
)
SHEET = Field(
    "sheet",
    "Sheet",
    required=True,
    max_length=100,
    source="sheets",
    example="Orders",
    help="Its name. Its first row has the names of the columns, up to column ZZ.",
)
VALUES = Field(
    "values",
    "Values",
    kind="json",
    required=True,
    help="An object of column names, as they are in the first row, and values.",
    example={"Order": "1001", "State": "paid"},
)
COLUMN = Field("column", "Column", required=True, max_length=500, help="Its name in the first row.", example="Order")
VALUE = Field(
    "value",
    "Value",
    required=True,
    max_length=50_000,
    help="As the sheet shows it. The first row that has it counts.",
    example="1001",
)
SEARCHED = Field(
    "limit",
    "Rows to search",
    kind="integer",
    default=10_000,
    minimum=1,
    maximum=50_000,
    help="From the top of the sheet. Fails if the column is longer than the answers that Relay reads.",
)

_DOCS = "https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values"
_URL = "/v4/spreadsheets/{{ inputs.spreadsheet | urlencode }}/values"
_SHEET = """("'" ~ (inputs.sheet | replace("'", "''")) ~ "'!")"""
# The names of the columns up to ZZ. A range that begins outside of the sheet is refused (“exceeds grid limits”), and a
# sheet called DF1 may be taken for a cell: these ranges begin inside of the sheet, with its name in quotes. A range
# without values has no `values`. The spaces around a name don't count.
_NAMES = "(calls.header.body.values | default([[]]) | first | default([]) | first(702) | map('string') | map('trim'))"
_FOUND = f"({_NAMES} | index_of(inputs.column | default('') | trim))"
_ROWS = "(calls.column.body.values | default([[]]) | first | default([]) | skip(1) | index_of(inputs.value | string))"
_SET_ROW = f"{{% set at = {_ROWS} %}}{{% set row = 1 if at is none else at + 2 %}}"
_LETTERS = (
    "{% set letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' %}"
    f"{{% set place = {_FOUND} or 0 %}}"
    "{% set column = (letters[place // 26 - 1] if place > 25 else '') ~ letters[place % 26] %}"
)

_HEADER = Call(
    "header",
    "Read the names of the columns",
    url=f"{_URL}/{{{{ ({_SHEET} ~ '1:1') | urlencode }}}}",
    example={"range": "Orders!A1:Z1", "majorDimension": "ROWS", "values": [["Order", "State"]]},
)
# Skipped for a column that does not exist, which the action refuses.
_SEARCH = f"{_FOUND} is not none"
_COLUMN = Call(
    "column",
    "Read the column",
    url=(
        f"{_URL}/{_LETTERS}"
        f"{{{{ ({_SHEET} ~ column ~ '1:' ~ column ~ (inputs.limit | default(10_000) + 1)) | urlencode }}}}"
    ),
    query={"majorDimension": "COLUMNS"},
    when=f"{{{{ {_SEARCH} }}}}",
    example={"range": "Orders!A1:A10001", "majorDimension": "COLUMNS", "values": [["Order", "1000", "1001"]]},
)

_THIS = "the sheet “{{ inputs.sheet }}”"
# `used`: the names of the columns that the inputs name; `given`: the values by name.
_REASONS = (
    f"{{% set names = {_NAMES} %}}{{% set known = names | named(names) | omit('') %}}"
    "{% set unknown = used | reject('in', known) %}{% set wanted = used | named(used) %}"
    "{% set found = namespace(twice='', nested='') %}"
    "{% for name in names | sort(case_sensitive=true) %}"
    "{% if not loop.first and name == loop.previtem and name in wanted %}{% set found.twice = name %}{% endif %}"
    "{% endfor %}"
    "{% for name, value in given | items %}"
    "{% if value is iterable and value is not string %}{% set found.nested = name %}{% endif %}{% endfor %}"
    # An answer that was cut has no body, and would look like an empty range.
    "{% if calls.header.body_error is defined %}The first row is too long: {{ calls.header.body_error }}"
    f"{{% elif not names | select %}}The first row of {_THIS} has no column names"
    f"{{% elif unknown %}}There is no column “{{{{ unknown | first | truncate(100) }}}}” in {_THIS}; its columns are "
    "{{ names | select | join(', ') | truncate(300) }}"
    f"{{% elif found.twice %}}There is more than one column “{{{{ found.twice }}}}” in {_THIS}"
    "{% elif found.nested %}The value of the column “{{ found.nested }}” is a list or an object"
)
_CUT = (
    "{% elif calls.column.body_error is defined %}The column is too long to be searched, so let the action search "
    "fewer rows: {{ calls.column.body_error }}"
)
_SET_GIVEN = "{% set given = inputs.values if inputs.values is mapping else {} %}"
_NO_VALUES = "{% elif not given %}Values must be an object of column names and values"

_ROW_AT = "(body.valueRanges[1].range | regex_find('![A-Z]*([0-9]+)(?::[A-Z]*[0-9]+)?$') | int)"
_FOUND_NAMES = "(body.valueRanges[0].values | first | map('string') | map('trim'))"

ROW_ACTIONS = (
    Action(
        key="add_row",
        label="Add a row",
        help="Puts each value under the column of its name. Columns that are not named stay empty.",
        inputs=(SPREADSHEET, SHEET, VALUES, MODE),
        before=(_HEADER,),
        refuse=(
            f"{_SET_GIVEN}{{% set used = given | keys %}}{_REASONS}{_NO_VALUES}"
            # A row is added to the table around A1, which would end at an empty column.
            f"{{% elif '' in names %}}Column {{{{ names | index_of('') + 1 }}}} of {_THIS} has no name in the first row"
            "{% endif %}"
        ),
        url=f"{_URL}/{{{{ ({_SHEET} ~ 'A1') | urlencode }}}}:append",
        query={"valueInputOption": "{{ inputs.mode }}", "insertDataOption": "INSERT_ROWS"},
        json={"majorDimension": "ROWS", "values": [f"{{{{ {_NAMES} | map('lookup', inputs.values, none) }}}}"]},
        outputs=(
            Output("range", "Range of the new row", "updates.updatedRange", "Orders!A12:B12"),
            Output("cells", "Cells written", "updates.updatedCells", 2),
        ),
        repeatable=False,
        proof="spec",
        docs=f"{_DOCS}/append",
    ),
    Action(
        key="find_row",
        label="Find a row",
        help="By the value of a column. If no row has it, the action succeeds and row is null.",
        inputs=(SPREADSHEET, SHEET, COLUMN, VALUE, SEARCHED),
        before=(_HEADER, _COLUMN),
        refuse=(f"{{% set given = {{}} %}}{{% set used = [inputs.column | trim] %}}{_REASONS}{_CUT}{{% endif %}}"),
        method="GET",
        url=f"{_URL}:batchGet",
        # If nothing was found, the first row in place of the row.
        query={
            "ranges": [
                f"{{{{ {_SHEET} ~ '1:1' }}}}",
                f"{_SET_ROW}{{{{ {_SHEET} ~ row ~ ':' ~ row }}}}",
            ]
        },
        outputs=(
            Output(
                "row",
                "Row",
                "valueRanges",
                example=3,
                value=f"{{{{ {_ROW_AT} if {_ROW_AT} > 1 else none }}}}",
            ),
            Output(
                "values",
                "Values",
                "valueRanges",
                example={"Order": "1001", "State": "paid"},
                value=(
                    f"{{{{ body.valueRanges[1].values | default([[]]) | first | named({_FOUND_NAMES}, '') | omit('') "
                    f"if {_ROW_AT} > 1 else none }}}}"
                ),
            ),
        ),
        docs=f"{_DOCS}/batchGet",
    ),
    Action(
        key="update_row",
        label="Change a row",
        help="Changes only the named columns, and fails if there is no such row.",
        inputs=(
            SPREADSHEET,
            SHEET,
            Field(
                "by",
                "Find the row by",
                kind="choice",
                options=("column", "number"),
                default="column",
                help="Another step may move rows, so a number should be from a step just before.",
            ),
            replace(COLUMN, when=("by", ("column",))),
            replace(VALUE, when=("by", ("column",))),
            replace(SEARCHED, when=("by", ("column",))),
            Field(
                "row",
                "Row number",
                kind="integer",
                required=True,
                minimum=2,
                maximum=10_000_000,
                example=3,
                help="The first row has the names of the columns.",
                when=("by", ("number",)),
            ),
            replace(VALUES, help=f"{VALUES.help} Empty text empties a cell, and null leaves it as it is."),
            MODE,
        ),
        before=(_HEADER, replace(_COLUMN, when=f"{{{{ inputs.by == 'column' and {_SEARCH} }}}}")),
        refuse=(
            f"{_SET_GIVEN}{{% set is_searched = inputs.by == 'column' %}}"
            "{% set used = (given | keys) + ([inputs.column | trim] if is_searched else []) %}"
            f"{_REASONS}{_NO_VALUES}{_CUT}"
            f"{{% elif is_searched and {_ROWS} is none %}}No row of {_THIS} has this value in the column "
            "“{{ inputs.column | trim }}”{% endif %}"
        ),
        method="PUT",
        url=(
            f"{_URL}/{{% set row = inputs.row if inputs.by == 'number' else {_ROWS} + 2 %}}"
            f"{{{{ ({_SHEET} ~ row ~ ':' ~ row) | urlencode }}}}"
        ),
        query={"valueInputOption": "{{ inputs.mode }}"},
        # A null leaves its cell as it is.
        json={"majorDimension": "ROWS", "values": [f"{{{{ {_NAMES} | map('lookup', inputs.values, none) }}}}"]},
        outputs=(
            Output("range", "Changed row", "updatedRange", "Orders!A3:B3"),
            Output("cells", "Changed cells", "updatedCells", 1),
        ),
        proof="spec",
        docs=f"{_DOCS}/update",
    ),
)
