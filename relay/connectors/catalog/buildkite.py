"""Buildkite: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

BUILDKITE = Connector(
    key="buildkite",
    label="Buildkite",
    docs="https://buildkite.com/docs/apis/webhooks",
    presets=(
        Preset(
            key="buildkite",
            label="Buildkite",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-buildkite-signature", "hex", split=",", kv="=", field="signature"),
                signed="{timestamp}.{body}",
                timestamp=Timestamp("sig:timestamp"),
            ),
            secret=(
                Field(
                    "secret",
                    "Token",
                    required=True,
                    secret=True,
                    help="Of the notification service, with the signature chosen and not the plain token.",
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.body.event }}",
            example="build.finished",
        ),
    ),
)
