"""The actions of Stripe. Amounts are in the smallest unit of their currency: 1450 are 14.50 euros, but 1450 yen."""

from relay.connectors.definition import Action, Field, Output

DOCS = "https://docs.stripe.com/api"
CUSTOMER_ID = r"cus_[0-9A-Za-z]{1,100}"
CURRENCY = Field(
    "currency", "Currency", required=True, pattern="[a-z]{3}", example="eur", help="Three lowercase letters."
)
METADATA = Field(
    "metadata",
    "Metadata",
    kind="json",
    example={"order": "1001"},
    help="Up to 50 names of up to 40 characters, with texts of up to 500 characters.",
)
CUSTOMER = Field("customer_id", "Customer", required=True, pattern=CUSTOMER_ID, example="cus_NffrFeUfNV2Hib")
CENTS = "In the smallest unit: 1450 for 14.50 euros."

RECORDS = (
    Action(
        key="refund",
        label="Refund a payment",
        help="Pays money back to the customer.",
        inputs=(
            Field(
                "payment_intent",
                "Payment",
                required=True,
                pattern=r"pi_[0-9A-Za-z]{1,100}",
                example="pi_1GszsK2eZvKYlo2CfhZyoZLp",
                help="The id of the payment intent.",
            ),
            # An amount that is empty must not refund everything.
            Field(
                "extent",
                "How much",
                kind="choice",
                required=True,
                options=("part", "all"),
                help="An amount, or all that is not refunded yet.",
            ),
            Field(
                "amount",
                "Amount",
                kind="integer",
                required=True,
                minimum=1,
                maximum=99_999_999,
                example=1450,
                help=CENTS,
                when=("extent", ("part",)),
            ),
            Field(
                "reason",
                "Reason",
                kind="choice",
                options=("requested_by_customer", "duplicate", "fraudulent"),
            ),
            METADATA,
        ),
        url="/refunds",
        body={
            "form": {
                "payment_intent": "{{ inputs.payment_intent }}",
                "amount": "{{ none if inputs.extent == 'all' else inputs.amount }}",
                "reason": "{{ inputs.reason }}",
                "metadata": "{{ inputs.metadata }}",
            }
        },
        outputs=(
            Output("id", "Refund id", "id", example="re_1Nispe2eZvKYlo2Cd31jOCgZ"),
            Output("refund_status", "Status", "status", example="succeeded"),
            Output("amount", "Amount", "amount", example=1450),
        ),
        docs=f"{DOCS}/refunds/create",
    ),
    Action(
        key="create_customer",
        label="Create a customer",
        help="Stripe accepts several customers with the same e-mail address: find the customer first.",
        inputs=(
            Field("email", "E-mail", kind="email", required=True, max_length=512, example="ada@example.com"),
            Field("name", "Name", max_length=256, example="Ada Lovelace"),
            Field("phone", "Phone", max_length=20, example="+4930901820"),
            Field("description", "Description", max_length=5000, example="Wholesale"),
            METADATA,
        ),
        url="/customers",
        body={
            "form": {
                "email": "{{ inputs.email }}",
                "name": "{{ inputs.name }}",
                "phone": "{{ inputs.phone }}",
                "description": "{{ inputs.description }}",
                "metadata": "{{ inputs.metadata }}",
            }
        },
        outputs=(Output("id", "Customer id", "id", example="cus_NffrFeUfNV2Hib"),),
        proof="spec",
        docs=f"{DOCS}/customers/create",
    ),
    Action(
        key="find_customer",
        label="Find a customer by e-mail address",
        help="Finds the newest customer with exactly this address. If there is none, the list is empty.",
        inputs=(Field("email", "E-mail", required=True, max_length=512, example="ada@example.com"),),
        method="GET",
        url="/customers",
        query={"email": "{{ inputs.email }}", "limit": 1},
        outputs=(
            Output("customers", "Customers", "data", example=[]),
            Output("id", "Customer id", "data.0.id", example="cus_NffrFeUfNV2Hib"),
            Output("name", "Name", "data.0.name", example="Ada Lovelace"),
        ),
        docs=f"{DOCS}/customers/list",
    ),
    Action(
        key="add_invoice_item",
        label="Add an item to an invoice",
        inputs=(
            CUSTOMER,
            Field(
                "amount",
                "Amount",
                kind="integer",
                required=True,
                minimum=-99_999_999,
                maximum=99_999_999,
                example=1450,
                help=f"{CENTS} A negative amount is a credit.",
            ),
            CURRENCY,
            Field("description", "Description", max_length=5000, example="T-shirt"),
            Field(
                "invoice_id",
                "Invoice",
                pattern=r"in_[0-9A-Za-z]{1,100}",
                example="in_1MtHbELkdIwHu7ixl4OzzPMv",
                help="The id of a draft. If empty, the next invoice of the customer.",
            ),
            METADATA,
        ),
        url="/invoiceitems",
        body={
            "form": {
                "customer": "{{ inputs.customer_id }}",
                "amount": "{{ inputs.amount }}",
                "currency": "{{ inputs.currency }}",
                "description": "{{ inputs.description }}",
                "invoice": "{{ inputs.invoice_id }}",
                "metadata": "{{ inputs.metadata }}",
            }
        },
        outputs=(Output("id", "Item id", "id", example="ii_1MtGUtLkdIwHu7ixBYwjAM00"),),
        docs=f"{DOCS}/invoiceitems/create",
    ),
    Action(
        key="create_invoice",
        label="Create an invoice",
        help="Creates a draft, which the customer pays with a link in a mail. Add its items, then send it.",
        inputs=(
            CUSTOMER,
            Field("days_until_due", "Days until due", kind="integer", minimum=0, maximum=365, default=30),
            Field("currency", "Currency", pattern="[a-z]{3}", example="eur", help="If empty, the customer's."),
            Field("description", "Text", max_length=1500, example="Thank you for your order 1001."),
            METADATA,
        ),
        url="/invoices",
        body={
            "form": {
                "customer": "{{ inputs.customer_id }}",
                "collection_method": "send_invoice",
                "days_until_due": "{{ inputs.days_until_due }}",
                "auto_advance": "false",
                "currency": "{{ inputs.currency }}",
                "description": "{{ inputs.description }}",
                "metadata": "{{ inputs.metadata }}",
            }
        },
        outputs=(
            Output("id", "Invoice id", "id", example="in_1MtHbELkdIwHu7ixl4OzzPMv"),
            Output("invoice_status", "Status", "status", example="draft"),
        ),
        docs=f"{DOCS}/invoices/create",
    ),
    Action(
        key="send_invoice",
        label="Send an invoice",
        help="Finalizes a draft, and sends it to the customer by mail. Test keys send no mail.",
        inputs=(
            Field(
                "invoice_id",
                "Invoice",
                required=True,
                pattern=r"in_[0-9A-Za-z]{1,100}",
                example="in_1MtHbELkdIwHu7ixl4OzzPMv",
            ),
        ),
        url="/invoices/{{ inputs.invoice_id | urlencode }}/send",
        outputs=(
            Output("id", "Invoice id", "id", example="in_1MtHbELkdIwHu7ixl4OzzPMv"),
            Output("invoice_status", "Status", "status", example="open"),
            Output("url", "Page of the invoice", "hosted_invoice_url", example="https://invoice.stripe.com/i/acct_1"),
        ),
        docs=f"{DOCS}/invoices/send",
    ),
    Action(
        key="create_payment_link",
        label="Create a payment link",
        inputs=(
            Field(
                "price_id",
                "Price",
                required=True,
                pattern=r"price_[0-9A-Za-z]{1,100}",
                example="price_1MoBy5LkdIwHu7ixZhnattbh",
                help="The id of the price of a product.",
            ),
            Field("quantity", "Quantity", kind="integer", minimum=1, maximum=999_999, default=1),
            Field(
                "redirect_url",
                "Page after the payment",
                kind="url",
                max_length=2048,
                example="https://shop.example.com/thanks",
                help="If empty, Stripe's own page.",
            ),
            METADATA,
        ),
        url="/payment_links",
        body={
            "form": {
                "line_items": "{{ [{'price': inputs.price_id, 'quantity': inputs.quantity}] }}",
                "after_completion": "{{ {'type': 'redirect', 'redirect': {'url': inputs.redirect_url}} }}",
                "metadata": "{{ inputs.metadata }}",
            }
        },
        outputs=(
            Output("id", "Link id", "id", example="plink_1MoC3ULkdIwHu7ixZjtGpVl2"),
            Output("url", "Link", "url", example="https://buy.stripe.com/test_cN25nr0iZ7bUa7meUY"),
        ),
        proof="spec",
        docs=f"{DOCS}/payment-link/create",
    ),
)
