"""Netlify: deploys and form submissions by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Named

NETLIFY = Connector(
    key="netlify",
    label="Netlify",
    docs="https://docs.netlify.com/site-deploys/notifications/",
    presets=(
        Preset(
            key="netlify",
            label="Netlify",
            body_types=("json",),
            verify=Named(
                verifier="hashed_claims",
                options={"header": "x-webhook-signature", "issuer": "netlify", "body": "sha256", "needs": []},
            ),
            secret=(
                Field(
                    "secret",
                    "JWS secret token",
                    required=True,
                    secret=True,
                    help="Chosen by you, in the settings of the notification.",
                ),
            ),
            dedupe="{{ event.body.id }} {{ event.body.state }}",
            event="{{ event.headers['x-netlify-event'] }}",
            example="deploy_created",
            caution="No time is signed: a recorded request can be sent again.",
        ),
    ),
)
