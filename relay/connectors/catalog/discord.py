"""Discord: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Handshake, Key, Respond, Scheme, Signature, Timestamp, When

DISCORD = Connector(
    key="discord",
    label="Discord",
    docs="https://discord.com/developers/docs/interactions/overview",
    presets=(
        Preset(
            key="discord",
            label="Discord",
            verify=Scheme(
                kind="public_key",
                algorithm="ed25519",
                key=Key("hex"),
                signature=Signature("header:x-signature-ed25519", "hex"),
                signed="{timestamp}{body}",
                timestamp=Timestamp("header:x-signature-timestamp"),
            ),
            secret=(
                Field(
                    "secret",
                    "Public key",
                    required=True,
                    secret=True,
                    help="General Information of the application shows it.",
                ),
            ),
            handshakes=(
                Handshake(
                    key="discord_ping",
                    when=When(equals={"json:type": "1"}),
                    auth="signed",
                    respond=Respond(json={"type": 1}),
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.type }}",
            example="2",
            success=Success(200, '{"type": 5}', {"Content-Type": "application/json"}),
        ),
    ),
)
