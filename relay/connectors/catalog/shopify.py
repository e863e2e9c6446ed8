"""Shopify: orders, stock and prices by the Admin API, and events by webhook."""

from relay.connectors.catalog._shopify_records import RECORDS
from relay.connectors.definition import (
    Call,
    ConnectionTest,
    Connector,
    Field,
    HeaderAuth,
    OptionSource,
    Preset,
    Reply,
    Subscription,
    Success,
)
from relay.signatures import Scheme, Signature

SHOPIFY = Connector(
    key="shopify",
    label="Shopify",
    docs="https://shopify.dev/docs/apps/build/webhooks",
    help="Fulfils, tags and finds orders, and changes stock and prices.",
    categories=("shops",),
    hosts=("{{ connection.shop }}.myshopify.com",),
    base_url="https://{{ connection.shop }}.myshopify.com/admin/api/2026-07",
    auth=HeaderAuth("X-Shopify-Access-Token", "{{ connection.token }}"),
    # Answers with errors have the status 200; one without the credential's permission does not hold runs.
    reply=Reply(error="errors.0.message", retry=("THROTTLED",), refused=(401,)),
    test=ConnectionTest(
        Call(
            "shop",
            "Shop",
            method="POST",
            url="/graphql.json",
            json={"query": "{ shop { name myshopifyDomain } }"},
            reply=Reply(error="errors.0.message", retry=("THROTTLED",), refused=(401, 402, 403, 404)),
        ),
        identity="{{ body.data.shop.name }}",
    ),
    sources=(
        OptionSource(
            "locations",
            Call(
                "locations",
                "Locations",
                method="POST",
                url="/graphql.json",
                json={"query": "{ locations(first: 100) { nodes { id name } } }"},
            ),
            rows="data.locations.nodes",
        ),
    ),
    connection=(
        Field(
            "shop",
            "Shop",
            required=True,
            pattern=r"[a-z0-9][a-z0-9-]{0,62}",
            example="acme",
            help="The part before .myshopify.com.",
        ),
        Field(
            "token",
            "Access token",
            required=True,
            secret=True,
            pattern=r"shp[a-z]{2}_[0-9A-Za-z]{16,100}",
            help="The token of an app, shpat_... The app needs the permissions for the actions that you use.",
        ),
    ),
    actions=RECORDS,
    presets=(
        Preset(
            key="shopify",
            label="Shopify",
            body_types=("xml", "json"),
            verify=Scheme(kind="hmac", signature=Signature("header:x-shopify-hmac-sha256", "base64")),
            secret=(
                Field(
                    "secret",
                    "Signing secret",
                    required=True,
                    secret=True,
                    help="Settings, Notifications, Webhooks shows it; of an app, its client secret.",
                ),
            ),
            dedupe="{{ event.raw }}",
            event="{{ event.headers['x-shopify-topic'] }}",
            example="orders/create",
            caution="Only the body is signed, not the topic. Deliveries with the same body within a day count "
            "as one event, whatever their topic: let each topic start a flow of its own.",
            success=Success(200, ""),
            subscription=Subscription(
                subscribe=Call(
                    "subscribe",
                    "Create the webhook",
                    "POST",
                    "/graphql.json",
                    json={
                        "query": "mutation($topic: WebhookSubscriptionTopic!, $hook: WebhookSubscriptionInput!) {"
                        " webhookSubscriptionCreate(topic: $topic, webhookSubscription: $hook) {"
                        " webhookSubscription { id } userErrors { field message } } }",
                        "variables": {
                            "topic": "{{ inputs.topic }}",
                            "hook": {"uri": "{{ url }}", "format": "JSON"},
                        },
                    },
                    reply=Reply(
                        says=("data.webhookSubscriptionCreate.userErrors", []),
                        error="data.webhookSubscriptionCreate.userErrors.0.message",
                        retry=("THROTTLED",),
                        refused=(401,),
                    ),
                    repeatable=False,
                ),
                unsubscribe=Call(
                    "unsubscribe",
                    "Delete the webhook",
                    "POST",
                    "/graphql.json",
                    json={
                        "query": "mutation($id: ID!) { webhookSubscriptionDelete(id: $id) {"
                        " deletedWebhookSubscriptionId userErrors { field message } } }",
                        "variables": {"id": "{{ subscription.id }}"},
                    },
                    reply=Reply(
                        says=("data.webhookSubscriptionDelete.userErrors", []),
                        error="data.webhookSubscriptionDelete.userErrors.0.message",
                        done=("does not exist",),
                        retry=("THROTTLED",),
                        refused=(401,),
                    ),
                ),
                id="data.webhookSubscriptionCreate.webhookSubscription.id",
                existing=Call(
                    "webhooks",
                    "Webhooks",
                    "POST",
                    "/graphql.json",
                    json={"query": "{ webhookSubscriptions(first: 250) { nodes { id topic uri } } }"},
                ),
                rows="data.webhookSubscriptions.nodes",
                match="{{ row.uri == url and row.topic == inputs.topic }}",
                inputs=(
                    Field(
                        "topic",
                        "Topic",
                        required=True,
                        pattern="[A-Z][A-Z0-9_]{2,80}",
                        example="ORDERS_CREATE",
                        help="In capitals, as in Shopify's GraphQL API: ORDERS_CREATE, ORDERS_PAID, REFUNDS_CREATE.",
                    ),
                ),
                docs="https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/webhookSubscriptionCreate",
                help="Shopify signs with the client secret of the app whose token the connection has: add it under "
                "Secrets as well.",
            ),
        ),
    ),
)
