"""Actions of slack_bot.py that post no message of their own: finding a person, and uploading a file."""

from relay.connectors.definition import Action, Call, Field, Output, Reply

UPLOAD_FILE = Action(
    key="upload_file",
    label="Upload a file",
    help="Shows a file in a channel, with a message if you write one.",
    inputs=(
        Field(
            "file",
            "File",
            kind="file",
            required=True,
            max_items=1,
            help="A file of the event, or of an earlier step.",
        ),
        Field(
            "channel",
            "Channel",
            required=True,
            source="channels",
            pattern=r"[CGD][0-9A-Z]{2,30}",
            example="C024BE91L",
            help="The channel's id. The bot must be a member of it.",
        ),
        Field("title", "Title", max_length=255, example="Scan of order 1001", help="Replaces the file's name."),
        Field("text", "Message", kind="text", max_length=4000, example="The signed delivery note"),
        Field(
            "thread_ts",
            "Message to reply to",
            pattern=r"[0-9]{10}\.[0-9]{6}",
            example="1503435956.000247",
            help="The ts of the first message of the thread, an output of the step that posted it.",
        ),
    ),
    before=(
        Call(
            "slot",
            "Ask for an address to upload to",
            method="POST",
            url="/files.getUploadURLExternal",
            body={"form": {"filename": "{{ inputs.file.name }}", "length": "{{ inputs.file.size }}"}},
            example={"ok": True, "upload_url": "https://files.slack.com/upload/v1/CwABAAAAWg", "file_id": "F123ABC456"},
        ),
        # Slack answers text, and any status but 200 if the upload failed.
        Call(
            "upload",
            "Upload the file",
            method="POST",
            url="{{ calls.slot.body.upload_url }}",
            body={"file": "{{ inputs.file }}"},
            reply=Reply(),
            example="OK - 12",
        ),
    ),
    url="/files.completeUploadExternal",
    json={
        "files": [{"id": "{{ calls.slot.body.file_id }}", "title": "{{ inputs.title | default(inputs.file.name) }}"}],
        "channel_id": "{{ inputs.channel }}",
        "initial_comment": "{{ inputs.text }}",
        "thread_ts": "{{ inputs.thread_ts }}",
    },
    outputs=(
        Output("file_id", "File id", "files.0.id", example="F123ABC456"),
        Output("title", "Title", "files.0.title", example="Scan of order 1001"),
    ),
    repeatable=False,
    docs="https://docs.slack.dev/reference/methods/files.completeUploadExternal",
)

FIND_USER = Action(
    key="find_user",
    label="Find a person by e-mail",
    help="Fails if nobody in the workspace has the address.",
    inputs=(Field("email", "E-mail", kind="email", required=True, example="ada@example.com"),),
    method="GET",
    url="/users.lookupByEmail",
    query={"email": "{{ inputs.email }}"},
    outputs=(
        Output("id", "Person id", "user.id", example="W012A3CDE"),
        Output("name", "Name", "user.profile.real_name", example="Ada Lovelace"),
        Output("time_zone", "Time zone", "user.tz", example="Europe/London"),
    ),
    docs="https://docs.slack.dev/reference/methods/users.lookupByEmail",
)
