"""EasyPost: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Key, Scheme, Signature

EASYPOST = Connector(
    key="easypost",
    label="EasyPost",
    docs="https://docs.easypost.com/guides/webhooks-guide",
    presets=(
        Preset(
            key="easypost",
            label="EasyPost",
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-hmac-signature", "hex", prefix="hmac-sha256-hex="),
                key=Key(normalize="NFKD"),
            ),
            secret=(
                Field(
                    "secret",
                    "Webhook secret",
                    required=True,
                    secret=True,
                    help="The webhook_secret that the webhook was made with.",
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.description }}",
            example="tracker.updated",
        ),
    ),
)
