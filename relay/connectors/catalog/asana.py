"""Asana: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Handshake, Respond, Scheme, Signature, When

ASANA = Connector(
    key="asana",
    label="Asana",
    docs="https://developers.asana.com/docs/webhooks-guide",
    presets=(
        Preset(
            key="asana",
            label="Asana",
            verify=Scheme(kind="hmac", signature=Signature("header:x-hook-signature", "hex")),
            secret=(Field("secret", "Hook secret", required=True, secret=True, help="Comes with the handshake."),),
            handshakes=(
                Handshake(
                    key="asana_handshake",
                    when=When(present=("header:x-hook-secret",)),
                    auth="setup_only",
                    store="header:x-hook-secret",
                    shapes={"header:x-hook-secret": "[!-~]{8,256}"},
                    respond=Respond(headers={"X-Hook-Secret": "{header:x-hook-secret}"}),
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.events[0].action }}",
            example="changed",
            help="Comes by itself with the handshake, when the webhook is made; nothing needs to be entered.",
            success=Success(200, ""),
        ),
    ),
)
