"""Microsoft Teams: cards by the webhook of a workflow."""

from relay.connectors.definition import Action, Connector, Field, Reply

MESSAGE = {"type": "message"}
CARD = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None}
CONTENT = (
    "{{ {'$schema': 'http://adaptivecards.io/schemas/adaptive-card.json', 'type': 'AdaptiveCard', 'version': '1.4'"
    ", 'msteams': {'width': 'Full'}, 'body':"
    " ([{'type': 'TextBlock', 'text': inputs.title, 'weight': 'bolder', 'size': 'medium', 'wrap': true}]"
    " if inputs.title is defined else [])"
    " + [{'type': 'TextBlock', 'text': inputs.text, 'wrap': true}]"
    " + ([{'type': 'FactSet', 'facts': inputs.facts}] if inputs.facts is defined else [])}"
    " | merge({'actions': [{'type': 'Action.OpenUrl', 'title': inputs.url_label, 'url': inputs.url}]}"
    " if inputs.url is defined else {}) }}"
)

MICROSOFT_TEAMS = Connector(
    key="microsoft_teams",
    label="Microsoft Teams",
    docs="https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using",
    help="Posts to the channel or chat of a Teams workflow. Teams confirms that the workflow has started, not that it "
    "has posted the card.",
    categories=("messaging",),
    hosts=("{{ connection.webhook_url }}",),
    connection=(
        Field(
            "webhook_url",
            "Webhook URL of the workflow",
            kind="url",
            required=True,
            secret=True,
            pattern=r"https://[A-Za-z0-9.-]+\.(logic\.azure\.com|api\.powerplatform\.com)(:443)?/[!-~]+",
            example="https://prod-12.westeurope.logic.azure.com:443/workflows/0a1b/triggers/manual/paths/invoke?sig=x",
            help="Teams shows it after you add the workflow “Send webhook alerts to a channel” to a channel.",
        ),
    ),
    reply=Reply(
        error="error.message",
        refusing=("DirectApiAuthorizationRequired", "WorkflowNotFound"),
        meanings={
            "DirectApiAuthorizationRequired": "The URL lacks its signature: copy it again from the workflow in Teams",
            "WorkflowNotFound": "The workflow was deleted: add it to the channel again, and copy its new URL",
        },
    ),
    actions=(
        Action(
            key="post_message",
            label="Post a message",
            inputs=(
                Field("title", "Title", max_length=500, example="New order"),
                Field(
                    "text",
                    "Message",
                    kind="text",
                    required=True,
                    max_length=20_000,
                    example="Order #1001 from Ada Lovelace",
                    help="Markdown: bold, italics, lists and links.",
                ),
                Field(
                    "facts",
                    "Facts",
                    kind="rows",
                    max_items=50,
                    fields=(
                        Field("title", "Name", required=True, max_length=200, example="Total"),
                        Field("value", "Value", required=True, max_length=2000, example="€ 149.90"),
                    ),
                    example=[{"title": "Total", "value": "€ 149.90"}],
                    help="A table of two columns below the text.",
                ),
                Field("url", "Link", kind="url", example="https://example.com/orders/1001"),
                Field("url_label", "Link text", max_length=100, default="Open", example="Open the order"),
            ),
            url="{{ connection.webhook_url }}",
            json=MESSAGE | {"attachments": [CARD | {"content": CONTENT}]},
            repeatable=False,
            docs="https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/"
            "connectors-using",
        ),
        Action(
            key="post_card",
            label="Post an Adaptive Card",
            inputs=(
                Field(
                    "card",
                    "Card",
                    kind="json",
                    required=True,
                    example={
                        "type": "AdaptiveCard",
                        "version": "1.4",
                        "body": [{"type": "TextBlock", "text": "New order"}],
                    },
                    help="An Adaptive Card. The whole message may have up to 28 KB.",
                ),
            ),
            url="{{ connection.webhook_url }}",
            json=MESSAGE | {"attachments": [CARD | {"content": "{{ inputs.card }}"}]},
            repeatable=False,
            docs="https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/"
            "connectors-using",
        ),
    ),
)
