"""LINE: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature

LINE = Connector(
    key="line",
    label="LINE",
    docs="https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/",
    presets=(
        Preset(
            key="line",
            label="LINE",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-line-signature", "base64")),
            secret=(
                Field("secret", "Channel secret", required=True, secret=True, help="Basic settings of the channel."),
            ),
            dedupe="{{ event.body.events | map(attribute='webhookEventId') | list }}",
            event="{{ event.body.events[0].type }}",
            example="message",
            success=Success(200, ""),
        ),
    ),
)
