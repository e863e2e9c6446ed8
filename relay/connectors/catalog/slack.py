"""Slack: messages by incoming webhook."""

from relay.connectors.definition import Action, Connector, Field, Reply

SLACK = Connector(
    key="slack",
    label="Slack",
    docs="https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
    help="Posts to the channel that the webhook was made for.",
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
            help="Slack shows it where you add an incoming webhook to an app.",
        ),
    ),
    actions=(
        Action(
            key="post_message",
            label="Post a message",
            help="To the channel that the webhook belongs to.",
            inputs=(
                Field(
                    "text",
                    "Message",
                    kind="text",
                    required=True,
                    max_length=40_000,
                    example="New order #1001",
                    help="Slack's mrkdwn; use | slack on what comes from outside. The notification's text with blocks.",
                ),
                Field("blocks", "Blocks", kind="json", help="Block Kit, a list."),
                Field("thread_ts", "Thread", help="The ts of the message to answer."),
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
            ),
            repeatable=True,
        ),
    ),
)
