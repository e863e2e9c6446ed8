"""DocuSign: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset, Success
from relay.signatures import Scheme, Signature

DOCUSIGN = Connector(
    key="docusign",
    label="DocuSign",
    docs="https://developers.docusign.com/platform/webhooks/connect/validate/",
    presets=(
        Preset(
            key="docusign",
            label="DocuSign",
            body_types=("xml", "json"),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-docusign-signature-1", "base64", numbered="x-docusign-signature-"),
            ),
            secret=(Field("secret", "HMAC key", required=True, secret=True, help="Created on the Connect page."),),
            dedupe="{{ event.body.data.envelopeId | default(event.raw) }} {{ event.body.event | default('') }}"
            " {{ event.body.generatedDateTime | default('') }}",
            event="{{ event.body.event }}",
            example="envelope-completed",
            success=Success(200, ""),
        ),
    ),
)
