"""Slack: messages, reactions and people, by the token of a bot."""

from dataclasses import replace

from relay.connectors.catalog._slack_other_actions import FIND_USER, UPLOAD_FILE
from relay.connectors.catalog._slack_reply import REPLY
from relay.connectors.definition import (
    Action,
    BearerAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    OptionSource,
    Output,
    Paging,
)

CHANNEL = Field(
    "channel",
    "Channel",
    required=True,
    source="channels",
    max_length=80,
    example="C024BE91L",
    help="The channel's id, which stays the same when the channel is renamed. The bot must be a member of it.",
)
MESSAGE = Field(
    "ts",
    "Message",
    required=True,
    pattern=r"[0-9]{10}\.[0-9]{6}",
    example="1503435956.000247",
    help="The number (ts) of the message, an output of the step that posted it.",
)
TEXT = Field(
    "text",
    "Message",
    kind="text",
    required=True,
    max_length=40_000,
    example="New order #1001",
    help="Slack's mrkdwn. Use | slack for values that come from outside. "
    "With blocks, this is the text of the notification.",
)
BLOCKS = Field(
    "blocks",
    "Blocks",
    kind="json",
    help="A list of up to 50 Block Kit blocks.",
    example=[{"type": "section", "text": {"type": "mrkdwn", "text": "New order *#1001*"}}],
)
UNFURL = Field("unfurl_links", "Show previews of links", kind="boolean", example=False)
POSTED = (
    Output("channel", "Channel id", "channel", example="C024BE91L"),
    Output("ts", "Message", "ts", example="1503435956.000247"),
)

SLACK_BOT = Connector(
    key="slack_bot",
    label="Slack (bot)",
    docs="https://docs.slack.dev/reference/methods",
    help="Posts messages as a bot, to channels that it is a member of and to people.",
    categories=("messaging",),
    hosts=("slack.com", "files.slack.com"),
    base_url="https://slack.com/api",
    auth=BearerAuth(),
    connection=(
        Field(
            "token",
            "Bot token",
            required=True,
            secret=True,
            pattern=r"xox[bp]-[0-9A-Za-z-]{8,250}",
            example="xoxb-0123456789-abcdefghij",
            help="On the app's page OAuth & Permissions. It needs the scopes chat:write, reactions:write, "
            "channels:read, groups:read, users:read, users:read.email, im:write, and files:write to upload files.",
        ),
    ),
    reply=REPLY,
    test=ConnectionTest(
        Call("test", "Test the token", method="POST", url="/auth.test"),
        identity="{{ body.user }} in {{ body.team }}",
    ),
    sources=(
        OptionSource(
            "channels",
            Call(
                "channels",
                "List the channels",
                url="/conversations.list",
                query={"types": "public_channel,private_channel", "exclude_archived": "true", "limit": "200"},
            ),
            rows="channels",
            label="#{{ row.name }}",
            paging=Paging(cursor="response_metadata.next_cursor", parameter="cursor"),
        ),
        OptionSource(
            "users",
            Call("users", "List the people", url="/users.list", query={"limit": "200"}),
            rows="members",
            label="{{ row.real_name | default(row.name, true) }}{{ ' (deactivated)' if row.deleted | default(false) }}",
            paging=Paging(cursor="response_metadata.next_cursor", parameter="cursor"),
        ),
    ),
    actions=(
        Action(
            key="post_message",
            label="Post a message",
            inputs=(
                CHANNEL,
                TEXT,
                BLOCKS,
                UNFURL,
                Field(
                    "username",
                    "Name shown",
                    max_length=80,
                    example="Orders",
                    help="Instead of the bot's own name. Needs the scope chat:write.customize.",
                ),
                Field(
                    "icon_emoji",
                    "Emoji as avatar",
                    pattern=r":[0-9a-z_+'-]{1,100}:",
                    example=":package:",
                    help="Needs the scope chat:write.customize.",
                ),
            ),
            url="/chat.postMessage",
            json={
                "channel": "{{ inputs.channel }}",
                "text": "{{ inputs.text }}",
                "blocks": "{{ inputs.blocks }}",
                "unfurl_links": "{{ inputs.unfurl_links }}",
                "username": "{{ inputs.username }}",
                "icon_emoji": "{{ inputs.icon_emoji }}",
            },
            outputs=POSTED,
            repeatable=False,
            docs="https://docs.slack.dev/reference/methods/chat.postMessage",
        ),
        Action(
            key="reply",
            label="Reply in a thread",
            inputs=(
                CHANNEL,
                Field(
                    "thread_ts",
                    "Message to reply to",
                    required=True,
                    pattern=r"[0-9]{10}\.[0-9]{6}",
                    example="1503435956.000247",
                    help="The number (ts) of the first message of the thread, an output of the step that posted it.",
                ),
                TEXT,
                BLOCKS,
                Field("reply_broadcast", "Also show it in the channel", kind="boolean", example=False),
            ),
            url="/chat.postMessage",
            json={
                "channel": "{{ inputs.channel }}",
                "thread_ts": "{{ inputs.thread_ts }}",
                "text": "{{ inputs.text }}",
                "blocks": "{{ inputs.blocks }}",
                "reply_broadcast": "{{ inputs.reply_broadcast }}",
            },
            outputs=POSTED,
            repeatable=False,
            docs="https://docs.slack.dev/reference/methods/chat.postMessage",
        ),
        Action(
            key="update_message",
            label="Change a message",
            help="Replaces the text of a message that the bot has posted.",
            inputs=(
                CHANNEL,
                MESSAGE,
                Field(
                    "text",
                    "Message",
                    kind="text",
                    required=True,
                    max_length=4000,
                    example="Order #1001 is shipped",
                    help="Slack's mrkdwn. Use | slack for values that come from outside.",
                ),
                BLOCKS,
            ),
            url="/chat.update",
            json={
                "channel": "{{ inputs.channel }}",
                "ts": "{{ inputs.ts }}",
                "text": "{{ inputs.text }}",
                "blocks": "{{ inputs.blocks }}",
            },
            outputs=POSTED,
            docs="https://docs.slack.dev/reference/methods/chat.update",
        ),
        Action(
            key="add_reaction",
            label="Add a reaction",
            inputs=(
                CHANNEL,
                MESSAGE,
                Field(
                    "name",
                    "Emoji",
                    required=True,
                    pattern=r"[0-9a-z_+'-]{1,100}(::skin-tone-[2-6])?",
                    example="white_check_mark",
                    help="Its name, without colons.",
                ),
            ),
            url="/reactions.add",
            json={"channel": "{{ inputs.channel }}", "timestamp": "{{ inputs.ts }}", "name": "{{ inputs.name }}"},
            reply=replace(REPLY, done=("already_reacted",)),
            docs="https://docs.slack.dev/reference/methods/reactions.add",
        ),
        FIND_USER,
        Action(
            key="direct_message",
            label="Send a direct message",
            help="Opens the conversation with the person, then posts to it.",
            inputs=(
                Field(
                    "by",
                    "Find the person by",
                    kind="choice",
                    options=("e-mail", "id"),
                    default="e-mail",
                    example="e-mail",
                ),
                Field(
                    "email",
                    "E-mail",
                    kind="email",
                    required=True,
                    example="ada@example.com",
                    when=("by", ("e-mail",)),
                ),
                Field(
                    "user",
                    "Person",
                    required=True,
                    source="users",
                    pattern=r"[UW][0-9A-Z]{2,30}",
                    example="W012A3CDE",
                    when=("by", ("id",)),
                ),
                TEXT,
                BLOCKS,
            ),
            before=(
                Call(
                    "person",
                    "Find the person",
                    url="/users.lookupByEmail",
                    query={"email": "{{ inputs.email }}"},
                    when="{{ inputs.by == 'e-mail' }}",
                    example={"ok": True, "user": {"id": "U012AB3CD"}},
                ),
                Call(
                    "conversation",
                    "Open the conversation",
                    method="POST",
                    url="/conversations.open",
                    json={"users": "{{ calls.person.body.user.id if inputs.by == 'e-mail' else inputs.user }}"},
                    example={"ok": True, "channel": {"id": "D069C7QFK"}},
                ),
            ),
            url="/chat.postMessage",
            json={
                "channel": "{{ calls.conversation.body.channel.id }}",
                "text": "{{ inputs.text }}",
                "blocks": "{{ inputs.blocks }}",
            },
            outputs=POSTED,
            repeatable=False,
            docs="https://docs.slack.dev/reference/methods/conversations.open",
        ),
        UPLOAD_FILE,
    ),
)
