"""The actions of HubSpot beside that for contacts by e-mail address: companies, deals, tickets, notes, associations."""

from relay.connectors.definition import Action, Field, Output

DOCS = "https://github.com/HubSpot/HubSpot-public-api-spec-collection"
RECORD = ("contacts", "companies", "deals", "tickets")
ID = r"[0-9]{1,20}"
PROPERTIES = Field(
    "properties",
    "More fields",
    kind="json",
    help="Values by the internal names of HubSpot's properties, which its settings show.",
    example={"city": "Berlin"},
)
PIPELINE = Field(
    "pipeline", "Pipeline", default="default", max_length=200, source="deal_pipelines", help="The id of the pipeline."
)
CONTACT = Field(
    "contact_id", "Contact", pattern=ID, example="101", help="The id of the contact that the record belongs to."
)
COMPANY = Field(
    "company_id", "Company", pattern=ID, example="501", help="The id of the company that the record belongs to."
)
# A record to which a new one belongs: HubSpot has a number for each pair of kinds of records, in one direction. See
# https://developers.hubspot.com/docs/api-reference/latest/crm/associations/overview for associations without a label.
BELONGS = (
    "([{'to': {'id': inputs.%s}, 'types': [{'associationCategory': 'HUBSPOT_DEFINED', 'associationTypeId': %d}]}]"
    " if inputs.%s is defined else [])"
)
OF_DEAL = (BELONGS % ("contact_id", 3, "contact_id"), BELONGS % ("company_id", 341, "company_id"))

UPDATE_CONTACT = Action(
    key="update_contact",
    label="Change a contact",
    help="Empty fields stay as they are. Fails if the contact doesn't exist.",
    inputs=(
        Field(
            "contact_id",
            "Contact",
            required=True,
            max_length=320,
            example="101",
            help="The id of the contact, or its e-mail address.",
        ),
        Field("first_name", "First name", max_length=500, example="Ada"),
        Field("last_name", "Last name", max_length=500, example="Lovelace"),
        Field("phone", "Phone", max_length=100, example="+4930901820"),
        Field("company", "Company", max_length=500, example="Engines Ltd"),
        PROPERTIES,
    ),
    method="PATCH",
    url="/crm/v3/objects/contacts/{{ inputs.contact_id | urlencode }}",
    query={"idProperty": "{{ 'email' if '@' in inputs.contact_id else none }}"},
    json={
        "properties": "{{ {'firstname': inputs.first_name | default(''), 'lastname': inputs.last_name | default('')"
        ", 'phone': inputs.phone | default(''), 'company': inputs.company | default('')}"
        " | merge(inputs.properties | default({})) | compact }}"
    },
    outputs=(Output("id", "Contact id", "id", example="101"),),
    proof="spec",
    docs=DOCS,
)
FIND_CONTACT = Action(
    key="find_contact",
    label="Find a contact by e-mail address",
    help="If there is none, the number of contacts is 0 and the other outputs are missing.",
    inputs=(Field("email", "E-mail", kind="email", required=True, max_length=320, example="ada@example.com"),),
    url="/crm/v3/objects/contacts/search",
    json={
        "filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": "{{ inputs.email }}"}]}],
        "properties": ["email", "firstname", "lastname", "phone", "company", "lifecyclestage"],
        "limit": 1,
    },
    outputs=(
        Output("total", "Number of contacts", "total", example=1),
        Output("id", "Contact id", "results.0.id", example="101"),
        Output("email", "E-mail", "results.0.properties.email", example="ada@example.com"),
        Output("first_name", "First name", "results.0.properties.firstname", example="Ada"),
        Output("last_name", "Last name", "results.0.properties.lastname", example="Lovelace"),
        Output("stage", "Lifecycle stage", "results.0.properties.lifecyclestage", example="lead"),
    ),
    docs=DOCS,
)
CREATE_COMPANY = Action(
    key="create_company",
    label="Create a company",
    inputs=(
        Field("name", "Name", required=True, max_length=500, example="Engines Ltd"),
        Field("domain", "Domain", max_length=500, example="engines.example"),
        Field("phone", "Phone", max_length=100, example="+4930901820"),
        PROPERTIES,
        Field("contact_id", "Contact", pattern=ID, example="101", help="The id of a contact who works there."),
    ),
    url="/crm/v3/objects/companies",
    json={
        "properties": "{{ {'name': inputs.name, 'domain': inputs.domain | default('')"
        ", 'phone': inputs.phone | default('')} | merge(inputs.properties | default({})) | compact }}",
        "associations": "{{ " + BELONGS % ("contact_id", 280, "contact_id") + " }}",
    },
    outputs=(Output("id", "Company id", "id", example="501"),),
    repeatable=False,
    docs=DOCS,
)
CREATE_DEAL = Action(
    key="create_deal",
    label="Create a deal",
    inputs=(
        Field("name", "Name", required=True, max_length=500, example="Order 1001"),
        PIPELINE,
        Field(
            "stage",
            "Stage",
            required=True,
            max_length=200,
            example="appointmentscheduled",
            source="deal_stages",
            help="The id of the stage.",
        ),
        Field("amount", "Amount", kind="number", example=149.9),
        Field("close_date", "Close date", kind="datetime", example="2026-01-31T12:00:00Z"),
        CONTACT,
        COMPANY,
        Field("properties", "More fields", kind="json", example={"dealtype": "newbusiness"}),
    ),
    url="/crm/v3/objects/0-3",
    json={
        "properties": "{{ {'dealname': inputs.name, 'pipeline': inputs.pipeline, 'dealstage': inputs.stage"
        ", 'amount': inputs.amount | default('') | string, 'closedate': inputs.close_date | default('')}"
        " | merge(inputs.properties | default({})) | compact }}",
        "associations": "{{ " + " + ".join(OF_DEAL) + " }}",
    },
    outputs=(Output("id", "Deal id", "id", example="9001"),),
    repeatable=False,
    proof="spec",
    docs=DOCS,
)
MOVE_DEAL = Action(
    key="update_deal_stage",
    label="Move a deal to a stage",
    inputs=(
        Field("deal_id", "Deal", required=True, pattern=ID, example="9001", help="The id of the deal."),
        Field(
            "pipeline",
            "Pipeline",
            default="default",
            max_length=200,
            source="deal_pipelines",
            help="The id of the record.",
        ),
        Field(
            "stage",
            "Stage",
            required=True,
            max_length=200,
            example="closedwon",
            source="deal_stages",
            help="The id of the stage.",
        ),
    ),
    method="PATCH",
    url="/crm/v3/objects/0-3/{{ inputs.deal_id | urlencode }}",
    json={"properties": {"dealstage": "{{ inputs.stage }}", "pipeline": "{{ inputs.pipeline }}"}},
    outputs=(Output("id", "Deal id", "id", example="9001"),),
    docs=DOCS,
)
CREATE_TICKET = Action(
    key="create_ticket",
    label="Create a ticket",
    inputs=(
        Field("subject", "Subject", required=True, max_length=500, example="Parcel 1001 is stuck"),
        Field("content", "Text", kind="text", max_length=65_536, example="It has not moved since Monday."),
        Field(
            "pipeline",
            "Pipeline",
            default="0",
            max_length=200,
            source="ticket_pipelines",
            help="The id of the pipeline; 0 is the support pipeline.",
        ),
        Field(
            "stage", "Stage", default="1", max_length=200, source="ticket_stages", help="The id of the stage; 1 is new."
        ),
        Field("priority", "Priority", kind="choice", options=("LOW", "MEDIUM", "HIGH")),
        CONTACT,
        Field("properties", "More fields", kind="json", example={"hs_ticket_category": "PRODUCT_ISSUE"}),
    ),
    url="/crm/v3/objects/tickets",
    json={
        "properties": "{{ {'subject': inputs.subject, 'content': inputs.content | default('')"
        ", 'hs_pipeline': inputs.pipeline, 'hs_pipeline_stage': inputs.stage"
        ", 'hs_ticket_priority': inputs.priority | default('')}"
        " | merge(inputs.properties | default({})) | compact }}",
        "associations": "{{ " + BELONGS % ("contact_id", 16, "contact_id") + " }}",
    },
    outputs=(Output("id", "Ticket id", "id", example="7001"),),
    repeatable=False,
    docs=DOCS,
)
ADD_NOTE = Action(
    key="add_note",
    label="Add a note to a record",
    inputs=(
        Field("record", "Kind of record", kind="choice", required=True, options=RECORD, example="contacts"),
        Field("record_id", "Record", required=True, pattern=ID, example="101", help="The id of the record."),
        Field(
            "note",
            "Note",
            kind="text",
            required=True,
            max_length=65_536,
            example="Asks for a call.",
            help="May be HTML.",
        ),
        Field(
            "time", "Time", kind="datetime", example="2026-01-31T12:00:00Z", help="The time of the note. If empty, now."
        ),
    ),
    url="/crm/v3/objects/notes",
    json={
        "properties": {"hs_note_body": "{{ inputs.note }}", "hs_timestamp": "{{ inputs.time | default(now()) }}"},
        "associations": "{{ [{'to': {'id': inputs.record_id}, 'types': [{'associationCategory': 'HUBSPOT_DEFINED'"
        ", 'associationTypeId':"
        " {'contacts': 202, 'companies': 190, 'deals': 214, 'tickets': 228}[inputs.record]}]}] }}",
    },
    outputs=(Output("id", "Note id", "id", example="4001"),),
    repeatable=False,
    proof="spec",
    docs=DOCS,
)
ASSOCIATE = Action(
    key="associate",
    label="Associate two records",
    help="Associates them without a label, such as a contact with a company. Repeating it changes nothing.",
    inputs=(
        Field("from", "Kind of the first", kind="choice", required=True, options=RECORD, example="contacts"),
        Field("from_id", "First record", required=True, pattern=ID, example="101", help="The id of the record."),
        Field("to", "Kind of the second", kind="choice", required=True, options=RECORD, example="companies"),
        Field("to_id", "Second record", required=True, pattern=ID, example="501", help="The id of the record."),
    ),
    method="PUT",
    url="/crm/v4/objects/{{ inputs.from | urlencode }}/{{ inputs.from_id | urlencode }}/associations/default"
    "/{{ inputs.to | urlencode }}/{{ inputs.to_id | urlencode }}",
    outputs=(Output("result", "Result", "status", example="COMPLETE"),),
    docs=DOCS,
)

RECORDS = (
    UPDATE_CONTACT,
    FIND_CONTACT,
    CREATE_COMPANY,
    CREATE_DEAL,
    MOVE_DEAL,
    CREATE_TICKET,
    ADD_NOTE,
    ASSOCIATE,
)
