"""What can be done to a Trello card: the actions of trello.py beside the one that creates it."""

from dataclasses import replace

from relay.connectors.definition import Action, Call, Field, Output, Reply

ID = "[0-9a-fA-F]{24}"
CARD = Field(
    "card_id",
    "Card",
    required=True,
    pattern=f"{ID}|[0-9A-Za-z]{{8}}",
    example="5abbe4b7ddc1b351ef961417",
    help="The card's id, or the 8 letters and digits after /c/ in its URL.",
)
BOARD = Field(
    "board_id",
    "Board",
    source="boards",
    pattern=f"{ID}|[0-9A-Za-z]{{8}}",
    example="5abbe4b7ddc1b351ef961400",
    help="The board's id, or the 8 letters and digits after /b/ in its URL.",
)
NAME = Field("name", "Name", max_length=16_384, example="Pack order 1001")
DESCRIPTION = Field("desc", "Description", kind="text", max_length=16_384, example="Two boxes", help="Markdown.")
DUE = Field("due", "Due", kind="datetime", example="2026-01-31T12:00:00Z")
POSITION = Field("pos", "Position", pattern=r"top|bottom|[0-9]{1,20}(\.[0-9]{1,20})?", example="top")
CHANGED = (
    Output("id", "Card id", "id", example="5abbe4b7ddc1b351ef961417"),
    Output("url", "Card URL", "url", example="https://trello.com/c/Hx2dAbCd/12-pack-order-1001"),
)
FOUND = {"id": "5abbe4b7ddc1b351ef961417", "name": "Pack order 1001", "due": "2026-01-31T12:00:00.000Z"}
CARDS = "https://developer.atlassian.com/cloud/trello/rest/api-group-cards/"
MAX_ITEMS = 20

CARD_ACTIONS = (
    Action(
        key="update_card",
        label="Change a card",
        help="Empty fields stay as they are.",
        inputs=(
            CARD,
            NAME,
            DESCRIPTION,
            DUE,
            Field("due_complete", "Due date complete", kind="boolean", example=True),
            POSITION,
        ),
        method="PUT",
        url="/cards/{{ inputs.card_id | urlencode }}",
        json={
            "name": "{{ inputs.name }}",
            "desc": "{{ inputs.desc }}",
            "due": "{{ inputs.due }}",
            "dueComplete": "{{ inputs.due_complete }}",
            "pos": "{{ inputs.pos }}",
        },
        outputs=CHANGED,
        proof="spec",
        docs=CARDS + "#api-cards-id-put",
    ),
    Action(
        key="move_card",
        label="Move a card",
        inputs=(
            CARD,
            replace(BOARD, help="Only needed if the list is on another board than the card."),
            Field("list_id", "List", required=True, source="lists", pattern=ID, example="5abbe4b7ddc1b351ef961415"),
            POSITION,
        ),
        method="PUT",
        url="/cards/{{ inputs.card_id | urlencode }}",
        json={"idBoard": "{{ inputs.board_id }}", "idList": "{{ inputs.list_id }}", "pos": "{{ inputs.pos }}"},
        outputs=CHANGED,
        proof="spec",
        docs=CARDS + "#api-cards-id-put",
    ),
    Action(
        key="add_comment",
        label="Comment on a card",
        inputs=(
            CARD,
            Field("text", "Comment", kind="text", required=True, max_length=16_384, example="Sent at noon"),
        ),
        url="/cards/{{ inputs.card_id | urlencode }}/actions/comments",
        json={"text": "{{ inputs.text }}"},
        outputs=(Output("id", "Comment id", "id", example="5abbe4b7ddc1b351ef961499"),),
        repeatable=False,
        proof="spec",
        docs=CARDS + "#api-cards-id-actions-comments-post",
    ),
    Action(
        key="attach_file",
        label="Attach a file to a card",
        help="Trello takes files of up to 10 MB, or 250 MB on paid plans.",
        inputs=(
            CARD,
            Field(
                "file",
                "File",
                kind="file",
                required=True,
                max_items=1,
                help="A file of the event, or of an earlier step.",
            ),
            Field("name", "Name", max_length=256, example="Label of order 1001", help="Replaces the file's name."),
            Field("set_cover", "Use it as the card's cover", kind="boolean", example=False, help="For an image."),
        ),
        url="/cards/{{ inputs.card_id | urlencode }}/attachments",
        body={
            "multipart": {
                "name": "{{ inputs.name }}",
                "setCover": "{{ inputs.set_cover }}",
                "file": "{{ inputs.file }}",
            }
        },
        outputs=(
            Output("id", "Attachment id", "id", example="5abbe4b7ddc1b351ef961480"),
            Output("url", "URL", "url", example="https://trello.com/1/cards/5abb/attachments/5abb/download/scan.pdf"),
        ),
        repeatable=False,
        docs=CARDS + "#api-cards-id-attachments-post",
    ),
    Action(
        key="add_checklist",
        label="Add a checklist to a card",
        help="Creates the checklist, then its items, one after the other.",
        inputs=(
            CARD,
            Field("name", "Name", max_length=16_384, default="Checklist", example="Pack"),
            Field(
                "items",
                "Items",
                kind="list",
                required=True,
                max_items=MAX_ITEMS,
                example=["Weigh the parcel", "Print the label"],
            ),
        ),
        before=(
            Call(
                "checklist",
                "Create the checklist",
                method="POST",
                url="/cards/{{ inputs.card_id | urlencode }}/checklists",
                json={"name": "{{ inputs.name }}"},
                repeatable=False,
                example={"id": "5abbe4b7ddc1b351ef961440"},
            ),
            # The last item is the action's own request.
            *(
                Call(
                    f"item_{number + 1}",
                    f"Add item {number + 1}",
                    method="POST",
                    url="/checklists/{{ calls.checklist.body.id | urlencode }}/checkItems",
                    json={"name": f"{{{{ inputs.items[{number}] }}}}"},
                    when=f"{{{{ inputs.items | length > {number + 1} }}}}",
                    repeatable=False,
                )
                for number in range(MAX_ITEMS - 1)
            ),
        ),
        url="/checklists/{{ calls.checklist.body.id | urlencode }}/checkItems",
        json={"name": "{{ inputs.items | last }}"},
        outputs=(Output("id", "Checklist id", "id", call="checklist", example="5abbe4b7ddc1b351ef961440"),),
        repeatable=False,
        docs=CARDS + "#api-cards-id-checklists-post",
    ),
    Action(
        key="add_label",
        label="Add a label to a card",
        inputs=(
            CARD,
            replace(BOARD, help="Only needed to choose a label. It is not sent."),
            Field("label_id", "Label", required=True, source="labels", pattern=ID, example="5abbe4b7ddc1b351ef961420"),
        ),
        url="/cards/{{ inputs.card_id | urlencode }}/idLabels",
        json={"value": "{{ inputs.label_id }}"},
        reply=Reply(refused=(401,), done=("label is already on the card",)),
        docs=CARDS + "#api-cards-id-idlabels-post",
    ),
    Action(
        key="add_member",
        label="Add a member to a card",
        inputs=(
            CARD,
            replace(BOARD, help="Only needed to choose a member. It is not sent."),
            Field(
                "member_id",
                "Member",
                required=True,
                source="members",
                pattern=ID,
                example="5abbe4b7ddc1b351ef961430",
            ),
        ),
        url="/cards/{{ inputs.card_id | urlencode }}/idMembers",
        json={"value": "{{ inputs.member_id }}"},
        reply=Reply(refused=(401,), done=("member is already on the card",)),
        docs=CARDS + "#api-cards-id-idmembers-post",
    ),
    Action(
        key="archive_card",
        label="Archive a card",
        inputs=(CARD,),
        method="PUT",
        url="/cards/{{ inputs.card_id | urlencode }}",
        json={"closed": True},
        outputs=CHANGED,
        proof="spec",
        docs=CARDS + "#api-cards-id-put",
    ),
    Action(
        key="find_card",
        label="Find a card",
        help="Searches open and archived cards. A new card is found only after some seconds.",
        inputs=(
            Field(
                "text",
                "Words",
                required=True,
                max_length=1000,
                example="order 1001",
                help="You can use Trello's search operators, such as name:1001, list:Packed and is:open.",
            ),
            BOARD,
        ),
        method="GET",
        url="/search",
        query={
            "query": "{{ inputs.text }}",
            "idBoards": "{{ inputs.board_id }}",
            "modelTypes": "cards",
            "card_fields": "name,desc,due,dueComplete,closed,idBoard,idList,url",
            "cards_limit": "10",
        },
        outputs=(
            Output("id", "Id of the first", "cards.0.id", example="5abbe4b7ddc1b351ef961417"),
            Output("url", "URL of the first", "cards.0.url", example="https://trello.com/c/Hx2dAbCd/12-order"),
            Output("cards", "Cards", "cards", example=[FOUND]),
        ),
        docs="https://developer.atlassian.com/cloud/trello/rest/api-group-search/#api-search-get",
    ),
    Action(
        key="list_due_cards",
        label="Find cards that are due soon",
        help="Lists the open cards of a board that are due within the given number of hours and not marked as done.",
        inputs=(
            replace(BOARD, required=True),
            Field("hours", "Hours", kind="integer", default=24, minimum=1, maximum=8760, example=24),
            Field("overdue", "Include overdue cards", kind="boolean", default=False, example=False),
        ),
        method="GET",
        url="/boards/{{ inputs.board_id | urlencode }}/cards/open",
        query={"fields": "name,desc,due,dueComplete,idList,idMembers,url"},
        outputs=(
            Output(
                "cards",
                "Cards",
                value="{{ body | where('due') | rejectattr('dueComplete')"
                " | selectattr('due', 'ge', '' if inputs.overdue else now())"
                " | selectattr('due', 'le', now() | date_add(inputs.hours, 'hours')) | sort('due') }}",
                example=[FOUND],
            ),
        ),
        docs="https://developer.atlassian.com/cloud/trello/rest/api-group-boards/#api-boards-id-cards-filter-get",
    ),
)
