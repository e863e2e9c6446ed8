"""Salesforce: records of any object, opportunities, tasks and queries."""

from relay.connectors.catalog._salesforce_records import RECORDS
from relay.connectors.definition import Call, ConnectionTest, Connector, Field, OAuth2, OptionSource, Reply, Scope

LOGIN = "https://{{ 'test' if connection.environment == 'sandbox' else 'login' }}.salesforce.com/services/oauth2"

SALESFORCE = Connector(
    key="salesforce",
    label="Salesforce",
    docs="https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/",
    help="Creates, changes and finds records of any object, and adds opportunities and tasks.",
    categories=("crm",),
    # Each organization has an address of its own, which comes with the tokens.
    hosts=("{{ connection.instance_url }}",),
    base_url="{{ connection.instance_url }}/services/data/v62.0",
    auth=OAuth2(
        authorize_url=f"{LOGIN}/authorize",
        token_url=f"{LOGIN}/token",
        revoke_url=f"{LOGIN}/revoke",
        scopes=(
            Scope("api", "read, add and change the records that you can"),
            Scope("refresh_token", "keep its access until you remove it"),
            Scope("openid", "know which account it is connected to"),
        ),
        client="body",
        base_url_from="instance_url",
        # The answers have no lifetime: the session timeout of the organization ends a token, 2 hours by default. A
        # token that ends earlier is refused with 401, and renewed then.
        lifetime=3600,
        setup=(
            "In Salesforce, open Setup, External Client App Manager, and create an external client app.",
            "Enable OAuth in it, and enter the redirect address above as its callback URL.",
            "Add the scopes listed above, and require PKCE. Permit rotation of refresh tokens if you like.",
            "Save, and wait for up to 10 minutes until Salesforce knows the app.",
            "Copy the consumer key (client ID) and the consumer secret (client secret) into the fields below.",
        ),
    ),
    # Errors are a list of objects.
    reply=Reply(
        error="0.message",
        refused=(401,),
        retry=("UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"),
    ),
    test=ConnectionTest(
        Call("user", "User", url="{{ connection.instance_url }}/services/oauth2/userinfo"),
        identity="{{ body.preferred_username | default('') }}",
    ),
    connection=(
        Field(
            "environment",
            "Environment",
            kind="choice",
            options=("production", "sandbox"),
            default="production",
            pattern="production|sandbox",
            example="production",
            help="Choose production for developer editions too.",
        ),
    ),
    sources=(
        OptionSource(
            "objects",
            Call("objects", "Objects", url="/sobjects"),
            rows="sobjects",
            value="{{ row.name }}",
            label="{{ row.label }}",
        ),
        OptionSource(
            "fields",
            Call("fields", "Fields", url="/sobjects/{{ inputs.object | urlencode }}/describe"),
            rows="fields",
            value="{{ row.name }}",
            label="{{ row.label }}",
            needs=("object",),
        ),
    ),
    actions=RECORDS,
)
