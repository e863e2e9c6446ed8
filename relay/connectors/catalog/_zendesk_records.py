"""The actions of Zendesk beside the creation of tickets."""

from relay.connectors.definition import Action, Field, Output

DOCS = "https://developer.zendesk.com/api-reference/ticketing"
PRIORITY = Field("priority", "Priority", kind="choice", options=("urgent", "high", "normal", "low"))
TYPE = Field("type", "Type", kind="choice", options=("problem", "incident", "question", "task"))
GROUP = Field("group_id", "Group", kind="number", source="groups", help="The number of the group.", example=360001)
TICKET = Field(
    "ticket_id", "Ticket", kind="integer", required=True, minimum=1, example=35436, help="The number of the ticket."
)
STATUS = Field("ticket_status", "Status", kind="choice", options=("open", "pending", "hold", "solved"))
CHANGED = (
    Output("id", "Ticket number", "ticket.id", example=35436),
    Output("status_now", "Status", "ticket.status", example="solved"),
)

RECORDS = (
    Action(
        key="update_ticket",
        label="Change a ticket",
        help="Empty fields stay as they are. Tags replace those that the ticket has.",
        inputs=(
            TICKET,
            Field("subject", "Subject", max_length=1000, example="Parcel 1001 is stuck"),
            STATUS,
            PRIORITY,
            TYPE,
            GROUP,
            Field("assignee_id", "Assignee", kind="number", example=235323, help="The number of the agent."),
            Field("tags", "Tags", kind="list", example=["shipping"]),
            Field("external_id", "External id", max_length=255, example="order-1001"),
        ),
        method="PUT",
        url="/tickets/{{ inputs.ticket_id | urlencode }}",
        json={
            "ticket": {
                "subject": "{{ inputs.subject | lines | join(' ') }}",
                "status": "{{ inputs.ticket_status }}",
                "priority": "{{ inputs.priority }}",
                "type": "{{ inputs.type }}",
                "group_id": "{{ inputs.group_id }}",
                "assignee_id": "{{ inputs.assignee_id }}",
                "tags": "{{ inputs.tags }}",
                "external_id": "{{ inputs.external_id }}",
            }
        },
        outputs=CHANGED,
        docs=f"{DOCS}/tickets/tickets/#update-ticket",
    ),
    Action(
        key="add_comment",
        label="Add a comment to a ticket",
        inputs=(
            TICKET,
            Field(
                "body",
                "Text",
                kind="text",
                required=True,
                max_length=65_535,
                example="Your parcel is on its way again.",
            ),
            Field(
                "public",
                "Public",
                kind="boolean",
                default=False,
                help="Whether the requester receives the text. Otherwise, only agents see it.",
            ),
            STATUS,
        ),
        method="PUT",
        url="/tickets/{{ inputs.ticket_id | urlencode }}",
        json={
            "ticket": {
                "comment": {"body": "{{ inputs.body }}", "public": "{{ inputs.public }}"},
                "status": "{{ inputs.ticket_status }}",
            }
        },
        outputs=CHANGED,
        repeatable=False,
        docs=f"{DOCS}/tickets/tickets/#update-ticket",
    ),
    Action(
        key="find_tickets",
        label="Find tickets",
        help="Lists at most 100, the newest first. A ticket that was created a moment ago may not be found yet.",
        inputs=(
            Field(
                "query",
                "Search",
                required=True,
                max_length=1000,
                example="requester:ada@example.com status<solved",
                help="Words, or Zendesk's search syntax: requester:..., status<solved, tags:..., external_id:...",
            ),
        ),
        method="GET",
        url="/search",
        query={"query": "type:ticket {{ inputs.query }}", "sort_by": "created_at", "sort_order": "desc"},
        outputs=(
            Output("count", "Number of tickets", "count", example=1),
            Output("tickets", "Tickets", "results", example=[]),
            Output("id", "Number of the newest", "results.0.id", example=35436),
            Output("status_now", "Status of the newest", "results.0.status", example="open"),
        ),
        docs=f"{DOCS}/ticket-management/search/",
    ),
    Action(
        key="save_user",
        label="Create or change a user",
        help="Changes the user with this e-mail address, or creates one. Empty fields stay as they are.",
        inputs=(
            Field("email", "E-mail", kind="email", required=True, max_length=320, example="ada@example.com"),
            Field("name", "Name", required=True, max_length=255, example="Ada Lovelace"),
            Field("phone", "Phone", max_length=100, example="+4930901820"),
            Field("external_id", "External id", max_length=255, example="customer-7"),
            Field("notes", "Notes", kind="text", example="Prefers to be called"),
            Field("tags", "Tags", kind="list", example=["wholesale"]),
        ),
        url="/users/create_or_update",
        json={
            "user": {
                "email": "{{ inputs.email }}",
                "name": "{{ inputs.name }}",
                "phone": "{{ inputs.phone }}",
                "external_id": "{{ inputs.external_id }}",
                "notes": "{{ inputs.notes }}",
                "tags": "{{ inputs.tags }}",
            }
        },
        outputs=(
            Output("id", "User's number", "user.id", example=1500000),
            Output("role", "Role", "user.role", example="end-user"),
        ),
        docs=f"{DOCS}/users/users/#create-or-update-user",
    ),
)
