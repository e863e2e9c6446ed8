"""Microsoft Graph: events by webhook."""

from relay.connectors.definition import Connector, Field, Preset
from relay.signatures import Handshake, Named, Respond, Scheme, Signature, When

GRAPH = Handshake(
    key="graph_handshake",
    when=When(method="POST", present=("query:validationToken",)),
    respond=Respond(body="{query:validationToken}"),
)

MICROSOFT_GRAPH = Connector(
    key="microsoft_graph",
    label="Microsoft Graph",
    docs="https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks",
    presets=(
        Preset(
            key="microsoft_graph",
            label="Microsoft Graph (Teams, Outlook, SharePoint)",
            body_types=("json",),
            verify=Scheme(kind="shared_secret", signature=Signature("json:clientState"), each="value"),
            scheme="graph_client_state",
            secret=(
                Field(
                    "secret",
                    "Client state",
                    required=True,
                    secret=True,
                    help="The clientState with which the subscription was created.",
                ),
            ),
            handshakes=(GRAPH,),
            dedupe="{{ event.raw }}",
            event="{{ event.body.value[0].changeType }}",
            example="created",
            caution="The client state signs nothing: anyone who knows it can send any event.",
        ),
        Preset(
            key="microsoft_graph_rich",
            label="Microsoft Graph (with resource data)",
            body_types=("json",),
            verify=Named(
                verifier="notification_tokens",
                options={
                    "url": "https://login.microsoftonline.com/common/discovery/v2.0/keys",
                    "sender": "0bf30f3b-4a52-48df-9a82-234910c4a086",
                },
            ),
            scheme="graph_rich",
            secret=(
                Field(
                    "app_id",
                    "Application ID",
                    required=True,
                    secret=True,
                    help="Of the app with which the subscription was created.",
                ),
            ),
            handshakes=(GRAPH,),
            dedupe="{{ event.raw }}",
            event="{{ event.body.value[0].changeType }}",
            example="created",
            caution="Only the tokens are signed, not the notifications; encrypted content is passed on as it is.",
        ),
    ),
)
