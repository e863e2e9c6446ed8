"""Discord: messages by webhook, and events."""

from dataclasses import replace

from relay.connectors.definition import Action, Call, ConnectionTest, Connector, Field, Output, Preset, Reply, Success
from relay.signatures import Handshake, Key, Respond, Scheme, Signature, Timestamp, When

CONTENT = Field("content", "Message", kind="text", required=True, max_length=2000, example="New order #1001")
EMBEDS = Field(
    "embeds",
    "Embeds",
    kind="json",
    example=[{"title": "Order #1001", "description": "Two boxes", "color": 3066993}],
    help="A list of up to 10 embeds with up to 6,000 characters in total.",
)
MENTIONS = Field(
    "mentions",
    "Whom it may notify",
    kind="choice",
    options=("nobody", "people", "everyone"),
    default="nobody",
    example="nobody",
    help="Mentions of others are shown, but notify nobody.",
)
ALLOWED = {
    "parse": "{{ inputs.mentions"
    " | lookup({'nobody': [], 'people': ['users'], 'everyone': ['users', 'roles', 'everyone']}, [inputs.mentions]) }}"
}
THREAD = Field(
    "thread_id",
    "Thread",
    pattern="[0-9]{15,22}",
    example="1103024832543654924",
    help="The id of a thread or forum post.",
)
SENT = (
    Output("id", "Message id", "id", example="1103024832543654925"),
    Output("channel_id", "Channel id", "channel_id", example="1103024832543654920"),
)

DISCORD = Connector(
    key="discord",
    label="Discord",
    docs="https://docs.discord.com/developers/resources/webhook",
    help="Posts messages to one channel through a webhook.",
    categories=("messaging",),
    hosts=("discord.com", "ptb.discord.com", "canary.discord.com", "discordapp.com"),
    connection=(
        Field(
            "webhook_url",
            "Webhook URL",
            kind="url",
            required=True,
            secret=True,
            pattern=r"https://((ptb|canary)\.)?discord(app)?\.com/api/(v[0-9]+/)?webhooks/[0-9]+/[A-Za-z0-9_-]+",
            example="https://discord.com/api/webhooks/1103024832543654920/XXXX",
            help="Create a webhook in the channel's settings, under Integrations, Webhooks.",
        ),
    ),
    # The webhook's URL is the credential: without the webhook, runs wait until the connection has another one.
    reply=Reply(
        error="message",
        refused=(401,),
        refusing=("Unknown Webhook", "Invalid Webhook Token"),
        meanings={
            "Unknown Webhook": "The webhook was deleted: create a new one in the channel's settings",
            "Invalid Webhook Token": "The webhook's URL is not complete, or it was changed: copy it again in Discord",
        },
    ),
    test=ConnectionTest(
        Call("test", "Read the webhook", url="{{ connection.webhook_url }}"), identity="{{ body.name }}"
    ),
    presets=(
        Preset(
            key="discord",
            label="Discord",
            body_types=("json",),
            verify=Scheme(
                kind="public_key",
                algorithm="ed25519",
                key=Key("hex"),
                signature=Signature("header:x-signature-ed25519", "hex"),
                signed="{timestamp}{body}",
                timestamp=Timestamp("header:x-signature-timestamp"),
            ),
            secret=(
                Field(
                    "secret",
                    "Public key",
                    required=True,
                    secret=True,
                    help="General Information of the application shows it.",
                ),
            ),
            handshakes=(
                Handshake(
                    key="discord_ping",
                    when=When(equals={"json:type": "1"}),
                    auth="signed",
                    respond=Respond(json={"type": 1}),
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.type }}",
            example="2",
            success=Success(200, '{"type": 5}', {"Content-Type": "application/json"}),
            docs="https://discord.com/developers/docs/interactions/overview",
        ),
    ),
    actions=(
        Action(
            key="post_message",
            label="Post a message",
            inputs=(
                CONTENT,
                EMBEDS,
                MENTIONS,
                Field(
                    "username", "Name shown", max_length=80, example="Orders", help="Instead of the webhook's own name."
                ),
                Field(
                    "avatar_url", "Picture URL", kind="url", max_length=2048, example="https://example.com/parcel.png"
                ),
                THREAD,
                Field(
                    "thread_name",
                    "New thread",
                    max_length=100,
                    example="Order #1001",
                    help="In a forum channel: the name of the post that is created.",
                    # https://docs.discord.com/developers/resources/webhook#execute-webhook: only without thread_id.
                    excludes="thread_id",
                ),
            ),
            url="{{ connection.webhook_url }}",
            # Without `wait`, Discord answers before it has stored the message.
            query={"wait": "true", "thread_id": "{{ inputs.thread_id }}"},
            json={
                "content": "{{ inputs.content }}",
                "embeds": "{{ inputs.embeds }}",
                "username": "{{ inputs.username }}",
                "avatar_url": "{{ inputs.avatar_url }}",
                "thread_name": "{{ inputs.thread_name }}",
                "allowed_mentions": ALLOWED,
            },
            outputs=SENT,
            repeatable=False,
            docs="https://docs.discord.com/developers/resources/webhook#execute-webhook",
        ),
        Action(
            key="edit_message",
            label="Change a message",
            help="Replaces the text of a message that the webhook has posted.",
            inputs=(
                Field(
                    "message_id",
                    "Message",
                    required=True,
                    pattern="[0-9]{15,22}",
                    example="1103024832543654925",
                    help="The message's id, an output of the step that posted it.",
                ),
                CONTENT,
                EMBEDS,
                MENTIONS,
                THREAD,
            ),
            method="PATCH",
            url="{{ connection.webhook_url }}/messages/{{ inputs.message_id | urlencode }}",
            query={"thread_id": "{{ inputs.thread_id }}"},
            json={"content": "{{ inputs.content }}", "embeds": "{{ inputs.embeds }}", "allowed_mentions": ALLOWED},
            outputs=SENT,
            docs="https://docs.discord.com/developers/resources/webhook#edit-webhook-message",
        ),
        Action(
            key="post_file",
            label="Post a file",
            help="A file of up to 10 MB, or more in servers with boosts.",
            inputs=(
                Field(
                    "file",
                    "File",
                    kind="file",
                    required=True,
                    max_items=1,
                    help="A file of the event, or of an earlier step.",
                ),
                replace(CONTENT, required=False),
                MENTIONS,
                THREAD,
            ),
            url="{{ connection.webhook_url }}",
            query={"wait": "true", "thread_id": "{{ inputs.thread_id }}"},
            body={
                "multipart": {
                    "payload_json": {"content": "{{ inputs.content }}", "allowed_mentions": ALLOWED},
                    "files[0]": "{{ inputs.file }}",
                }
            },
            outputs=SENT,
            repeatable=False,
            docs="https://docs.discord.com/developers/resources/webhook#execute-webhook",
        ),
    ),
)
