"""Dropbox: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Handshake, Respond, Scheme, Signature, When

DROPBOX = Connector(
    key="dropbox",
    label="Dropbox",
    docs="https://www.dropbox.com/developers/reference/webhooks",
    presets=(
        Preset(
            key="dropbox",
            label="Dropbox",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-dropbox-signature", "hex")),
            secret=(Field("secret", "App secret", required=True, secret=True, help="In the settings of the app."),),
            handshakes=(
                Handshake(
                    key="dropbox_challenge",
                    when=When(method="GET", present=("query:challenge",)),
                    respond=Respond(body="{query:challenge}"),
                ),
            ),
            success=Success(200, ""),
            caution="No time is signed, and all notifications look alike: a recorded request can be sent again.",
        ),
    ),
)
