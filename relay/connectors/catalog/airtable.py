"""Airtable: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Key, Scheme, Signature

AIRTABLE = Connector(
    key="airtable",
    label="Airtable",
    docs="https://airtable.com/developers/web/api/webhooks-overview",
    presets=(
        Preset(
            key="airtable",
            label="Airtable",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-airtable-content-mac", "hex", prefix="hmac-sha256="),
                key=Key("base64"),
            ),
            secret=(
                Field(
                    "secret",
                    "MAC secret",
                    required=True,
                    secret=True,
                    help="The macSecretBase64 in the answer when the webhook was created.",
                ),
            ),
            dedupe="{{ event.raw }}",
            success=Success(200, ""),
        ),
    ),
)
