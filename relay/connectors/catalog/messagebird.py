"""MessageBird: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Named

MESSAGEBIRD = Connector(
    key="messagebird",
    label="MessageBird",
    docs="https://developers.messagebird.com/api/",
    presets=(
        Preset(
            key="messagebird",
            label="MessageBird",
            body_types=("json", "form"),
            verify=Named(
                verifier="hashed_claims",
                options={
                    "header": "messagebird-signature-jwt",
                    "issuer": "MessageBird",
                    "url": "url_hash",
                    "body": "payload_hash",
                },
            ),
            scheme="jwt_hs256_body_hash",
            secret=(Field("secret", "Signing key", required=True, secret=True, help="In the developer settings."),),
            dedupe="{{ event.raw }}",
        ),
    ),
)
