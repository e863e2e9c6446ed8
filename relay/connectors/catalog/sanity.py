"""Sanity: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Scheme, Signature, Timestamp

SANITY = Connector(
    key="sanity",
    label="Sanity",
    docs="https://www.sanity.io/docs/webhooks",
    presets=(
        Preset(
            key="sanity",
            label="Sanity",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:sanity-webhook-signature", "base64url", split=",", kv="=", field="v1"),
                signed="{timestamp}.{body}",
                timestamp=Timestamp("sig:t", "ms", tolerance=None),
            ),
            secret=(
                Field("secret", "Secret", required=True, secret=True, help="The secret of the webhook, chosen by you."),
            ),
            # A projection may leave out everything that changes, so the signed time is part of the key.
            dedupe="{{ event.headers['sanity-webhook-signature'] | regex_find('(?:^|,)[[:space:]]*t=([0-9]+)') }}"
            " {{ event.raw }}",
            event="{{ event.headers['sanity-operation'] }}",
            example="update",
        ),
    ),
)
