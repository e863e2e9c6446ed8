"""HubSpot: contacts, companies, deals, tickets and notes, and events by webhook."""

from relay.connectors.catalog._hubspot_records import RECORDS
from relay.connectors.definition import (
    Action,
    Call,
    ConnectionTest,
    Connector,
    Field,
    OAuth2,
    OptionSource,
    Output,
    Preset,
    Reply,
    Scope,
    Wait,
)
from relay.signatures import Scheme, Signature, Timestamp

HUBSPOT = Connector(
    key="hubspot",
    label="HubSpot",
    docs="https://developers.hubspot.com/docs/api/webhooks/validating-requests",
    help="Creates, changes and finds contacts, companies, deals, tickets and notes.",
    categories=("crm",),
    hosts=("api.hubapi.com",),
    base_url="https://api.hubapi.com",
    auth=OAuth2(
        authorize_url="https://app.hubspot.com/oauth/authorize",
        token_url="https://api.hubapi.com/oauth/v1/token",  # noqa: S106 - an address
        scopes=(
            Scope("oauth", "know which HubSpot account it is connected to"),
            Scope("crm.objects.contacts.read", "read contacts"),
            Scope("crm.objects.contacts.write", "add and change contacts"),
            Scope("crm.objects.companies.read", "read companies"),
            Scope("crm.objects.companies.write", "add and change companies"),
            Scope("crm.objects.deals.read", "read deals"),
            Scope("crm.objects.deals.write", "add and change deals"),
            Scope("tickets", "read, add and change tickets"),
        ),
        client="body",
        # The token endpoint is described with a code_verifier, but the authorization page without a code_challenge, and
        # a verifier without a challenge may be refused. The client's secret protects the code.
        uses_pkce=False,
        lifetime=1800,
        value="Bearer {{ connection.token | default(connection.access_token, true) }}",
        instead="token",
        setup=(
            "In HubSpot's developer account, create an app.",
            "On the app's page for authentication, enter the redirect address above as a redirect URL.",
            "There, add the scopes listed above, and save.",
            "Copy the client ID and the client secret from the same page into the fields below.",
        ),
    ),
    # 207: the answer contains the errors of some of several objects.
    reply=Reply(
        error="message",
        partly=(207,),
        refused=(401,),
        # The length of the window in which requests are counted.
        wait=(
            Wait(
                "X-HubSpot-RateLimit-Interval-Milliseconds",
                unit="milliseconds",
                only_if=("X-HubSpot-RateLimit-Remaining", "0"),
            ),
        ),
    ),
    test=ConnectionTest(
        Call("account", "Account", url="/account-info/v3/details"), identity="account {{ body.portalId }}"
    ),
    sources=(
        OptionSource(
            "deal_pipelines",
            Call("pipelines", "Deal pipelines", url="/crm/v3/pipelines/deals"),
            rows="results",
            label="{{ row.label }}",
        ),
        OptionSource(
            "deal_stages",
            Call("stages", "Deal stages", url="/crm/v3/pipelines/deals/{{ inputs.pipeline | urlencode }}/stages"),
            rows="results",
            label="{{ row.label }}",
            needs=("pipeline",),
        ),
        OptionSource(
            "ticket_pipelines",
            Call("pipelines", "Ticket pipelines", url="/crm/v3/pipelines/tickets"),
            rows="results",
            label="{{ row.label }}",
        ),
        OptionSource(
            "ticket_stages",
            Call("stages", "Ticket stages", url="/crm/v3/pipelines/tickets/{{ inputs.pipeline | urlencode }}/stages"),
            rows="results",
            label="{{ row.label }}",
            needs=("pipeline",),
        ),
    ),
    connection=(
        Field(
            "token",
            "Access token",
            secret=True,
            pattern=r"[0-9A-Za-z_-]{8,300}",
            help="The token of a private app with the scopes it needs, pat-... Leave it empty to connect by OAuth.",
        ),
    ),
    presets=(
        Preset(
            key="hubspot",
            label="HubSpot (signature v3)",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-hubspot-signature-v3", "base64"),
                signed="{method}{url}{body}{timestamp}",
                timestamp=Timestamp("header:x-hubspot-request-timestamp", "ms"),
            ),
            scheme="hubspot_v3",
            secret=(Field("secret", "Client secret", required=True, secret=True, help="Of the app."),),
            dedupe="{{ event.body | map(attribute='eventId') | list }}",
            event="{{ event.body[0].subscriptionType }}",
            example="contact.creation",
        ),
        Preset(
            key="hubspot_v2",
            label="HubSpot (workflows, signature v2)",
            body_types=("json",),
            verify=Scheme(
                kind="digest",
                signature=Signature("header:x-hubspot-signature", "hex"),
                signed="{secret}{method}{url}{body}",
                require={"header:x-hubspot-signature-version": "v2"},
            ),
            secret=(Field("secret", "Client secret", required=True, secret=True, help="Of the app."),),
            caution="No time is signed: a recorded request can be sent again.",
        ),
        Preset(
            key="hubspot_v1",
            label="HubSpot (legacy, signature v1)",
            body_types=("json",),
            verify=Scheme(
                kind="digest",
                signature=Signature("header:x-hubspot-signature", "hex"),
                signed="{secret}{body}",
                require={"header:x-hubspot-signature-version": "v1"},
            ),
            secret=(Field("secret", "Client secret", required=True, secret=True, help="Of the app."),),
            dedupe="{{ event.body | map(attribute='eventId') | list }}",
            caution="No time is signed: a recorded request can be sent again later.",
        ),
    ),
    actions=(
        Action(
            key="upsert_contact",
            label="Add or change a contact",
            help="Updates the contact with this address, or creates it. Empty fields stay as they are.",
            inputs=(
                Field("email", "E-mail", required=True, max_length=320, example="ada@example.com"),
                Field("first_name", "First name", max_length=500, example="Ada"),
                Field("last_name", "Last name", max_length=500, example="Lovelace"),
                Field("phone", "Phone", max_length=100, example="+4930901820"),
                Field("company", "Company", max_length=500, example="Engines Ltd"),
                Field(
                    "properties",
                    "More fields",
                    kind="json",
                    help="Values by the internal names of HubSpot's properties, which its settings show.",
                    example={"lifecyclestage": "lead"},
                ),
            ),
            url="/crm/v3/objects/contacts/batch/upsert",
            json={
                "inputs": [
                    {
                        "idProperty": "email",
                        "id": "{{ inputs.email }}",
                        "properties": "{{ {'email': inputs.email, 'firstname': inputs.first_name | default('')"
                        ", 'lastname': inputs.last_name | default(''), 'phone': inputs.phone | default('')"
                        ", 'company': inputs.company | default('')}"
                        " | merge(inputs.properties | default({})) | compact }}",
                    }
                ]
            },
            outputs=(
                Output("id", "Contact id", "results.0.id", example="101"),
                Output("is_new", "Is new", "results.0.new", example=True),
            ),
            proof="spec",
            docs="https://github.com/HubSpot/HubSpot-public-api-spec-collection",
        ),
        *RECORDS,
    ),
)
