"""Notion: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Handshake, Scheme, Signature, When

NOTION = Connector(
    key="notion",
    label="Notion",
    docs="https://developers.notion.com/reference/webhooks",
    presets=(
        Preset(
            key="notion",
            label="Notion",
            verify=Scheme(kind="hmac", signature=Signature("header:x-notion-signature", "hex", prefix="sha256=")),
            secret=(
                Field("secret", "Verification token", required=True, secret=True, help="Comes with the handshake."),
            ),
            handshakes=(
                Handshake(
                    key="notion_handshake",
                    when=When(present=("json:verification_token",)),
                    auth="setup_only",
                    store="json:verification_token",
                    shapes={"json:verification_token": "[A-Za-z0-9_.-]{8,256}"},
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.type }}",
            example="page.content_updated",
            help="Comes by itself when the subscription is made; show it here, and paste it into Notion to confirm.",
        ),
    ),
)
