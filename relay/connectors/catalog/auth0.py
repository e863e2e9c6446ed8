"""Auth0: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import shared

AUTH0 = Connector(
    key="auth0",
    label="Auth0",
    docs="https://auth0.com/docs/customize/log-streams/custom-log-streams",
    presets=(
        Preset(
            key="auth0",
            label="Auth0 log stream",
            body_types=("json",),
            verify=shared("header:authorization"),
            scheme="static_authorization",
            secret=(
                Field(
                    "secret",
                    "Authorization token",
                    required=True,
                    secret=True,
                    help="The whole Authorization value that the log stream sends.",
                ),
            ),
            dedupe="{{ event.body | map(attribute='log_id') | list }}",
            event="{{ event.body[0].data.type }}",
            example="s",
            caution="The token signs nothing: anyone who knows it can send any event.",
        ),
    ),
)
