"""Contentful: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Named

CONTENTFUL = Connector(
    key="contentful",
    label="Contentful",
    docs="https://www.contentful.com/developers/docs/extensibility/app-framework/request-verification/",
    presets=(
        Preset(
            key="contentful",
            label="Contentful",
            body_types=("json", "form"),
            verify=Named(verifier="canonical_request", tolerance=30, options={"start": "x-contentful"}),
            scheme="contentful_canonical",
            secret=(
                Field(
                    "secret",
                    "Signing secret",
                    required=True,
                    secret=True,
                    help="Created in the settings of the space or app; 64 characters.",
                ),
            ),
            event="{{ event.headers['x-contentful-topic'] }}",
            example="ContentManagement.Entry.publish",
        ),
    ),
)
