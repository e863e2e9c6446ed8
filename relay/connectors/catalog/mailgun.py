"""Mailgun: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature, Timestamp

MAILGUN = Connector(
    key="mailgun",
    label="Mailgun",
    docs="https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",
    presets=(
        Preset(
            key="mailgun",
            label="Mailgun",
            verify=Scheme(
                kind="hmac",
                signature=Signature("json:signature.signature", "hex"),
                signed="{json:signature.timestamp}{json:signature.token}",
                timestamp=Timestamp("json:signature.timestamp"),
            ),
            secret=(
                Field(
                    "secret",
                    "HTTP webhook signing key",
                    required=True,
                    secret=True,
                    help="Shown on the API security page.",
                ),
            ),
            dedupe="{{ event.body.signature.token }}",
            event="{{ event.body['event-data'].event }}",
            example="delivered",
            caution="Only its time and token are signed, not what the event says.",
            success=Success(200, ""),
        ),
    ),
)
