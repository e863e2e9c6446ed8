"""Calendly: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

CALENDLY = Connector(
    key="calendly",
    label="Calendly",
    docs="https://developer.calendly.com/api-docs/4c305798a61d3-webhook-signatures",
    presets=(
        Preset(
            key="calendly",
            label="Calendly",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:calendly-webhook-signature", "hex", split=",", kv="=", field="v1"),
                signed="{timestamp}.{body}",
                timestamp=Timestamp("sig:t", tolerance=180),
            ),
            secret=(
                Field(
                    "secret",
                    "Signing key",
                    required=True,
                    secret=True,
                    help="The signing_key with which the subscription was created.",
                ),
            ),
            dedupe="{{ event.body.payload.uri }} {{ event.body.event }}",
            event="{{ event.body.event }}",
            example="invitee.created",
        ),
    ),
)
