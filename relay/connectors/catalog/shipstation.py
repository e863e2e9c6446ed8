"""ShipStation: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures.generic import shared

SHIPSTATION = Connector(
    key="shipstation",
    label="ShipStation",
    docs="https://www.shipstation.com/docs/api/webhooks/",
    presets=(
        Preset(
            key="shipstation",
            label="ShipStation (API v1)",
            body_types=("json",),
            verify=shared("query:secret"),
            scheme="url_secret",
            secret=(
                Field(
                    "secret",
                    "Secret in the URL",
                    required=True,
                    secret=True,
                    help="Chosen by you: give ShipStation the URL with ?secret= and this at its end.",
                ),
            ),
            dedupe="{{ event.body.resource_url }}",
            event="{{ event.body.resource_type }}",
            example="ORDER_NOTIFY",
            caution="Nothing is signed, and resource_url is only an address: call it at ShipStation and nowhere else.",
            success=Success(200, ""),
        ),
    ),
)
