"""PandaDoc: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature

PANDADOC = Connector(
    key="pandadoc",
    label="PandaDoc",
    docs="https://developers.pandadoc.com/docs/webhooks",
    presets=(
        Preset(
            key="pandadoc",
            label="PandaDoc",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("query:signature", "hex")),
            scheme="query_signature",
            secret=(Field("secret", "Shared key", required=True, secret=True, help="Shown at the webhook."),),
            dedupe="{{ event.raw }}",
            event="{{ event.body[0].event }}",
            example="document_state_changed",
        ),
    ),
)
