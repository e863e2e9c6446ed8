"""Postmark: mail, and events by webhook."""

from relay.connectors.definition import Action, Connector, Field, Inquiry, Output, Preset, Reply, Success
from relay.signatures.generic import BASIC

POSTMARK = Connector(
    key="postmark",
    label="Postmark",
    docs="https://postmarkapp.com/developer/webhooks/webhooks-overview",
    help="Sends mail.",
    hosts=("api.postmarkapp.com",),
    connection=(
        Field(
            "token",
            "Server API token",
            required=True,
            secret=True,
            pattern=r"[0-9A-Za-z_-]{8,100}",
            help="Of the server, under API Tokens. POSTMARK_API_TEST checks mails and sends none.",
        ),
    ),
    presets=(
        Preset(
            key="postmark",
            label="Postmark",
            verify=BASIC,
            scheme="basic_auth",
            secret=(
                Field("username", "User name", required=True),
                Field("password", "Password", required=True, secret=True),
            ),
            dedupe="{{ event.body.MessageID }} {{ event.body.RecordType }}",
            event="{{ event.body.RecordType }}",
            example="Bounce",
            help="Enter the same user name and password at the webhook.",
            caution="The password signs nothing: who knows it can send any event.",
            success=Success(200, ""),
        ),
    ),
    actions=(
        Action(
            key="send_mail",
            label="Send a mail",
            help="Postmark accepts it; whether it arrived is reported later. Nobody can take it back.",
            inputs=(
                Field(
                    "from",
                    "From",
                    required=True,
                    max_length=320,
                    example="Our shop <shop@example.com>",
                    help="An address, or a domain, that Postmark has confirmed.",
                ),
                Field(
                    "to", "To", required=True, max_length=2000, example="ada@example.com", help="Up to 50, with commas."
                ),
                Field("subject", "Subject", required=True, max_length=2000, example="Your order #1001"),
                Field("text", "Text", kind="text", required=True, example="It is on its way."),
                Field("html", "HTML", kind="text", help="Beside the text; use | escape on what comes from outside."),
                Field("reply_to", "Reply to", max_length=320),
                Field("tag", "Tag", max_length=1000),
                Field("stream", "Message stream", default="outbound", max_length=100),
            ),
            url="https://api.postmarkapp.com/email",
            headers={"Accept": "application/json", "X-Postmark-Server-Token": "{{ connection.token }}"},
            json={
                "From": "{{ inputs.from }}",
                "To": "{{ inputs.to }}",
                # A subject is one line, whatever an event has in it.
                "Subject": "{{ inputs.subject | lines | join(' ') }}",
                "TextBody": "{{ inputs.text }}",
                "HtmlBody": "{{ inputs.html }}",
                "ReplyTo": "{{ inputs.reply_to }}",
                "Tag": "{{ inputs.tag }}",
                "MessageStream": "{{ inputs.stream }}",
                "Metadata": {"relay": "{{ key }}"},
            },
            reply=Reply(says=("ErrorCode", 0), error="Message", refused=(401,)),
            outputs=(Output("message_id", "Message id", "MessageID"),),
            repeatable=False,
            # A search, and it lags behind: what it finds was sent, and what it doesn't find is for a person to decide.
            inquiry=Inquiry(
                url="https://api.postmarkapp.com/messages/outbound",
                query={
                    "count": 1,
                    "offset": 0,
                    "messagestream": "{{ inputs.stream }}",
                    "metadata_relay": "{{ key }}",
                },
                about=("Messages.0.Metadata.relay", "{{ key }}"),
                made="Messages.0.MessageID",
                body="Messages.0",
            ),
        ),
    ),
)
