"""Shopify: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature

SHOPIFY = Connector(
    key="shopify",
    label="Shopify",
    docs="https://shopify.dev/docs/apps/build/webhooks",
    presets=(
        Preset(
            key="shopify",
            label="Shopify",
            verify=Scheme(kind="hmac", signature=Signature("header:x-shopify-hmac-sha256", "base64")),
            secret=(
                Field(
                    "secret",
                    "Signing secret",
                    required=True,
                    secret=True,
                    help="Settings, Notifications, Webhooks shows it; of an app, its client secret.",
                ),
            ),
            dedupe="{{ event.headers['x-shopify-webhook-id'] }}",
            event="{{ event.headers['x-shopify-topic'] }}",
            example="orders/create",
            success=Success(200, ""),
        ),
    ),
)
