"""Coinbase Commerce: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature

COINBASE_COMMERCE = Connector(
    key="coinbase_commerce",
    label="Coinbase Commerce",
    docs="https://docs.cdp.coinbase.com/commerce/docs/webhooks-security",
    presets=(
        Preset(
            key="coinbase_commerce",
            label="Coinbase Commerce",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-cc-webhook-signature", "hex")),
            secret=(
                Field(
                    "secret",
                    "Webhook shared secret",
                    required=True,
                    secret=True,
                    help="In the settings, under Notifications.",
                ),
            ),
            dedupe="{{ event.body.event.id }}",
            event="{{ event.body.event.type }}",
            example="charge:confirmed",
        ),
    ),
)
