"""Sendcloud: prices, shipping labels and tracking."""

from relay.connectors.definition import (
    Action,
    BasicAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    OptionSource,
    Output,
    Paging,
    Reply,
)

DOCS = "https://sendcloud.dev/api/v2"
METHOD = Field(
    "shipping_method_id",
    "Shipping method",
    kind="integer",
    required=True,
    minimum=1,
    source="shipping_methods",
    example=8020,
    help="Its id. Sendcloud may give a method another id later.",
)
COUNTRY = r"[A-Z]{2}"

SENDCLOUD = Connector(
    key="sendcloud",
    label="Sendcloud",
    docs=DOCS,
    help="Buys and cancels shipping labels, and tracks parcels.",
    categories=("shipping",),
    hosts=("panel.sendcloud.sc",),
    base_url="https://panel.sendcloud.sc/api/v2",
    auth=BasicAuth("{{ connection.public_key }}", "{{ connection.secret_key }}"),
    reply=Reply(error="error.message", refused=(401,)),
    test=ConnectionTest(
        Call("user", "User", url="/user"), identity="{{ (body.user | default({})).email | default('') }}"
    ),
    sources=(
        OptionSource(
            "shipping_methods",
            Call("methods", "Shipping methods", url="/shipping_methods"),
            rows="shipping_methods",
            paging=Paging(link="next"),
        ),
    ),
    connection=(
        Field("public_key", "Public key", required=True, pattern=r"[0-9A-Za-z-]{16,100}", help="Of the integration."),
        Field("secret_key", "Secret key", required=True, secret=True, pattern=r"[0-9A-Za-z-]{16,100}"),
    ),
    actions=(
        Action(
            key="get_rate",
            label="Ask for a price",
            help="What a shipping method costs; buys nothing. A method that doesn't serve the country has no price.",
            inputs=(
                METHOD,
                Field(
                    "from_country",
                    "From",
                    required=True,
                    pattern=COUNTRY,
                    example="NL",
                    help="The country code, two letters.",
                ),
                Field(
                    "to_country",
                    "To",
                    required=True,
                    pattern=COUNTRY,
                    example="DE",
                    help="The country code, two letters.",
                ),
                Field("weight", "Weight", kind="integer", required=True, minimum=1, example=1200, help="Grams."),
            ),
            method="GET",
            url="/shipping-price",
            query={
                "shipping_method_id": "{{ inputs.shipping_method_id }}",
                "from_country": "{{ inputs.from_country }}",
                "to_country": "{{ inputs.to_country }}",
                "weight": "{{ inputs.weight }}",
                "weight_unit": "gram",
            },
            outputs=(
                Output("price", "Price", "0.price", example="6.50"),
                Output("currency", "Currency", "0.currency", example="EUR"),
            ),
            docs=f"{DOCS}/shipping-prices/retrieve-a-shipping-price",
        ),
        Action(
            key="buy_label",
            label="Buy a label",
            help="Costs money. Creates the parcel and announces it to the carrier.",
            inputs=(
                METHOD,
                Field("name", "Name", required=True, max_length=200, example="Ada Lovelace"),
                Field("company_name", "Company", max_length=200, example="Engines Ltd"),
                Field("address", "Street", required=True, max_length=200, example="Insulindelaan"),
                Field("house_number", "House number", max_length=20, example="115"),
                Field("address_2", "Address line 2", max_length=200, example="Flat 3"),
                Field("city", "City", required=True, max_length=200, example="Eindhoven"),
                Field("postal_code", "Postcode", required=True, max_length=20, example="5642CV"),
                Field(
                    "country",
                    "Country",
                    required=True,
                    pattern=COUNTRY,
                    example="NL",
                    help="The country code, two letters.",
                ),
                Field("email", "E-mail", kind="email", max_length=320, example="ada@example.com"),
                Field("telephone", "Phone", max_length=50, example="+31612345678"),
                Field(
                    "weight",
                    "Weight",
                    pattern=r"[0-9]{1,4}(?:\.[0-9]{1,3})?",
                    example="1.200",
                    help="In kilograms. If empty, the weight that is set in Sendcloud.",
                ),
                Field("order_number", "Order number", max_length=200, example="1001"),
                Field("external_reference", "Your reference", max_length=200, example="order-1001"),
            ),
            url="/parcels",
            json={
                "parcel": {
                    "name": "{{ inputs.name }}",
                    "company_name": "{{ inputs.company_name }}",
                    "address": "{{ inputs.address }}",
                    "house_number": "{{ inputs.house_number }}",
                    "address_2": "{{ inputs.address_2 }}",
                    "city": "{{ inputs.city }}",
                    "postal_code": "{{ inputs.postal_code }}",
                    "country": "{{ inputs.country }}",
                    "email": "{{ inputs.email }}",
                    "telephone": "{{ inputs.telephone }}",
                    "weight": "{{ inputs.weight }}",
                    "order_number": "{{ inputs.order_number }}",
                    "external_reference": "{{ inputs.external_reference }}",
                    "shipment": {"id": "{{ inputs.shipping_method_id }}"},
                    "request_label": True,
                }
            },
            outputs=(
                Output("id", "Parcel id", "parcel.id", example=629),
                Output("tracking_number", "Tracking number", "parcel.tracking_number", example="3SYZXG132912330"),
                Output(
                    "tracking_url", "Tracking page", "parcel.tracking_url", example="https://tracking.sendcloud.sc/x"
                ),
                Output(
                    "label_url",
                    "Label",
                    "parcel.label.normal_printer.0",
                    example="https://panel.sendcloud.sc/api/v2/labels/normal_printer/629",
                ),
            ),
            proof="spec",
            docs="https://api.sendcloud.dev/docs/sendcloud-public-api/parcels",
            repeatable=False,
        ),
        Action(
            key="find_parcels",
            label="Find the parcels of an order",
            help="By the order number with which their labels were bought.",
            inputs=(Field("order_number", "Order number", required=True, max_length=200, example="1001"),),
            method="GET",
            url="/parcels",
            query={"order_number": "{{ inputs.order_number }}"},
            outputs=(
                Output("parcels", "Parcels", "parcels", example=[{"id": 629, "status": {"id": 1000}}]),
                Output("id", "Id of the first parcel", "parcels.0.id", example=629),
                # The statuses of a cancelled parcel, and of one whose cancellation was asked for.
                Output(
                    "open_ids",
                    "Ids of parcels that are not cancelled",
                    "parcels",
                    value="{{ body.parcels | default([], true)"
                    " | rejectattr('status.id', 'in', [1998, 1999, 2000, 2001]) | map(attribute='id') | list }}",
                    example=[629],
                ),
            ),
            docs=f"{DOCS}/parcels/retrieve-parcels",
        ),
        Action(
            key="cancel_label",
            label="Cancel a label",
            help="For a parcel that was not sent. Sendcloud refuses it once the carrier has the parcel.",
            inputs=(
                Field(
                    "parcel_id",
                    "Parcel",
                    kind="integer",
                    required=True,
                    minimum=1,
                    example=629,
                    help="The id of the parcel.",
                ),
            ),
            url="/parcels/{{ inputs.parcel_id | urlencode }}/cancel",
            outputs=(Output("cancel_status", "Status", "status", example="queued"),),
            docs=f"{DOCS}/parcels",
        ),
        Action(
            key="track",
            label="Track a parcel",
            inputs=(
                Field("tracking_number", "Tracking number", required=True, max_length=100, example="3SYZXG132912330"),
            ),
            method="GET",
            url="/tracking/{{ inputs.tracking_number | urlencode }}",
            outputs=(
                Output("statuses", "Statuses", "statuses", example=[]),
                Output("delivery_date", "Expected delivery", "expected_delivery_date", example="2026-01-31"),
                Output(
                    "tracking_url",
                    "Tracking page",
                    "carrier_tracking_url",
                    example="https://tracking.sendcloud.sc/forward?carrier=postnl",
                ),
            ),
            docs=f"{DOCS}/tracking",
        ),
    ),
)
