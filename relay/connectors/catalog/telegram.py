"""Telegram: messages, photos and files by a bot."""

from dataclasses import replace

from relay.connectors.definition import Action, Call, ConnectionTest, Connector, Field, Output, Reply

CHAT = Field(
    "chat_id",
    "Chat",
    required=True,
    pattern=r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,31}",
    example="-1001234567890",
    help="The id of a chat or group, or the @name of a channel. The bot must be in it; a person must have written to "
    "the bot first.",
)
PARSE_MODE = Field(
    "parse_mode",
    "Formatting",
    kind="choice",
    options=("HTML", "MarkdownV2"),
    example="HTML",
    help="Without one, the text is shown as it is. With HTML, use | escape for values that come from outside.",
)
SILENT = Field("disable_notification", "Without a sound", kind="boolean", example=False)
TOPIC = Field(
    "message_thread_id",
    "Topic",
    kind="integer",
    minimum=1,
    example=12,
    help="The id of a topic, in groups that have topics.",
)
SENT = (
    Output("message_id", "Message id", "result.message_id", example=365),
    Output("chat_id", "Chat id", "result.chat.id", example=-1001234567890),
)
# 403: the person has blocked the bot, or the bot was removed from the group. 404: there is no such token.
REPLY = Reply(ok="ok", error="description", refused=(401, 404))

TELEGRAM = Connector(
    key="telegram",
    label="Telegram",
    docs="https://core.telegram.org/bots/api",
    help="Sends messages as a bot.",
    categories=("messaging",),
    hosts=("api.telegram.org",),
    base_url="https://api.telegram.org/bot{{ connection.token | urlencode }}",
    connection=(
        Field(
            "token",
            "Bot token",
            required=True,
            secret=True,
            pattern=r"[0-9]{6,12}:[A-Za-z0-9_-]{30,64}",
            example="123456789:ABCDEFGHIJKLMNOPQRSTUVWXYZ012345678",
            help="@BotFather shows it when the bot is created.",
        ),
    ),
    reply=REPLY,
    test=ConnectionTest(Call("test", "Test the token", url="/getMe"), identity="@{{ body.result.username }}"),
    actions=(
        Action(
            key="send_message",
            label="Send a message",
            inputs=(
                CHAT,
                Field("text", "Message", kind="text", required=True, max_length=4096, example="New order #1001"),
                PARSE_MODE,
                Field(
                    "reply_to",
                    "Message to reply to",
                    kind="integer",
                    minimum=1,
                    example=364,
                    help="The id of a message in the same chat.",
                ),
                TOPIC,
                Field("hide_previews", "Hide previews of links", kind="boolean", example=True),
                SILENT,
            ),
            url="/sendMessage",
            json={
                "chat_id": "{{ inputs.chat_id }}",
                "text": "{{ inputs.text }}",
                "parse_mode": "{{ inputs.parse_mode }}",
                "reply_parameters": "{{ {'message_id': inputs.reply_to} if inputs.reply_to }}",
                "message_thread_id": "{{ inputs.message_thread_id }}",
                "link_preview_options": "{{ {'is_disabled': inputs.hide_previews} if inputs.hide_previews }}",
                "disable_notification": "{{ inputs.disable_notification }}",
            },
            outputs=SENT,
            repeatable=False,
            proof="spec",
            docs="https://core.telegram.org/bots/api#sendmessage",
        ),
        Action(
            key="edit_message",
            label="Change a message",
            help="Replaces the text of a message that the bot has sent.",
            inputs=(
                CHAT,
                Field(
                    "message_id",
                    "Message",
                    kind="integer",
                    required=True,
                    minimum=1,
                    example=365,
                    help="The message's id, an output of the step that sent it.",
                ),
                Field("text", "Message", kind="text", required=True, max_length=4096, example="Order #1001 is shipped"),
                PARSE_MODE,
            ),
            url="/editMessageText",
            json={
                "chat_id": "{{ inputs.chat_id }}",
                "message_id": "{{ inputs.message_id }}",
                "text": "{{ inputs.text }}",
                "parse_mode": "{{ inputs.parse_mode }}",
            },
            reply=replace(REPLY, done=("message is not modified",)),
            outputs=SENT,
            docs="https://core.telegram.org/bots/api#editmessagetext",
        ),
        Action(
            key="send_photo",
            label="Send a photo",
            help="Telegram fetches the photo from its URL: a JPEG or PNG of up to 5 MB.",
            inputs=(
                CHAT,
                Field("photo", "URL of the photo", kind="url", required=True, example="https://example.com/door.jpg"),
                Field("caption", "Caption", kind="text", max_length=1024, example="The door at 23:41"),
                PARSE_MODE,
                TOPIC,
                SILENT,
            ),
            url="/sendPhoto",
            json={
                "chat_id": "{{ inputs.chat_id }}",
                "photo": "{{ inputs.photo }}",
                "caption": "{{ inputs.caption }}",
                "parse_mode": "{{ inputs.parse_mode }}",
                "message_thread_id": "{{ inputs.message_thread_id }}",
                "disable_notification": "{{ inputs.disable_notification }}",
            },
            outputs=SENT,
            repeatable=False,
            docs="https://core.telegram.org/bots/api#sendphoto",
        ),
        Action(
            key="send_document",
            label="Send a file",
            help="A file of up to 50 MB.",
            inputs=(
                CHAT,
                Field(
                    "document",
                    "File",
                    kind="file",
                    required=True,
                    max_items=1,
                    help="A file of the event, or of an earlier step.",
                ),
                Field("caption", "Caption", kind="text", max_length=1024, example="The delivery note of order 1001"),
                PARSE_MODE,
                TOPIC,
                SILENT,
            ),
            url="/sendDocument",
            body={
                "multipart": {
                    "chat_id": "{{ inputs.chat_id }}",
                    "caption": "{{ inputs.caption }}",
                    "parse_mode": "{{ inputs.parse_mode }}",
                    "message_thread_id": "{{ inputs.message_thread_id }}",
                    "disable_notification": "{{ inputs.disable_notification }}",
                    "document": "{{ inputs.document }}",
                }
            },
            outputs=SENT,
            repeatable=False,
            docs="https://core.telegram.org/bots/api#senddocument",
        ),
    ),
)
