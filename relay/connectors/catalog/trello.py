"""Trello: cards, by API key and token."""

from relay.connectors.definition import Action, Connector, Field, Output, Preset, Reply, Success
from relay.signatures import Handshake, Scheme, Signature, When

TRELLO = Connector(
    key="trello",
    label="Trello",
    docs="https://developer.atlassian.com/cloud/trello/rest/",
    help="Makes cards on your boards.",
    hosts=("api.trello.com",),
    connection=(
        Field(
            "key", "API key", required=True, secret=True, pattern=r"[0-9A-Za-z]{16,128}", help="From Power-Up admin."
        ),
        Field("token", "Token", required=True, secret=True, pattern=r"[0-9A-Za-z]{16,256}", help="Made with the key."),
    ),
    presets=(
        Preset(
            key="trello",
            label="Trello",
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
            caution="No time is signed: a recorded request can be sent again, and is known by its action's id alone.",
        ),
    ),
    actions=(
        Action(
            key="create_card",
            label="Create a card",
            inputs=(
                Field(
                    "list_id",
                    "List",
                    required=True,
                    pattern=r"[0-9a-fA-F]{24}",
                    example="5abbe4b7ddc1b351ef961414",
                    help="The id of the list: 24 letters and digits; add .json to a board's URL to find it.",
                ),
                Field("name", "Name", required=True, max_length=16_384, example="Pack order 1001"),
                Field("desc", "Description", kind="text", max_length=16_384, help="Markdown."),
                Field("pos", "Position", default="bottom", help="top, bottom or a number."),
                Field("due", "Due", help="A date and time, as 2026-01-31T12:00:00Z."),
                Field("label_ids", "Labels", kind="list", help="Ids of labels."),
                Field("member_ids", "Members", kind="list", help="Ids of members."),
                Field("url_source", "Attached URL", kind="url"),
            ),
            url="https://api.trello.com/1/cards",
            query={"key": "{{ connection.key }}", "token": "{{ connection.token }}"},
            # Trello takes a card's fields as JSON too, which keeps a long description out of the URL.
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
            reply=Reply(refused=(401,)),
            outputs=(
                Output("id", "Card id", "id"),
                Output("url", "Card URL", "url"),
                Output("short_url", "Short URL", "shortUrl"),
            ),
        ),
    ),
)
