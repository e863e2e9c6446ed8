"""E-mail by any SMTP server."""

from relay.connectors.definition import Action, Call, ConnectionTest, Connector, Field, Output

MAIL = Connector(
    key="mail",
    label="E-mail (SMTP)",
    help="Sends mail through a mail server of your own or of your provider.",
    categories=("email",),
    hosts=("{{ connection.host }}",),
    test=ConnectionTest(
        Call("sign_in", "Sign in", method="NOOP", url="{{ connection.host }}", target="mail"),
        identity="{{ connection.user }}",
    ),
    connection=(
        Field("host", "Server", required=True, max_length=253, example="mail.example.com"),
        Field("port", "Port", pattern=r"[0-9]{1,5}", example="587", help="587 for STARTTLS, 465 for TLS."),
        Field(
            "security",
            "Encryption",
            kind="choice",
            options=("STARTTLS", "TLS", "none"),
            default="STARTTLS",
            help="A user name and a password are only sent over an encrypted connection.",
        ),
        Field("user", "User name", max_length=320),
        Field("password", "Password", secret=True, max_length=1000),
        Field(
            "from",
            "From",
            max_length=320,
            example="Our shop <shop@example.com>",
            help="If a step names no sender.",
        ),
    ),
    actions=(
        Action(
            key="send",
            label="Send a mail",
            target="mail",
            help="The server takes the mail for all recipients, or it is sent to none. It cannot be undone.",
            inputs=(
                Field(
                    "to",
                    "To",
                    kind="list",
                    required=True,
                    example="ada@example.com",
                    help="The addresses of the recipients.",
                ),
                Field("subject", "Subject", required=True, max_length=900, example="Your order #1001"),
                Field(
                    "text",
                    "Text",
                    kind="text",
                    required=True,
                    example="It is on its way.",
                    help="For mail programs that show no HTML.",
                ),
                Field(
                    "html",
                    "HTML",
                    kind="text",
                    example="<p>It is on its way.</p>",
                    help="Sent in addition to the text. Use | escape for values that come from outside.",
                ),
                Field("attachments", "Attachments", kind="file", help="A file or a list of files."),
                Field("cc", "Cc", kind="list", example="grace@example.com", help="Addresses that everybody sees."),
                Field("bcc", "Bcc", kind="list", example="books@example.com", help="Addresses that nobody sees."),
                Field("reply_to", "Reply to", max_length=320, example="support@example.com"),
                Field(
                    "from",
                    "From",
                    max_length=320,
                    example="Our shop <shop@example.com>",
                    help="Instead of the connection's.",
                ),
            ),
            method="SEND",
            url="{{ connection.host }}",
            body={
                "mail": {
                    "from": "{{ inputs.from | default(connection.from | default(''), true) }}",
                    "to": "{{ inputs.to }}",
                    "cc": "{{ inputs.cc }}",
                    "bcc": "{{ inputs.bcc }}",
                    "reply_to": "{{ inputs.reply_to }}",
                    "subject": "{{ inputs.subject }}",
                    "text": "{{ inputs.text }}",
                    "html": "{{ inputs.html }}",
                    "attachments": "{{ inputs.attachments }}",
                }
            },
            outputs=(
                Output("message_id", "Message id", "message_id", "<relay.0a1b@example.com>"),
                Output("reply", "Answer of the server", "reply", "2.0.0 Ok: queued"),
            ),
            repeatable=False,
            proof="real",
            docs="https://www.rfc-editor.org/rfc/rfc5321",
        ),
    ),
)
