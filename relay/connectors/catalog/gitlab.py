"""GitLab: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures.generic import shared, standard_webhooks

GITLAB = Connector(
    key="gitlab",
    label="GitLab",
    docs="https://docs.gitlab.com/user/project/integrations/webhooks/",
    presets=(
        Preset(
            key="gitlab",
            label="GitLab (secret token)",
            body_types=("json",),
            verify=shared("header:x-gitlab-token"),
            scheme="shared_secret_header",
            secret=(
                Field(
                    "secret",
                    "Secret token",
                    required=True,
                    secret=True,
                    help="The secret token of the webhook, chosen by you.",
                ),
            ),
            dedupe="{{ event.headers['idempotency-key'] | default(event.headers['x-gitlab-event-uuid']) }}",
            event="{{ event.headers['x-gitlab-event'] }}",
            example="Push Hook",
            caution="The token is sent as it is and signs nothing; the newer signing token does.",
        ),
        Preset(
            key="gitlab_signed",
            label="GitLab (signing token)",
            body_types=("json",),
            verify=standard_webhooks(),
            scheme="standard_webhooks",
            secret=(
                Field(
                    "secret",
                    "Signing token",
                    required=True,
                    secret=True,
                    help="whsec_..., shown once when the webhook is created.",
                ),
            ),
            dedupe="{{ event.headers['webhook-id'] }}",
            event="{{ event.body.object_kind | default(event.body.event_name) }}",
            example="push",
        ),
    ),
)
