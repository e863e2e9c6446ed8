"""LiveKit: events of rooms by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Named

LIVEKIT = Connector(
    key="livekit",
    label="LiveKit",
    docs="https://docs.livekit.io/home/server/webhooks/",
    presets=(
        Preset(
            key="livekit",
            label="LiveKit",
            body_types=("json",),
            verify=Named(
                verifier="hashed_claims",
                options={
                    "header": "authorization",
                    "issuer_part": "api_key",
                    "body": "sha256",
                    "hash": "base64",
                    "needs": ["exp"],
                },
            ),
            secret=(
                Field("api_key", "API key", required=True, help="The one that the webhook is signed with."),
                Field("secret", "API secret", required=True, secret=True, help="Of that key."),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.event }}",
            example="room_finished",
        ),
    ),
)
