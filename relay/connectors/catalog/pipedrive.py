"""Pipedrive: persons, deals, notes and activities, and events by webhook."""

from relay.connectors.catalog._pipedrive_records import COMPANY, CUSTOM, ORGANIZATION, ORIGIN, OWNER, RECORDS
from relay.connectors.definition import (
    Action,
    Call,
    ConnectionTest,
    Connector,
    Field,
    OAuth2,
    OptionSource,
    Output,
    Paging,
    Preset,
    Reply,
    Scope,
    Wait,
)
from relay.signatures.generic import BASIC

PAGES = Paging(cursor="additional_data.next_cursor", parameter="cursor")
_FOUND = "calls.find.body.data.items"
# A person that was found keeps the addresses and numbers that it has: a name that is missing is left out.
_UNLESS_FOUND = f"if not {_FOUND} else calls.find.nothing"

PIPEDRIVE = Connector(
    key="pipedrive",
    label="Pipedrive",
    docs="https://pipedrive.readme.io/docs/guide-for-webhooks",
    help="Creates, changes and finds persons, and adds deals, notes and activities.",
    categories=("crm",),
    hosts=(f"{COMPANY}.pipedrive.com",),
    base_url=f"{ORIGIN}/api/v2",
    headers={"x-api-token": "{{ connection.token }}"},
    auth=OAuth2(
        authorize_url="https://oauth.pipedrive.com/oauth/authorize",
        token_url="https://oauth.pipedrive.com/oauth/token",  # noqa: S106 - an address
        revoke_url="https://oauth.pipedrive.com/oauth/revoke",
        scopes=(
            Scope("base", "know which account it is connected to"),
            Scope("contacts:full", "read, add and change persons and organizations"),
            Scope("deals:full", "read, add and change deals and notes"),
            Scope("activities:full", "read, add and change activities"),
            Scope("users:read", "list the users"),
            Scope("search:read", "search"),
        ),
        # Pipedrive's descriptions name no PKCE; the client's secret protects the code.
        uses_pkce=False,
        lifetime=3600,
        value="{{ 'Bearer ' ~ connection.access_token if connection.access_token else connection.access_token }}",
        instead="token",
        keeps=("api_domain",),
        setup=(
            "In Pipedrive's Developer Hub, create a private app.",
            "Enter the redirect address above as its callback URL.",
            "Choose the scopes listed above, and save.",
            "Copy the client ID and the client secret from the same page into the fields below.",
        ),
    ),
    reply=Reply(
        ok="success",
        error="error",
        refused=(401,),
        wait=(Wait("x-ratelimit-reset", only_if=("x-ratelimit-remaining", "0")),),
    ),
    test=ConnectionTest(Call("me", "User", url=f"{ORIGIN}/v1/users/me"), identity="{{ body.data.email }}"),
    sources=(
        OptionSource("pipelines", Call("pipelines", "Pipelines", url="/pipelines"), rows="data", paging=PAGES),
        OptionSource(
            "stages",
            Call("stages", "Stages", url="/stages", query={"pipeline_id": "{{ inputs.pipeline_id }}"}),
            rows="data",
            needs=("pipeline_id",),
            paging=PAGES,
        ),
        OptionSource("users", Call("users", "Users", url=f"{ORIGIN}/v1/users"), rows="data"),
    ),
    connection=(
        Field(
            "token",
            "API token",
            secret=True,
            pattern=r"[0-9A-Za-z]{16,200}",
            help="In Pipedrive, under personal preferences, API. Leave it empty to connect by OAuth.",
        ),
    ),
    actions=(
        Action(
            key="save_person",
            label="Create or update a person",
            help="Looks up the person by e-mail address. If there is one, updates it; otherwise, creates it.",
            inputs=(
                Field("email", "E-mail", required=True, max_length=320, example="ada@example.com"),
                Field("name", "Name", required=True, max_length=255, example="Ada Lovelace"),
                Field(
                    "phone", "Phone", max_length=100, example="+49301234567", help="Only for a person that is created."
                ),
                ORGANIZATION,
                OWNER,
                CUSTOM,
            ),
            before=(
                Call(
                    "find",
                    "Look up the person",
                    url="/persons/search",
                    query={"term": "{{ inputs.email }}", "fields": "email", "exact_match": "true"},
                    example={"success": True, "data": {"items": []}},
                ),
            ),
            method=f"{{{{ 'PATCH' if {_FOUND} else 'POST' }}}}",
            url=f"/persons{{% if {_FOUND} %}}/{{{{ {_FOUND}.0.item.id | urlencode }}}}{{% endif %}}",
            json={
                "name": "{{ inputs.name }}",
                "emails": f"{{{{ [{{'value': inputs.email, 'primary': true, 'label': 'work'}}] {_UNLESS_FOUND} }}}}",
                "phones": f"{{{{ [{{'value': inputs.phone, 'primary': true, 'label': 'work'}}] {_UNLESS_FOUND} }}}}",
                "org_id": "{{ inputs.org_id }}",
                "owner_id": "{{ inputs.owner_id }}",
                "custom_fields": "{{ inputs.custom_fields }}",
            },
            outputs=(Output("id", "Person", "data.id", example=12), Output("name", "Name", "data.name", example="Ada")),
            # A search finds a new person only after a while, so no inquiry could tell.
            repeatable=False,
            docs="https://developers.pipedrive.com/docs/api/v1/Persons",
        ),
        *RECORDS,
    ),
    presets=(
        Preset(
            key="pipedrive",
            label="Pipedrive",
            body_types=("json",),
            verify=BASIC,
            scheme="basic_auth",
            secret=(
                Field("username", "User name", required=True),
                Field("password", "Password", required=True, secret=True),
            ),
            dedupe="{{ event.body.meta.correlation_id }}",
            event="{{ event.body.meta.action }}.{{ event.body.meta.entity }}",
            example="create.deal",
            help="Enter the same user name and password at the webhook.",
            caution="The password signs nothing: anyone who knows it can send any event.",
        ),
    ),
)
