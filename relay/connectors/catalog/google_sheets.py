"""Google Sheets: rows and cells of spreadsheets."""

from relay.connectors.catalog._google_sheets_rows import MODE, ROW_ACTIONS, SPREADSHEET
from relay.connectors.definition import Action, Call, Connector, Field, OAuth2, OptionSource, Output, Reply, Scope

RANGE = Field(
    "range",
    "Range",
    required=True,
    max_length=500,
    help="The sheet and where its table begins, such as Orders!A1.",
    example="Orders!A1",
)
GOOGLE_SHEETS = Connector(
    key="google_sheets",
    label="Google Sheets",
    docs="https://developers.google.com/workspace/sheets/api/reference/rest",
    help="Adds, finds and changes rows of spreadsheets, by the names of their columns.",
    hosts=("sheets.googleapis.com",),
    base_url="https://sheets.googleapis.com",
    categories=("spreadsheet",),
    auth=OAuth2(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        revoke_url="https://oauth2.googleapis.com/revoke",
        scopes=(
            Scope("https://www.googleapis.com/auth/spreadsheets", "see, change, create and delete your spreadsheets"),
            Scope("openid", "know which account it is connected to"),
            Scope("https://www.googleapis.com/auth/userinfo.email", "see the e-mail address of that account"),
        ),
        client="body",
        # Without these, there is no refresh token, or only at the first consent.
        parameters={"access_type": "offline", "prompt": "consent"},
        lifetime=3600,
        identity="{{ claims.email }}",
        setup=(
            "In the Google Cloud console, choose or create a project, and enable the Google Sheets API in it.",
            "Configure the consent screen. While its status is Testing, each connection ends after 7 days.",
            "Create credentials: an OAuth client ID of the type Web application.",
            "Enter the redirect address above as an authorized redirect URI. It must be https, or http on localhost.",
            "Copy the client ID and the client secret into the fields below.",
        ),
    ),
    reply=Reply(error="error.message", refused=(401,)),
    sources=(
        OptionSource(
            "sheets",
            Call(
                "sheets",
                "List the sheets",
                url="/v4/spreadsheets/{{ inputs.spreadsheet | urlencode }}",
                query={"fields": "sheets.properties.title"},
            ),
            rows="sheets",
            value="{{ row.properties.title }}",
            label="{{ row.properties.title }}",
            needs=("spreadsheet",),
        ),
    ),
    actions=(
        *ROW_ACTIONS,
        Action(
            key="append_row",
            label="Add a row by the order of columns",
            help="Adds a row after the table that begins at the range.",
            inputs=(
                SPREADSHEET,
                RANGE,
                Field(
                    "values",
                    "Values",
                    kind="list",
                    required=True,
                    help="In the order of the columns.",
                    example=["1001", "paid"],
                ),
                MODE,
            ),
            url="/v4/spreadsheets/{{ inputs.spreadsheet | urlencode }}/values/{{ inputs.range | urlencode }}:append",
            query={"valueInputOption": "{{ inputs.mode }}", "insertDataOption": "INSERT_ROWS"},
            json={"majorDimension": "ROWS", "values": ["{{ inputs.values }}"]},
            outputs=(
                Output("range", "Range of the new row", "updates.updatedRange", "Orders!A12:B12"),
                Output("rows", "Rows added", "updates.updatedRows", 1),
            ),
            repeatable=False,
            proof="spec",
            docs="https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/append",
        ),
        Action(
            key="update_cells",
            label="Change cells",
            help="Replaces the values of a range.",
            inputs=(
                SPREADSHEET,
                RANGE,
                Field(
                    "values",
                    "Rows",
                    kind="json",
                    required=True,
                    help="A list of rows, each a list of values.",
                    example=[["1001", "paid"]],
                ),
                MODE,
            ),
            method="PUT",
            url="/v4/spreadsheets/{{ inputs.spreadsheet | urlencode }}/values/{{ inputs.range | urlencode }}",
            query={"valueInputOption": "{{ inputs.mode }}"},
            json={"majorDimension": "ROWS", "values": "{{ inputs.values }}"},
            outputs=(
                Output("range", "Changed range", "updatedRange", "Orders!A1:B1"),
                Output("cells", "Changed cells", "updatedCells", 2),
            ),
            proof="spec",
            docs="https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/update",
        ),
    ),
)
