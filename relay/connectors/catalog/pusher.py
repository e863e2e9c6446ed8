"""Pusher: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature

PUSHER = Connector(
    key="pusher",
    label="Pusher",
    docs="https://pusher.com/docs/channels/server_api/webhooks/",
    presets=(
        Preset(
            key="pusher",
            label="Pusher",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-pusher-signature", "hex"),
                require={"header:x-pusher-key": "$key"},
            ),
            secret=(
                Field("key", "Key", required=True),
                Field("secret", "Secret", required=True, secret=True, help="Of the app, on its App Keys page."),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.events[0].name }}",
            example="channel_occupied",
            success=Success(200, ""),
        ),
    ),
)
