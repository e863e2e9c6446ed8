"""Slack: messages by incoming webhook."""

from relay.connectors.definition import Action, Connector, Field, Preset, Reply, Success
from relay.signatures import Handshake, Respond, Scheme, Signature, Timestamp, When

SIGNED = Scheme(
    kind="hmac",
    signature=Signature("header:x-slack-signature", "hex", prefix="v0="),
    signed="v0:{timestamp}:{body}",
    timestamp=Timestamp("header:x-slack-request-timestamp"),
)
SECRET = (Field("secret", "Signing secret", required=True, secret=True, help="Basic Information of the app shows it."),)

SLACK = Connector(
    key="slack",
    label="Slack",
    docs="https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
    help="Posts messages to one channel through a webhook.",
    hosts=("hooks.slack.com", "hooks.slack-gov.com"),
    connection=(
        Field(
            "webhook_url",
            "Incoming webhook URL",
            kind="url",
            required=True,
            secret=True,
            pattern=r"https://hooks\.slack(-gov)?\.com/(services|workflows|triggers)/[A-Za-z0-9/_-]+",
            example="https://hooks.slack.com/services/T000/B000/XXXX",
            help="Slack shows it when you add an incoming webhook to an app.",
        ),
    ),
    presets=(
        Preset(
            key="slack",
            label="Slack (events)",
            body_types=("json",),
            verify=SIGNED,
            secret=SECRET,
            docs="https://docs.slack.dev/authentication/verifying-requests-from-slack/",
            handshakes=(
                Handshake(
                    key="slack_url_verification",
                    when=When(present=("json:challenge",), equals={"json:type": "url_verification"}),
                    auth="signed",
                    respond=Respond(body="{json:challenge}"),
                ),
            ),
            dedupe="{{ event.body.event_id }}",
            event="{{ event.body.event.type }}",
            example="app_mention",
            success=Success(200, ""),
        ),
        Preset(
            key="slack_commands",
            label="Slack (slash commands)",
            body_types=("form",),
            form_fields=("payload",),
            verify=SIGNED,
            scheme="slack",
            secret=SECRET,
            docs="https://docs.slack.dev/authentication/verifying-requests-from-slack/",
            handshakes=(Handshake(key="slack_ssl_check", when=When(method="GET", equals={"query:ssl_check": "1"})),),
            dedupe="{{ event.body.trigger_id }}",
            event="{{ event.body.command }}",
            example="/order",
            success=Success(200, ""),
        ),
    ),
    actions=(
        Action(
            key="post_message",
            label="Post a message",
            inputs=(
                Field(
                    "text",
                    "Message",
                    kind="text",
                    required=True,
                    max_length=40_000,
                    example="New order #1001",
                    help="*bold*, _italic_. Write | slack after values that come from customers, so that they can't "
                    "format the message. With an advanced layout, this is the text of the notification.",
                ),
                Field(
                    "blocks",
                    "Advanced layout",
                    kind="json",
                    help="Slack's Block Kit, as a JSON list.",
                    example=[{"type": "section", "text": {"type": "mrkdwn", "text": "New order *#1001*"}}],
                ),
                Field(
                    "thread_ts",
                    "Reply to",
                    help="To reply in a thread: the number (ts) that Slack gave the message.",
                    example="1700000000.000100",
                ),
            ),
            url="{{ connection.webhook_url }}",
            json={
                "text": "{{ inputs.text }}",
                "blocks": "{{ inputs.blocks }}",
                "thread_ts": "{{ inputs.thread_ts }}",
            },
            reply=Reply(
                body="ok",
                retry=("rollup_error",),
                permanent=(
                    "no_service",
                    "no_team",
                    "team_disabled",
                    "channel_is_archived",
                    "channel_not_found",
                    "action_prohibited",
                    "invalid_payload",
                    "invalid_blocks",
                    "no_text",
                ),
                meanings={
                    "no_service": "The webhook was removed or disabled: create a new one in Slack, and enter its URL "
                    "under Connections",
                    "no_team": "Slack doesn't know the workspace of this webhook any more",
                    "team_disabled": "The workspace was deactivated",
                    "channel_is_archived": "The channel is archived: create a webhook for another one",
                    "channel_not_found": "The channel of the webhook was deleted: create a webhook for another one",
                    "action_prohibited": "An administrator of the workspace doesn't permit this webhook to post",
                    "invalid_payload": "Slack can't read the message: check its text and blocks",
                    "invalid_blocks": "The blocks are not as Block Kit expects them: try them in Slack's Block Kit "
                    "Builder",
                    "no_text": "The message is empty: check the values that its text contains",
                },
            ),
            repeatable=True,
        ),
    ),
)
