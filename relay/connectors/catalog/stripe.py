"""Stripe: refunds, customers, invoices and payment links, and events by webhook."""

from relay.connectors.catalog._stripe_records import RECORDS
from relay.connectors.definition import (
    BearerAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    Preset,
    Reply,
    Subscription,
)
from relay.signatures import Scheme, Signature, Timestamp

STRIPE = Connector(
    key="stripe",
    label="Stripe",
    docs="https://docs.stripe.com/webhooks",
    help="Refunds payments, and creates customers, invoices and payment links.",
    categories=("payments",),
    hosts=("api.stripe.com",),
    base_url="https://api.stripe.com/v1",
    headers={"Stripe-Version": "2025-09-30.clover"},
    auth=BearerAuth("{{ connection.key }}"),
    # All requests have an Idempotency-Key, so Stripe carries each out once however often it is sent.
    reply=Reply(error="error.message", retry=("idempotency_key_in_use", "lock_timeout"), refused=(401,)),
    test=ConnectionTest(
        Call("balance", "Balance", url="/balance"),
        identity="{{ 'real payments' if body.livemode else 'test payments' }}",
    ),
    connection=(
        Field(
            "key",
            "Secret key",
            required=True,
            secret=True,
            pattern=r"(?:sk|rk)_(?:test|live)_[0-9A-Za-z]{16,240}",
            help="sk_..., or a restricted key, rk_..., with the permissions for the actions that you use.",
        ),
    ),
    actions=RECORDS,
    presets=(
        Preset(
            key="stripe",
            label="Stripe",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:stripe-signature", "hex", split=",", kv="=", field="v1"),
                signed="{timestamp}.{body}",
                timestamp=Timestamp("sig:t", past_only=True),
            ),
            secret=(
                Field(
                    "secret",
                    "Signing secret",
                    required=True,
                    secret=True,
                    help="whsec_..., shown at the endpoint in the dashboard.",
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.type }}",
            example="invoice.paid",
            subscription=Subscription(
                subscribe=Call(
                    "subscribe",
                    "Create the endpoint",
                    "POST",
                    "/webhook_endpoints",
                    body={
                        "form": {"url": "{{ url }}", "enabled_events[]": "{{ inputs.events }}", "description": "Relay"}
                    },
                    repeatable=False,
                ),
                unsubscribe=Call(
                    "unsubscribe",
                    "Delete the endpoint",
                    "DELETE",
                    "/webhook_endpoints/{{ subscription.id | urlencode }}",
                    absent=(404,),
                ),
                secret="secret",  # noqa: S106 - a path
                existing=Call("endpoints", "Endpoints", url="/webhook_endpoints", query={"limit": "100"}),
                rows="data",
                match="{{ row.url == url }}",
                inputs=(
                    Field(
                        "events",
                        "Events",
                        kind="list",
                        required=True,
                        default=["*"],
                        example=["invoice.paid", "charge.refunded"],
                        max_items=250,
                        help="Such as invoice.paid, charge.refunded; * for all.",
                    ),
                ),
                docs="https://docs.stripe.com/api/webhook_endpoints",
                help="A restricted key needs the permission to write webhook endpoints.",
            ),
        ),
    ),
)
