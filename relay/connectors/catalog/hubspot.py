"""HubSpot: contacts, and events by webhook."""

from relay.connectors.definition import Action, Connector, Field, Output, Preset, Reply
from relay.signatures import Scheme, Signature, Timestamp

HUBSPOT = Connector(
    key="hubspot",
    label="HubSpot",
    docs="https://developers.hubspot.com/docs/api/webhooks/validating-requests",
    help="Keeps contacts.",
    hosts=("api.hubapi.com",),
    connection=(
        Field(
            "token",
            "Access token",
            required=True,
            secret=True,
            pattern=r"[0-9A-Za-z_-]{8,300}",
            help="Of a private app that may write contacts: pat-...",
        ),
    ),
    presets=(
        Preset(
            key="hubspot",
            label="HubSpot (signature v3)",
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
            verify=Scheme(
                kind="digest",
                signature=Signature("header:x-hubspot-signature", "hex"),
                signed="{secret}{body}",
                require={"header:x-hubspot-signature-version": "v1"},
            ),
            secret=(Field("secret", "Client secret", required=True, secret=True, help="Of the app."),),
            caution="No time is signed: a recorded request can be sent again.",
        ),
    ),
    actions=(
        Action(
            key="upsert_contact",
            label="Add or change a contact",
            help="The contact with this address; made where there is none. What is empty stays as it is.",
            inputs=(
                Field("email", "E-mail", required=True, max_length=320, example="ada@example.com"),
                Field("first_name", "First name", max_length=500, example="Ada"),
                Field("last_name", "Last name", max_length=500, example="Lovelace"),
                Field("phone", "Phone", max_length=100, example="+4930901820"),
                Field("company", "Company", max_length=500, example="Engines Ltd"),
                Field(
                    "properties",
                    "Further properties",
                    kind="json",
                    help="By their internal names.",
                    example={"lifecyclestage": "lead"},
                ),
            ),
            url="https://api.hubapi.com/crm/v3/objects/contacts/batch/upsert",
            headers={"Authorization": "Bearer {{ connection.token }}"},
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
            # 207: what was wrong with the one contact stands in the answer.
            reply=Reply(error="message", partly=(207,), refused=(401,)),
            outputs=(Output("id", "Contact id", "results.0.id"), Output("is_new", "Is new", "results.0.new")),
        ),
    ),
)
