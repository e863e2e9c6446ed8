"""Vonage: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Named

VONAGE = Connector(
    key="vonage",
    label="Vonage",
    docs="https://developer.vonage.com/en/getting-started/concepts/webhooks",
    presets=(
        Preset(
            key="vonage",
            label="Vonage (Messages, Voice)",
            body_types=("json", "form"),
            verify=Named(
                verifier="hashed_claims",
                tolerance=300,
                options={
                    "header": "authorization",
                    "prefix": "Bearer ",
                    "issuer": "Vonage",
                    "body": "payload_hash",
                    "needs": [],
                },
            ),
            secret=(
                Field(
                    "secret",
                    "Signature secret",
                    required=True,
                    secret=True,
                    help="In the dashboard, under API settings: that of the API key that your application uses.",
                ),
            ),
            dedupe="{{ event.body.message_uuid or event.body.uuid }} {{ event.body.status }}",
            caution="Let Vonage send POST requests: it signs the query of GET requests in another way.",
        ),
    ),
)
