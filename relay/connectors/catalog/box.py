"""Box: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

BOX = Connector(
    key="box",
    label="Box",
    docs="https://developer.box.com/guides/webhooks/",
    presets=(
        Preset(
            key="box",
            label="Box",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature(("header:box-signature-primary", "header:box-signature-secondary"), "base64"),
                signed="{body}{timestamp}",
                timestamp=Timestamp("header:box-delivery-timestamp", "iso", tolerance=600),
                require={"header:box-signature-version": "1", "header:box-signature-algorithm": "HmacSHA256"},
            ),
            secret=(
                Field(
                    "secret",
                    "Signature key",
                    required=True,
                    secret=True,
                    help="Primary or secondary key of the app; add both.",
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.trigger }}",
            example="FILE.UPLOADED",
        ),
    ),
)
