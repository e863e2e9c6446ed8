"""Postmark: mail, and events by webhook."""

from relay.connectors.definition import Action, Connector, Field, HeaderAuth, Inquiry, Output, Preset, Reply, Success
from relay.signatures.generic import BASIC

POSTMARK = Connector(
    key="postmark",
    label="Postmark",
    docs="https://postmarkapp.com/developer/webhooks/webhooks-overview",
    help="Sends mail.",
    hosts=("api.postmarkapp.com",),
    base_url="https://api.postmarkapp.com",
    headers={"Accept": "application/json"},
    auth=HeaderAuth("X-Postmark-Server-Token", "{{ connection.token }}"),
    reply=Reply(says=("ErrorCode", 0), error="Message", refused=(401,)),
    connection=(
        Field(
            "token",
            "Server API token",
            required=True,
            secret=True,
            pattern=r"[0-9A-Za-z_-]{8,100}",
            help="On the server's page, under API Tokens. POSTMARK_API_TEST checks mails without sending them.",
        ),
    ),
    presets=(
        Preset(
            key="postmark",
            label="Postmark",
            body_types=("json",),
            verify=BASIC,
            scheme="basic_auth",
            secret=(
                Field("username", "User name", required=True),
                Field("password", "Password", required=True, secret=True),
            ),
            # An inbound mail has no RecordType.
            dedupe="{{ event.body.MessageID }} {{ event.body.RecordType | default('Inbound') }}",
            event="{{ event.body.RecordType | default('Inbound') }}",
            file_fields=("Attachments.Content",),
            example="Bounce",
            help="Enter the same user name and password at the webhook.",
            caution="The password signs nothing: anyone who knows it can send any event.",
            success=Success(200, ""),
        ),
    ),
    actions=(
        Action(
            key="send_mail",
            label="Send a mail",
            help="Postmark accepts the mail, and reports later whether it arrived. It cannot be undone.",
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
                    "to",
                    "To",
                    required=True,
                    max_length=2000,
                    example="ada@example.com",
                    help="Up to 50 addresses, separated by commas.",
                ),
                Field("subject", "Subject", required=True, max_length=2000, example="Your order #1001"),
                Field("text", "Text", kind="text", required=True, example="It is on its way."),
                Field(
                    "html",
                    "HTML",
                    kind="text",
                    help="In addition to the text. Use | escape for values that come from outside.",
                    example="<p>It is on its way.</p>",
                ),
                Field("reply_to", "Reply to", max_length=320, example="support@example.com"),
                Field("tag", "Tag", max_length=1000, example="orders"),
                Field("stream", "Message stream", default="outbound", max_length=100),
            ),
            url="/email",
            json={
                "From": "{{ inputs.from }}",
                "To": "{{ inputs.to }}",
                # A subject is one line, also if a value has line breaks.
                "Subject": "{{ inputs.subject | lines | join(' ') }}",
                "TextBody": "{{ inputs.text }}",
                "HtmlBody": "{{ inputs.html }}",
                "ReplyTo": "{{ inputs.reply_to }}",
                "Tag": "{{ inputs.tag }}",
                "MessageStream": "{{ inputs.stream }}",
                "Metadata": {"relay": "{{ key }}"},
            },
            outputs=(Output("message_id", "Message id", "MessageID"),),
            proof="spec",
            docs="https://postmarkapp.com/developer/api/email-api",
            repeatable=False,
            # The search may be out of date: a mail that it finds was sent; otherwise a person decides.
            inquiry=Inquiry(
                url="/messages/outbound",
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
