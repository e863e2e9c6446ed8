"""The actions of Salesforce."""

from relay.connectors.definition import Action, Field, Output

DOCS = "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest"
NAME = r"[A-Za-z][A-Za-z0-9_]{0,79}"
ID = r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?"
OBJECT = Field(
    "object",
    "Object",
    required=True,
    pattern=NAME,
    source="objects",
    example="Contact",
    help="Its API name, such as Account, Lead or Order__c.",
)
FIELDS = Field(
    "fields",
    "Fields",
    kind="json",
    required=True,
    example={"LastName": "Lovelace", "Email": "ada@example.com"},
    help="An object of values by the API names of the fields.",
)
MORE = Field(
    "fields",
    "Other fields",
    kind="json",
    example={"Description": "From the shop"},
    help="An object of values by the API names of the fields.",
)
NO_OBJECT = "{{ 'Fields must be an object of names and values' if inputs.fields | default({}) is not mapping else '' }}"
RECORD_ID = Output("id", "Record id", "id", example="0035g00000A1bCdAAJ")
ACCOUNT = Field("account_id", "Account", pattern=ID, example="0015g00000X1yZaAAJ", help="The id of the account.")

RECORDS = (
    Action(
        key="find_record",
        label="Find a record",
        help="Finds the newest record whose field has the value. If there is none, the number of records is 0.",
        inputs=(
            OBJECT,
            Field(
                "field",
                "Field",
                required=True,
                pattern=rf"{NAME}(?:\.{NAME}){{0,4}}",
                source="fields",
                example="Email",
                help="Its API name. Owner.Email is a field of a record that it refers to.",
            ),
            Field("value", "Value", required=True, max_length=4_000, example="ada@example.com"),
            Field(
                "value_kind",
                "Type of the value",
                kind="choice",
                options=("text", "number"),
                default="text",
                help="text is also for ids, addresses and choices.",
            ),
        ),
        refuse="{% if inputs.value_kind == 'number'"
        r" and not inputs.value | string | regex_matches('^-?[0-9]{1,18}(\\.[0-9]{1,18})?$') %}"
        "Value must be a number such as 1001 or 12.5{% endif %}",
        method="GET",
        url="/query",
        query={
            "q": "SELECT FIELDS(ALL) FROM {{ inputs.object }} WHERE {{ inputs.field }} = "
            "{{ inputs.value if inputs.value_kind == 'number' else inputs.value | string | soql }}"
            " ORDER BY CreatedDate DESC LIMIT 1"
        },
        outputs=(
            Output("total", "Number of records", "totalSize", example=1),
            Output("id", "Record id", "records.0.Id", example="0035g00000A1bCdAAJ"),
            Output("record", "Record", "records.0", example={"Id": "0035g00000A1bCdAAJ", "LastName": "Lovelace"}),
        ),
        docs=f"{DOCS}/resources_query.htm",
    ),
    Action(
        key="query",
        label="Query records",
        help="Up to 2,000 records. Write each value that comes from an event with the filter soql, which escapes it.",
        inputs=(
            Field(
                "soql",
                "Query",
                kind="text",
                required=True,
                max_length=15_000,
                example="SELECT Id, Name FROM Account WHERE Industry = 'Energy' LIMIT 100",
            ),
        ),
        method="GET",
        url="/query",
        query={"q": "{{ inputs.soql }}"},
        outputs=(
            Output("records", "Records", "records", example=[{"Id": "0015g00000X1yZaAAJ", "Name": "Engines Ltd"}]),
            Output("total", "Number of records", "totalSize", example=1),
            Output("id", "Id of the first record", "records.0.Id", example="0015g00000X1yZaAAJ"),
        ),
        docs=f"{DOCS}/resources_query.htm",
    ),
    Action(
        key="create_record",
        label="Create a record",
        inputs=(OBJECT, FIELDS),
        refuse=NO_OBJECT,
        url="/sobjects/{{ inputs.object | urlencode }}",
        json="{{ inputs.fields }}",
        outputs=(RECORD_ID,),
        repeatable=False,
        docs=f"{DOCS}/dome_sobject_create.htm",
    ),
    Action(
        key="save_record",
        label="Create or update a record",
        help="Finds the record by a field that is marked as an external id. Fails if several records have the value.",
        inputs=(
            OBJECT,
            Field(
                "external_field",
                "External id field",
                required=True,
                pattern=NAME,
                source="fields",
                example="Shop_Id__c",
                help="Its API name.",
            ),
            Field("external_value", "External id", required=True, max_length=255, example="1001"),
            FIELDS,
        ),
        refuse=NO_OBJECT,
        method="PATCH",
        url="/sobjects/{{ inputs.object | urlencode }}/{{ inputs.external_field | urlencode }}"
        "/{{ inputs.external_value | string | urlencode }}",
        # Salesforce refuses the external id in the body.
        json="{{ inputs.fields | omit(inputs.external_field) }}",
        outputs=(RECORD_ID, Output("is_new", "Is new", "created", example=True)),
        docs=f"{DOCS}/dome_upsert.htm",
    ),
    Action(
        key="update_record",
        label="Change a record",
        help="Fields that aren't given stay as they are.",
        inputs=(
            OBJECT,
            Field("record_id", "Record", required=True, pattern=ID, example="0035g00000A1bCdAAJ", help="Its id."),
            FIELDS,
        ),
        refuse=NO_OBJECT,
        method="PATCH",
        url="/sobjects/{{ inputs.object | urlencode }}/{{ inputs.record_id | urlencode }}",
        json="{{ inputs.fields | omit('Id') }}",
        docs=f"{DOCS}/dome_update_fields.htm",
    ),
    Action(
        key="create_opportunity",
        label="Create an opportunity",
        inputs=(
            Field("name", "Name", required=True, max_length=120, example="Order 1001"),
            Field("stage", "Stage", required=True, max_length=255, example="Prospecting"),
            Field("close_date", "Close date", kind="date", required=True, example="2026-01-31"),
            Field("amount", "Amount", kind="number", example=149.9),
            ACCOUNT,
            MORE,
        ),
        refuse=NO_OBJECT,
        url="/sobjects/Opportunity",
        json="{{ {'Name': inputs.name, 'StageName': inputs.stage, 'CloseDate': inputs.close_date"
        ", 'Amount': inputs.amount | default(''), 'AccountId': inputs.account_id | default('')}"
        " | merge(inputs.fields | default({})) | compact }}",
        outputs=(RECORD_ID,),
        repeatable=False,
        docs=f"{DOCS}/dome_sobject_create.htm",
    ),
    Action(
        key="create_task",
        label="Create a task",
        inputs=(
            Field("subject", "Subject", required=True, max_length=255, example="Call about order 1001"),
            Field("due_date", "Due date", kind="date", example="2026-01-31"),
            Field("task_status", "Status", default="Not Started", max_length=255),
            Field("priority", "Priority", default="Normal", max_length=255),
            Field("description", "Description", kind="text", max_length=32_000, example="The parcel is lost."),
            Field(
                "who_id", "Person", pattern=ID, example="0035g00000A1bCdAAJ", help="The id of the contact or the lead."
            ),
            Field(
                "what_id",
                "About",
                pattern=ID,
                example="0065g00000O1pQrAAJ",
                help="The id of the opportunity or account.",
            ),
            Field("owner_id", "Assigned to", pattern=ID, example="0055g00000U1vWxAAJ", help="The id of the user."),
            MORE,
        ),
        refuse=NO_OBJECT,
        url="/sobjects/Task",
        json="{{ {'Subject': inputs.subject, 'ActivityDate': inputs.due_date | default('')"
        ", 'Status': inputs.task_status, 'Priority': inputs.priority, 'Description': inputs.description | default('')"
        ", 'WhoId': inputs.who_id | default(''), 'WhatId': inputs.what_id | default('')"
        ", 'OwnerId': inputs.owner_id | default('')} | merge(inputs.fields | default({})) | compact }}",
        outputs=(RECORD_ID,),
        repeatable=False,
        docs=f"{DOCS}/dome_sobject_create.htm",
    ),
)
