"""Wix: events of an app by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Named

WIX = Connector(
    key="wix",
    label="Wix",
    docs="https://dev.wix.com/docs/rest/articles/getting-started/webhooks",
    presets=(
        Preset(
            key="wix",
            label="Wix",
            body_types=("token",),
            verify=Named(verifier="signed_body"),
            secret=(
                Field(
                    "public_key",
                    "Public key",
                    kind="text",
                    required=True,
                    secret=True,
                    help="Of the app, in its dashboard under Webhooks; including its first and last line.",
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ (event.body.data | parse_json).eventType }}",
            example="wix.stores.v1.order_created",
            success=Success(200, ""),
            help="The body is a signed token; event.body has its claims. Its data is JSON as text: use parse_json.",
        ),
    ),
)
