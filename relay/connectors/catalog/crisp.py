"""Crisp: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

CRISP = Connector(
    key="crisp",
    label="Crisp",
    docs="https://docs.crisp.chat/guides/web-hooks/",
    presets=(
        Preset(
            key="crisp",
            label="Crisp",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-crisp-signature", "hex"),
                signed="[{timestamp};{body}]",
                timestamp=Timestamp("header:x-crisp-request-timestamp", "ms"),
            ),
            secret=(Field("secret", "Signing secret", required=True, secret=True, help="Of the hook."),),
            dedupe="{{ event.raw }}",
            event="{{ event.body.event }}",
            example="message:send",
        ),
    ),
)
