"""Xero: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature

XERO = Connector(
    key="xero",
    label="Xero",
    docs="https://developer.xero.com/documentation/guides/webhooks/configuring-your-server/",
    presets=(
        Preset(
            key="xero",
            label="Xero",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-xero-signature", "base64")),
            secret=(
                Field(
                    "secret", "Webhooks key", required=True, secret=True, help="Shown on the Webhooks page of the app."
                ),
            ),
            dedupe="{{ event.body.events }}",
            event="{{ event.body.events[0].eventType }}",
            example="UPDATE",
            success=Success(200, ""),
        ),
    ),
)
