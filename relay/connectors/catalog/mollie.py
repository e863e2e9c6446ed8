"""Mollie: payments, payment links and refunds, and events by webhook."""

from dataclasses import replace

from relay.connectors.definition import (
    Action,
    BearerAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    Output,
    Preset,
    Reply,
)
from relay.signatures import Scheme, Signature

DOCS = "https://docs.mollie.com/reference"
# As many decimals as the currency has: Mollie refuses 10 and 10.0 euros.
AMOUNT = r"[0-9]{1,9}(?:\.[0-9]{2})?"
PRICE = (
    Field(
        "amount",
        "Amount",
        required=True,
        pattern=AMOUNT,
        example="29.00",
        help="With two decimals, or none if the currency has none.",
    ),
    Field("currency", "Currency", required=True, pattern="[A-Z]{3}", example="EUR", help="Three letters."),
)
MONEY = {"currency": "{{ inputs.currency }}", "value": "{{ inputs.amount | string }}"}
PAYMENT = Field("payment_id", "Payment", required=True, pattern=r"tr_[0-9A-Za-z]{1,60}", example="tr_7UhSN1zuXS")
DESCRIPTION = Field("description", "Description", required=True, max_length=255, example="Order 1001")
RETURN = Field(
    "redirect_url",
    "Page after the payment",
    kind="url",
    max_length=2_000,
    example="https://shop.example.com/thanks",
)
WEBHOOK = Field(
    "webhook_url",
    "Webhook",
    kind="url",
    max_length=2_000,
    example="https://relay.example.com/in/abc",
    help="Mollie posts the payment's id there each time its status changes, without a signature: look the payment up.",
)

MOLLIE = Connector(
    key="mollie",
    label="Mollie",
    docs=f"{DOCS}/overview",
    help="Creates payments and payment links, refunds payments, and looks them up.",
    categories=("payments",),
    hosts=("api.mollie.com",),
    base_url="https://api.mollie.com/v2",
    auth=BearerAuth("{{ connection.api_key }}"),
    reply=Reply(error="detail", refused=(401,)),
    test=ConnectionTest(
        Call("methods", "Payment methods", url="/methods"),
        identity="{{ 'test payments' if connection.api_key.startswith('test_') else 'real payments' }}",
    ),
    connection=(
        Field(
            "api_key",
            "API key",
            required=True,
            secret=True,
            pattern=r"(?:test|live)_[0-9A-Za-z]{20,100}",
            help="test_... makes test payments, live_... real ones. In Mollie, under Developers, API keys.",
        ),
    ),
    actions=(
        Action(
            key="create_payment",
            label="Create a payment",
            help="Returns the page on which the customer pays. Sent again within an hour, it creates no second one.",
            inputs=(
                DESCRIPTION,
                *PRICE,
                replace(RETURN, required=True),
                WEBHOOK,
                Field("metadata", "Metadata", kind="json", example={"order": "1001"}, help="Up to 1 kB."),
            ),
            url="/payments",
            json={
                "description": "{{ inputs.description }}",
                "amount": MONEY,
                "redirectUrl": "{{ inputs.redirect_url }}",
                "webhookUrl": "{{ inputs.webhook_url }}",
                "metadata": "{{ inputs.metadata }}",
            },
            outputs=(
                Output("id", "Payment id", "id", example="tr_7UhSN1zuXS"),
                Output("url", "Page to pay on", "_links.checkout.href", example="https://www.mollie.com/checkout/x"),
                Output("payment_status", "Status", "status", example="open"),
            ),
            docs=f"{DOCS}/create-payment",
        ),
        Action(
            key="create_payment_link",
            label="Create a payment link",
            help="A page that a customer can open at any time. Sent again within an hour, it creates no second one.",
            inputs=(
                DESCRIPTION,
                *PRICE,
                RETURN,
                WEBHOOK,
                Field("expires_at", "Until", kind="datetime", example="2026-01-31T12:00:00Z"),
            ),
            url="/payment-links",
            json={
                "description": "{{ inputs.description }}",
                "amount": MONEY,
                "redirectUrl": "{{ inputs.redirect_url }}",
                "webhookUrl": "{{ inputs.webhook_url }}",
                "expiresAt": "{{ inputs.expires_at }}",
            },
            outputs=(
                Output("id", "Link id", "id", example="pl_4Y0eZitmBnQ6IDoMqZQKh"),
                Output("url", "Link", "_links.paymentLink.href", example="https://payment-links.mollie.com/payment/x"),
            ),
            docs=f"{DOCS}/create-payment-link",
        ),
        Action(
            key="find_payment",
            label="Look a payment up",
            inputs=(PAYMENT,),
            method="GET",
            url="/payments/{{ inputs.payment_id | urlencode }}",
            outputs=(
                Output("payment_status", "Status", "status", example="paid"),
                Output("amount", "Amount", "amount.value", example="29.00"),
                Output("currency", "Currency", "amount.currency", example="EUR"),
                Output("description", "Description", "description", example="Order 1001"),
                Output("metadata", "Metadata", "metadata", example={"order": "1001"}),
                Output("remaining", "Can be refunded", "amountRemaining.value", example="29.00"),
            ),
            docs=f"{DOCS}/get-payment",
        ),
        Action(
            key="refund",
            label="Refund a payment",
            help="Pays money back to the customer.",
            inputs=(
                PAYMENT,
                # An amount that is empty must not refund everything.
                Field(
                    "extent",
                    "How much",
                    kind="choice",
                    required=True,
                    options=("part", "all"),
                    help="An amount, or all that is not refunded yet.",
                ),
                Field("amount", "Amount", required=True, pattern=AMOUNT, example="12.00", when=("extent", ("part",))),
                Field(
                    "currency",
                    "Currency",
                    required=True,
                    pattern="[A-Z]{3}",
                    example="EUR",
                    help="Three letters.",
                    when=("extent", ("part",)),
                ),
                Field("description", "Description", max_length=255, example="Returned mug"),
            ),
            before=(
                # Mollie requires the amount of each refund.
                Call(
                    "payment",
                    "Look the payment up",
                    url="/payments/{{ inputs.payment_id | urlencode }}",
                    when="{{ inputs.extent == 'all' }}",
                    example={"id": "tr_7UhSN1zuXS", "amountRemaining": {"currency": "EUR", "value": "29.00"}},
                ),
            ),
            refuse="{% if inputs.extent == 'all' and not calls.payment.body.amountRemaining | default(none) %}"
            "This payment has no amount left to refund{% endif %}",
            url="/payments/{{ inputs.payment_id | urlencode }}/refunds",
            json={
                "amount": "{{ calls.payment.body.amountRemaining if inputs.extent == 'all'"
                " else {'currency': inputs.currency, 'value': inputs.amount | string} }}",
                "description": "{{ inputs.description }}",
            },
            outputs=(
                Output("id", "Refund id", "id", example="re_4qqhO89gsT"),
                Output("refund_status", "Status", "status", example="queued"),
                Output("amount", "Amount", "amount.value", example="12.00"),
            ),
            # Mollie knows a request again for an hour only, and a run may try for longer.
            repeatable=False,
            docs=f"{DOCS}/create-refund",
        ),
    ),
    presets=(
        Preset(
            key="mollie",
            label="Mollie",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-mollie-signature", "hex", prefix="sha256=")),
            secret=(
                Field(
                    "secret",
                    "Signing secret",
                    required=True,
                    secret=True,
                    help="Mollie shows it when you create the webhook under Developers, Webhooks.",
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.type }}",
            example="payment-link.paid",
            docs=f"{DOCS}/webhooks-new",
            caution="The webhook URL of a single payment gets only its id, without a signature: choose no sender for "
            "it, and look the payment up.",
        ),
    ),
)
