"""The built-in inbox: messages on a page of Relay itself, so that a flow can be tried with no account anywhere."""

from relay.connectors.definition import Action, Connector, Field

INBOX = Connector(
    key="inbox",
    label="Built-in inbox",
    help="Shows messages on the Inbox page, as a chat service would.",
    actions=(
        Action(
            key="post",
            label="Post a message",
            target="inbox",
            help="The message appears on the Inbox page.",
            inputs=(
                Field("text", "Message", kind="text", required=True, max_length=40_000, example="New order #1001"),
                Field("channel", "Channel", default="general", max_length=80, example="orders"),
                Field("title", "Title", max_length=200, example="Order #1001"),
            ),
        ),
    ),
)
