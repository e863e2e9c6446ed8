"""Microsoft Graph: events by webhook."""

from relay.connectors.definition import (
    Call,
    ConnectionTest,
    Connector,
    Field,
    OAuth2,
    Preset,
    Reply,
    Scope,
    Subscription,
)
from relay.signatures import Handshake, Named, Respond, Scheme, Signature, When

GRAPH = Handshake(
    key="graph_handshake",
    when=When(method="POST", present=("query:validationToken",)),
    respond=Respond(body="{query:validationToken}"),
)

ENDPOINTS = "https://login.microsoftonline.com/{{ connection.tenant | default('common', true) }}/oauth2/v2.0"
PATHS = {
    "mail in the inbox": "me/mailFolders('inbox')/messages",
    "all mail": "me/messages",
    "calendar": "me/events",
    "contacts": "me/contacts",
    "OneDrive": "me/drive/root",
}
OTHER = "another resource"
RESOURCE = f"{{{{ {PATHS}[inputs.about] if inputs.about != '{OTHER}' else inputs.resource }}}}"
# Three days are the shortest maximum of mail, calendar, contacts and OneDrive; an hour is that of any resource. Both
# are shortened, because a clock that is ahead would ask for more than the maximum, which is refused.
LIFETIME = f"{{{{ 3300 if inputs.about == '{OTHER}' else 252000 }}}}"

MICROSOFT_GRAPH = Connector(
    key="microsoft_graph",
    label="Microsoft Graph",
    docs="https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks",
    help="Sends an event when mail, a calendar, contacts or files of a Microsoft 365 account change.",
    hosts=("graph.microsoft.com",),
    base_url="https://graph.microsoft.com/v1.0",
    auth=OAuth2(
        authorize_url=f"{ENDPOINTS}/authorize",
        token_url=f"{ENDPOINTS}/token",
        scopes=(
            Scope("offline_access", "stay connected while you are away", is_listed=False),
            Scope("User.Read", "know which account it is connected to"),
            Scope("Mail.Read", "read your mail"),
            Scope("Calendars.Read", "read your calendars"),
            Scope("Contacts.Read", "read your contacts"),
            Scope("Files.Read", "read your files"),
        ),
        client="body",
        parameters={"response_mode": "query", "prompt": "select_account"},
        lifetime=3600,
        setup=(
            "In the Microsoft Entra admin center, register an application.",
            "Choose which accounts may use it. If they are those of one organization, enter its tenant in connections.",
            "Enter the redirect address above as a redirect URI of the platform Web.",
            "Add the scopes listed above as delegated permissions of Microsoft Graph.",
            "Create a client secret. Copy its value, and the application (client) ID, into the fields below.",
            "Before the client secret expires, create another one and enter it here.",
        ),
    ),
    reply=Reply(error="error.message", refused=(401,)),
    test=ConnectionTest(
        Call("me", "Account", url="/me", query={"$select": "displayName,userPrincipalName"}),
        identity="{{ body.userPrincipalName or body.displayName }}",
    ),
    connection=(
        Field(
            "tenant",
            "Tenant",
            pattern=r"[0-9A-Za-z][0-9A-Za-z.-]{0,99}",
            example="contoso.onmicrosoft.com",
            help="The id or the domain of the organization. Empty for accounts of any organization, and personal ones.",
        ),
    ),
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
            docs="https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks",
            subscription=Subscription(
                subscribe=Call(
                    "subscribe",
                    "Create the subscription",
                    "POST",
                    "/subscriptions",
                    json={
                        # Graph reports only updates of the root of OneDrive.
                        "changeType": "{{ 'updated' if inputs.about == 'OneDrive' else inputs.changes | join(',') }}",
                        "notificationUrl": "{{ url }}",
                        "resource": RESOURCE,
                        "expirationDateTime": "{{ ends }}",
                        "clientState": "{{ secret }}",
                    },
                    repeatable=False,
                ),
                renew=Call(
                    "renew",
                    "Renew the subscription",
                    "PATCH",
                    "/subscriptions/{{ subscription.id | urlencode }}",
                    json={"expirationDateTime": "{{ ends }}"},
                    absent=(404,),
                ),
                unsubscribe=Call(
                    "unsubscribe",
                    "Delete the subscription",
                    "DELETE",
                    "/subscriptions/{{ subscription.id | urlencode }}",
                    absent=(404,),
                ),
                existing=Call("subscriptions", "Subscriptions", url="/subscriptions"),
                rows="value",
                match="{{ row.notificationUrl == url }}",
                makes_secret=True,
                lifetime=LIFETIME,
                ends="expirationDateTime",
                inputs=(
                    Field(
                        "about",
                        "About",
                        kind="choice",
                        options=(*PATHS, OTHER),
                        default="mail in the inbox",
                        required=True,
                    ),
                    Field(
                        "resource",
                        "Resource",
                        required=True,
                        when=("about", (OTHER,)),
                        max_length=1_000,
                        example="me/todo/lists/AQMkAD/tasks",
                        help="Its path in Microsoft Graph, without https://graph.microsoft.com/v1.0/.",
                    ),
                    Field(
                        "changes",
                        "Changes",
                        kind="list",
                        required=True,
                        default=["created"],
                        example=["created", "updated"],
                        max_items=3,
                        help="created, updated, deleted. For OneDrive, only updated.",
                    ),
                ),
                docs="https://learn.microsoft.com/en-us/graph/api/subscription-post-subscriptions",
                help="An event says what has changed, without its contents. Resources that are not in the list may "
                "need more permissions than a connection asks for.",
            ),
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
