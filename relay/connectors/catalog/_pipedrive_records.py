"""The actions of Pipedrive."""

from relay.connectors.definition import Action, Field, Output

# The token endpoint says at which address the account has its API; a token that a person enters works at any.
COMPANY = (
    "{{ connection.api_domain | default('https://api.pipedrive.com', true)"
    " | replace('https://', '') | replace('.pipedrive.com', '') }}"
)
ORIGIN = f"https://{COMPANY}.pipedrive.com"
DOCS = "https://developers.pipedrive.com/docs/api/v1"
EMAIL = Field("email", "E-mail", kind="email", max_length=320, example="ada@example.com")
PHONE = Field("phone", "Phone", max_length=100, example="+4930901820")
OWNER = Field("owner_id", "Owner", kind="integer", minimum=1, source="users", example=4, help="The id of the user.")
PERSON = Field("person_id", "Person", kind="integer", minimum=1, example=12, help="The id of the person.")
ORGANIZATION = Field("org_id", "Organization", kind="integer", minimum=1, example=7, help="The id of the organization.")
CUSTOM = Field(
    "custom_fields",
    "Custom fields",
    kind="json",
    example={"d4de1c1518b4531717c676029a45911c340390a6": "web"},
    help="Values by the keys of the fields.",
)
PIPELINE = Field(
    "pipeline_id",
    "Pipeline",
    kind="integer",
    minimum=1,
    source="pipelines",
    example=1,
    help="The id of the pipeline; if empty, that of the stage.",
)
STAGE = Field("stage_id", "Stage", kind="integer", minimum=1, source="stages", example=3, help="The id of the stage.")
OF_PERSON = {
    "emails": "{{ [{'value': inputs.email, 'primary': true, 'label': 'work'}] }}",
    "phones": "{{ [{'value': inputs.phone, 'primary': true, 'label': 'work'}] }}",
    "org_id": "{{ inputs.org_id }}",
    "owner_id": "{{ inputs.owner_id }}",
    "custom_fields": "{{ inputs.custom_fields }}",
}
DEAL = (
    Field("value", "Value", kind="number", minimum=0, example=149.9),
    Field("currency", "Currency", pattern="[A-Z]{3}", example="EUR", help="Three letters."),
    PERSON,
    ORGANIZATION,
    PIPELINE,
    STAGE,
    OWNER,
    Field("status", "Status", kind="choice", options=("open", "won", "lost")),
    Field("expected_close_date", "Expected close date", kind="date", example="2026-01-31"),
    CUSTOM,
)
OF_DEAL = {field.key: f"{{{{ inputs.{field.key} }}}}" for field in DEAL}
PERSON_SAVED = (
    Output("id", "Person id", "data.id", example=12),
    Output("name", "Name", "data.name", example="Ada Lovelace"),
)
DEAL_SAVED = (
    Output("id", "Deal id", "data.id", example=55),
    Output("title", "Title", "data.title", example="Order 1001"),
    Output("deal_status", "Status", "data.status", example="open"),
)

RECORDS = (
    Action(
        key="find_person",
        label="Find a person",
        help="If there is none, the list of persons is empty and the other outputs are missing. A person that was "
        "created a moment ago may not be found yet.",
        inputs=(
            Field(
                "by",
                "Search in",
                kind="choice",
                options=("email", "phone", "name"),
                default="email",
                help="Finds persons with exactly this value.",
            ),
            Field("term", "Value", required=True, max_length=500, example="ada@example.com"),
        ),
        method="GET",
        url="/persons/search",
        query={"term": "{{ inputs.term }}", "fields": "{{ inputs.by }}", "exact_match": "true"},
        outputs=(
            Output("persons", "Persons", "data.items", example=[]),
            Output("id", "Person id", "data.items.0.item.id", example=12),
            Output("name", "Name", "data.items.0.item.name", example="Ada Lovelace"),
        ),
        docs=f"{DOCS}/Persons#searchPersons",
    ),
    Action(
        key="create_person",
        label="Create a person",
        help="Pipedrive accepts several persons with the same e-mail address: find the person first.",
        inputs=(
            Field("name", "Name", required=True, max_length=255, example="Ada Lovelace"),
            EMAIL,
            PHONE,
            ORGANIZATION,
            OWNER,
            CUSTOM,
        ),
        url="/persons",
        json={"name": "{{ inputs.name }}", **OF_PERSON},
        outputs=PERSON_SAVED,
        repeatable=False,
        proof="spec",
        docs=f"{DOCS}/Persons#addPerson",
    ),
    Action(
        key="update_person",
        label="Change a person",
        help="Empty fields stay as they are. An e-mail address or a phone number replaces all that the person has.",
        inputs=(
            Field("person_id", "Person", kind="integer", required=True, minimum=1, example=12, help="The person's id."),
            Field("name", "Name", max_length=255, example="Ada Lovelace"),
            EMAIL,
            PHONE,
            ORGANIZATION,
            OWNER,
            CUSTOM,
        ),
        method="PATCH",
        url="/persons/{{ inputs.person_id | urlencode }}",
        json={"name": "{{ inputs.name }}", **OF_PERSON},
        outputs=PERSON_SAVED,
        docs=f"{DOCS}/Persons#updatePerson",
    ),
    Action(
        key="create_deal",
        label="Create a deal",
        inputs=(Field("title", "Title", required=True, max_length=255, example="Order 1001"), *DEAL),
        url="/deals",
        json={"title": "{{ inputs.title }}", **OF_DEAL},
        outputs=DEAL_SAVED,
        repeatable=False,
        proof="spec",
        docs=f"{DOCS}/Deals#addDeal",
    ),
    Action(
        key="update_deal",
        label="Change a deal",
        help="Empty fields stay as they are. To move a deal, enter its stage.",
        inputs=(
            Field("deal_id", "Deal", kind="integer", required=True, minimum=1, example=55, help="The id of the deal."),
            Field("title", "Title", max_length=255, example="Order 1001"),
            *DEAL,
            Field(
                "lost_reason", "Why it was lost", max_length=255, example="Too expensive", when=("status", ("lost",))
            ),
        ),
        method="PATCH",
        url="/deals/{{ inputs.deal_id | urlencode }}",
        json={"title": "{{ inputs.title }}", **OF_DEAL, "lost_reason": "{{ inputs.lost_reason }}"},
        outputs=DEAL_SAVED,
        docs=f"{DOCS}/Deals#updateDeal",
    ),
    Action(
        key="add_note",
        label="Add a note",
        inputs=(
            Field(
                "record",
                "Kind of record",
                kind="choice",
                required=True,
                options=("deal", "person", "organization"),
                example="deal",
            ),
            Field(
                "record_id",
                "Record",
                kind="integer",
                required=True,
                minimum=1,
                example=55,
                help="The id of the record.",
            ),
            Field("content", "Note", kind="text", required=True, example="Asks for a call.", help="May be HTML."),
        ),
        url=f"{ORIGIN}/v1/notes",
        json="{{ {'content': inputs.content, {'deal': 'deal_id', 'person': 'person_id', 'organization': 'org_id'}"
        "[inputs.record]: inputs.record_id} }}",
        outputs=(Output("id", "Note id", "data.id", example=31),),
        repeatable=False,
        docs=f"{DOCS}/Notes#addNote",
    ),
    Action(
        key="add_activity",
        label="Add an activity",
        help="An activity is a call or a task, for example. Pipedrive reminds its owner of it.",
        inputs=(
            Field("subject", "Subject", required=True, max_length=255, example="Call about order 1001"),
            Field(
                "type", "Type", default="task", max_length=100, help="task, call, meeting, or the key of another type."
            ),
            Field("due_date", "Due date", kind="date", example="2026-01-31"),
            Field("due_time", "Due time", pattern=r"[0-2][0-9]:[0-5][0-9]", example="14:30", help="In UTC, as 14:30."),
            Field("duration", "Duration", pattern=r"[0-9]{2}:[0-5][0-9]", example="00:30", help="Hours and minutes."),
            Field("deal_id", "Deal", kind="integer", minimum=1, example=55, help="The id of the deal."),
            PERSON,
            ORGANIZATION,
            OWNER,
            Field("note", "Note", kind="text", example="About the delivery date", help="May be HTML."),
            Field("done", "Done", kind="boolean", default=False),
        ),
        url="/activities",
        json={
            "subject": "{{ inputs.subject }}",
            "type": "{{ inputs.type }}",
            "due_date": "{{ inputs.due_date }}",
            "due_time": "{{ inputs.due_time }}",
            "duration": "{{ inputs.duration }}",
            "deal_id": "{{ inputs.deal_id }}",
            # The person of an activity is the first of its participants.
            "participants": "{{ [{'person_id': inputs.person_id, 'primary': true}] }}",
            "org_id": "{{ inputs.org_id }}",
            "owner_id": "{{ inputs.owner_id }}",
            "note": "{{ inputs.note }}",
            "done": "{{ inputs.done }}",
        },
        outputs=(Output("id", "Activity id", "data.id", example=88),),
        repeatable=False,
        docs=f"{DOCS}/Activities#addActivity",
    ),
)
