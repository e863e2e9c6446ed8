"""Bitbucket: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature

BITBUCKET = Connector(
    key="bitbucket",
    label="Bitbucket",
    docs="https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
    presets=(
        Preset(
            key="bitbucket",
            label="Bitbucket",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-hub-signature", "hex", prefix="sha256=")),
            scheme="hub_sha256",
            secret=(Field("secret", "Secret", required=True, secret=True, help="The secret of the webhook."),),
            dedupe="{{ event.raw }}",
            event="{{ event.headers['x-event-key'] }}",
            example="repo:push",
            caution="Only the body is signed, not the type of event or a time: a recorded request can be sent "
            "again later.",
        ),
    ),
)
