"""Trello: cards, by API key and token."""

from relay.connectors.catalog._trello_cards import CARD_ACTIONS, CARDS, CHANGED, DESCRIPTION, ID
from relay.connectors.definition import (
    Action,
    Call,
    ConnectionTest,
    Connector,
    Field,
    OptionSource,
    Output,
    Preset,
    QueryAuth,
    Reply,
    Subscription,
    Success,
)
from relay.signatures import Handshake, Scheme, Signature, When

TRELLO = Connector(
    key="trello",
    label="Trello",
    docs="https://developer.atlassian.com/cloud/trello/rest/",
    help="Creates, changes and finds cards on your boards.",
    categories=("tasks",),
    hosts=("api.trello.com",),
    base_url="https://api.trello.com/1",
    auth=QueryAuth({"key": "{{ connection.key }}", "token": "{{ connection.token }}"}),
    reply=Reply(refused=(401,)),
    test=ConnectionTest(
        Call("me", "Test the token", url="/members/me", query={"fields": "fullName,username"}),
        identity="{{ body.fullName or body.username }}",
    ),
    sources=(
        OptionSource(
            "boards",
            Call("boards", "Boards", url="/members/me/boards", query={"filter": "open", "fields": "name"}),
        ),
        OptionSource(
            "lists",
            Call(
                "lists",
                "Lists",
                url="/boards/{{ inputs.board_id | urlencode }}/lists",
                query={"filter": "open", "fields": "name"},
            ),
            needs=("board_id",),
        ),
        OptionSource(
            "labels",
            Call(
                "labels",
                "Labels",
                url="/boards/{{ inputs.board_id | urlencode }}/labels",
                query={"fields": "name,color", "limit": "1000"},
            ),
            label="{{ row.name or row.color }}",
            needs=("board_id",),
        ),
        OptionSource(
            "members",
            Call(
                "members",
                "Members",
                url="/boards/{{ inputs.board_id | urlencode }}/members",
                query={"fields": "fullName,username"},
            ),
            label="{{ row.fullName or row.username }}",
            needs=("board_id",),
        ),
    ),
    connection=(
        Field(
            "key",
            "API key",
            required=True,
            secret=True,
            pattern=r"[0-9A-Za-z]{16,128}",
            help="From the page of your Power-Up, at trello.com/power-ups/admin.",
        ),
        Field(
            "token",
            "Token",
            required=True,
            secret=True,
            pattern=r"[0-9A-Za-z]{16,256}",
            help="Created with the API key.",
        ),
    ),
    presets=(
        Preset(
            key="trello",
            label="Trello",
            body_types=("json",),
            docs="https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/",
            verify=Scheme(
                kind="hmac",
                algorithm="sha1",
                signature=Signature("header:x-trello-webhook", "base64"),
                signed="{body}{url}",
            ),
            secret=(
                Field("secret", "OAuth secret", required=True, secret=True, help="Of the API key, in Power-Up admin."),
            ),
            handshakes=(Handshake(key="trello_probe", when=When(method="HEAD")),),
            dedupe="{{ event.body.action.id }}",
            event="{{ event.body.action.type }}",
            example="updateCard",
            success=Success(200, ""),
            caution="No time is signed: a recorded request can be sent again, recognized by its action's id only.",
            subscription=Subscription(
                subscribe=Call(
                    "subscribe",
                    "Create the webhook",
                    "POST",
                    "/webhooks/",
                    query={"callbackURL": "{{ url }}", "idModel": "{{ inputs.board_id }}", "description": "Relay"},
                    repeatable=False,
                ),
                unsubscribe=Call(
                    "unsubscribe",
                    "Delete the webhook",
                    "DELETE",
                    "/webhooks/{{ subscription.id | urlencode }}",
                    absent=(404,),
                ),
                existing=Call("webhooks", "Webhooks", url="/tokens/{{ connection.token | urlencode }}/webhooks"),
                match="{{ row.callbackURL == url and row.idModel == inputs.board_id }}",
                inputs=(
                    Field(
                        "board_id",
                        "Board",
                        required=True,
                        source="boards",
                        pattern="[0-9a-f]{24}",
                        example="5abbe4b7ddc1b351ef961413",
                        help="Its id: 24 letters and digits.",
                    ),
                ),
                docs="https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/",
                help="Trello signs with the OAuth secret of the API key: add it under Secrets as well.",
            ),
        ),
    ),
    actions=(
        Action(
            key="create_card",
            label="Create a card",
            inputs=(
                Field(
                    "board_id",
                    "Board",
                    pattern=r"[0-9a-zA-Z]{8,24}",
                    example="5abbe4b7ddc1b351ef961413",
                    source="boards",
                    help="Only needed to choose a list, labels and members. It is not sent.",
                ),
                Field(
                    "list_id",
                    "List",
                    source="lists",
                    required=True,
                    pattern=ID,
                    example="5abbe4b7ddc1b351ef961414",
                    help="Choose the board first, then the list. You can also enter the list's id.",
                ),
                Field("name", "Name", required=True, max_length=16_384, example="Pack order 1001"),
                DESCRIPTION,
                Field("pos", "Position", default="bottom", example="top", help="top, bottom or a number."),
                Field(
                    "due", "Due", example="2026-01-31T12:00:00Z", help="A date and time, such as 2026-01-31T12:00:00Z."
                ),
                Field(
                    "label_ids",
                    "Labels",
                    kind="list",
                    source="labels",
                    example=["5abbe4b7ddc1b351ef961420"],
                    help="Choose them, or enter their ids.",
                ),
                Field(
                    "member_ids",
                    "Members",
                    kind="list",
                    source="members",
                    example=["5abbe4b7ddc1b351ef961430"],
                    help="Choose them, or enter their ids.",
                ),
                Field("url_source", "Attached URL", kind="url", example="https://example.com/orders/1001"),
            ),
            url="/cards",
            # Trello also accepts a card's fields as JSON, which keeps a long description out of the URL.
            json={
                "idList": "{{ inputs.list_id }}",
                "name": "{{ inputs.name }}",
                "desc": "{{ inputs.desc }}",
                "pos": "{{ inputs.pos }}",
                "due": "{{ inputs.due }}",
                "idLabels": "{{ inputs.label_ids }}",
                "idMembers": "{{ inputs.member_ids }}",
                "urlSource": "{{ inputs.url_source }}",
            },
            outputs=(*CHANGED, Output("short_url", "Short URL", "shortUrl", example="https://trello.com/c/Hx2dAbCd")),
            proof="spec",
            docs=CARDS + "#api-cards-post",
        ),
        *CARD_ACTIONS,
    ),
)
