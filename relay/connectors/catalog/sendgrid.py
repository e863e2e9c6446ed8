"""SendGrid: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Key, Scheme, Signature, Timestamp

SENDGRID = Connector(
    key="sendgrid",
    label="SendGrid",
    docs="https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features",
    presets=(
        Preset(
            key="sendgrid",
            label="SendGrid",
            body_types=("json",),
            verify=Scheme(
                kind="public_key",
                algorithm="ecdsa-p256-sha256",
                key=Key("der"),
                signature=Signature("header:x-twilio-email-event-webhook-signature", "base64"),
                signed="{timestamp}{body}",
                timestamp=Timestamp("header:x-twilio-email-event-webhook-timestamp"),
            ),
            secret=(
                Field(
                    "secret",
                    "Verification key",
                    required=True,
                    secret=True,
                    help="The public key that Mail Settings shows for the signed event webhook.",
                ),
            ),
            dedupe="{{ event.body | map(attribute='sg_event_id') | list }}",
            event="{{ event.body[0].event }}",
            example="delivered",
        ),
    ),
)
