"""ShipEngine: events by webhook."""

from relay.connectors.definition import Connector, Preset
from relay.signatures import Named

SHIPENGINE = Connector(
    key="shipengine",
    label="ShipEngine",
    docs="https://docs.shipstation.com/apis/docs/guides/webhooks-validation",
    presets=(
        Preset(
            key="shipengine",
            label="ShipEngine and ShipStation (API v2)",
            body_types=("json",),
            verify=Named(
                verifier="published_keys",
                tolerance=300,
                keyless=True,
                options={
                    "key_id": "x-shipengine-rsa-sha256-key-id",
                    "signature": "x-shipengine-rsa-sha256-signature",
                    "timestamp": "x-shipengine-timestamp",
                    "url": "https://api.shipengine.com/jwks",
                },
            ),
            secret=(),
            dedupe="{{ event.raw }}",
            event="{{ event.body.resource_type }}",
            example="API_TRACK",
            help="Signed with the service's own public keys: there is no secret to enter.",
            caution="Every customer of ShipEngine can make it send to this URL: check in the flow whose data it is.",
        ),
    ),
)
