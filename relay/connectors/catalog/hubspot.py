"""HubSpot: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

HUBSPOT = Connector(
    key="hubspot",
    label="HubSpot",
    docs="https://developers.hubspot.com/docs/api/webhooks/validating-requests",
    presets=(
        Preset(
            key="hubspot",
            label="HubSpot (signature v3)",
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-hubspot-signature-v3", "base64"),
                signed="{method}{url}{body}{timestamp}",
                timestamp=Timestamp("header:x-hubspot-request-timestamp", "ms"),
            ),
            scheme="hubspot_v3",
            secret=(Field("secret", "Client secret", required=True, secret=True, help="Of the app."),),
            dedupe="{{ event.body | map(attribute='eventId') | list }}",
            event="{{ event.body[0].subscriptionType }}",
            example="contact.creation",
        ),
        Preset(
            key="hubspot_v2",
            label="HubSpot (workflows, signature v2)",
            verify=Scheme(
                kind="digest",
                signature=Signature("header:x-hubspot-signature", "hex"),
                signed="{secret}{method}{url}{body}",
                require={"header:x-hubspot-signature-version": "v2"},
            ),
            secret=(Field("secret", "Client secret", required=True, secret=True, help="Of the app."),),
            caution="No time is signed: a recorded request can be sent again.",
        ),
        Preset(
            key="hubspot_v1",
            label="HubSpot (legacy, signature v1)",
            verify=Scheme(
                kind="digest",
                signature=Signature("header:x-hubspot-signature", "hex"),
                signed="{secret}{body}",
                require={"header:x-hubspot-signature-version": "v1"},
            ),
            secret=(Field("secret", "Client secret", required=True, secret=True, help="Of the app."),),
            caution="No time is signed: a recorded request can be sent again.",
        ),
    ),
)
