"""The actions of Shippo."""

from relay.connectors.definition import Action, Call, Field, Inquiry, Output, Reply

DOCS = "https://docs.goshippo.com/shippoapi/public-api/"
NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,4})?"
ID = "[0-9a-f]{32}"
ADDRESS = (
    Field("name", "Name", required=True, max_length=200, example="Ada Lovelace"),
    Field("company", "Company", max_length=200, example="Engines Ltd"),
    Field("street1", "Street", required=True, max_length=200, example="215 Clayton St."),
    Field("street2", "Address line 2", max_length=200, example="Flat 3"),
    Field("city", "City", required=True, max_length=200, example="San Francisco"),
    Field("state", "State", max_length=100, example="CA", help="Required in the USA, Canada and Australia."),
    Field("zip", "Postcode", max_length=20, example="94117"),
    Field("country", "Country", required=True, pattern="[A-Z]{2}", example="US", help="The country code, two letters."),
    Field("phone", "Phone", max_length=50, example="+4930901820"),
    Field("email", "E-mail", kind="email", max_length=320, example="ada@example.com"),
)
PARCEL = (
    Field("length", "Length", required=True, pattern=NUMBER, example="30"),
    Field("width", "Width", required=True, pattern=NUMBER, example="20"),
    Field("height", "Height", required=True, pattern=NUMBER, example="10"),
    Field("distance_unit", "Unit of lengths", kind="choice", options=("cm", "in", "ft", "m", "mm", "yd"), default="cm"),
    Field("weight", "Weight", required=True, pattern=NUMBER, example="1.2"),
    Field("mass_unit", "Unit of weight", kind="choice", options=("kg", "g", "lb", "oz"), default="kg"),
)
FORMATS = (
    "PDF_4x6",
    "PDF",
    "PDF_4x8",
    "PDF_2.3x7.5",
    "PDF_A4",
    "PDF_A5",
    "PDF_A6",
    "PNG",
    "PNG_2.3x7.5",
    "ZPLII",
)

SHIPMENT = (
    Field("address_from", "From", kind="object", required=True, fields=ADDRESS),
    Field("address_to", "To", kind="object", required=True, fields=ADDRESS),
    Field("parcels", "Parcels", kind="rows", required=True, fields=PARCEL),
    Field(
        "carrier_accounts",
        "Carrier accounts",
        kind="list",
        source="carrier_accounts",
        example=["6aa34d5f6865448fbb1ee93636e98999"],
        help="The ids of carrier accounts. If empty, all of them.",
    ),
    Field("metadata", "Note", max_length=100, example="Order 1001"),
)
OF_SHIPMENT = {
    "address_from": "{{ inputs.address_from }}",
    "address_to": "{{ inputs.address_to }}",
    "parcels": "{{ inputs.parcels }}",
    "carrier_accounts": "{{ inputs.carrier_accounts }}",
    "metadata": "{{ inputs.metadata }}",
    "async": False,
}
# The id of the rate with the lowest price, of the chosen services. Prices are texts.
CHEAPEST = (
    "{% set best = namespace(id='', price=none) %}"
    "{% for rate in calls.shipment.body.rates | default([], true) %}{% set price = rate.amount | float(-1) %}"
    "{% if price >= 0 and (best.price is none or price < best.price)"
    " and (not inputs.services | default([]) or rate.servicelevel.token in inputs.services) %}"
    "{% set best.id = rate.object_id %}{% set best.price = price %}{% endif %}{% endfor %}{{ best.id }}"
)
FORMAT = Field("label_file_type", "Format", kind="choice", options=FORMATS, default="PDF_4x6")
# A purchase that failed is answered with 201 too.
BOUGHT = Reply(says=("status", "SUCCESS"), error="messages.0.text", refused=(401,))
PURCHASE = (
    Output("id", "Transaction id", "object_id", example="915d94940ea54c3a80cbfa328722f5a1"),
    Output("tracking_number", "Tracking number", "tracking_number", example="9499907123456123456781"),
    Output("label_url", "Label", "label_url", example="https://deliver.goshippo.com/915d.pdf"),
    Output("tracking_url", "Tracking page", "tracking_url_provider", example="https://tools.usps.com/go/x"),
)

LABELS = (
    Action(
        key="get_rates",
        label="Get rates",
        help="Lists the prices of carriers for parcels. Buys nothing.",
        inputs=SHIPMENT,
        url="/shipments",
        json=OF_SHIPMENT,
        outputs=(
            Output("id", "Shipment id", "object_id", example="5e40ead7cffe4cc1ad45108696162e42"),
            Output(
                "rates",
                "Rates",
                "rates",
                example=[{"object_id": "67891d0ebaca4973ae2569d759da6139", "amount": "6.07", "currency": "USD"}],
            ),
            Output("messages", "Messages of carriers", "messages", example=[]),
        ),
        proof="spec",
        docs=DOCS,
    ),
    Action(
        key="buy_label",
        label="Buy a label",
        help="Costs money.",
        inputs=(
            Field(
                "rate_id",
                "Rate",
                required=True,
                pattern=ID,
                example="67891d0ebaca4973ae2569d759da6139",
                help="The object_id of one of the rates.",
            ),
            FORMAT,
            Field("metadata", "Note", max_length=100, example="Order 1001"),
        ),
        url="/transactions",
        json={
            "rate": "{{ inputs.rate_id }}",
            "label_file_type": "{{ inputs.label_file_type }}",
            "metadata": "{{ inputs.metadata }}",
            "async": False,
        },
        reply=BOUGHT,
        outputs=PURCHASE,
        proof="spec",
        docs=DOCS,
        repeatable=False,
        # Only a purchase that is found counts: none in the list may mean that it is not listed yet.
        inquiry=Inquiry(
            url="/transactions",
            query={"rate": "{{ inputs.rate_id }}", "object_status": "SUCCESS"},
            about=("results.0.rate", "{{ inputs.rate_id }}"),
            made="results.0.object_id",
            body="results.0",
        ),
    ),
    Action(
        key="buy_cheapest_label",
        label="Buy the cheapest label",
        help="Costs money. Asks for the rates of parcels, and buys the label with the lowest price.",
        inputs=(
            *SHIPMENT,
            Field(
                "services",
                "Only of services",
                kind="list",
                example=["usps_priority", "ups_ground"],
                help="Shippo's names of them; if empty, all.",
            ),
            FORMAT,
        ),
        before=(
            # Asking twice buys nothing, and rates are best when they are new.
            Call(
                "shipment",
                "Ask for rates",
                method="POST",
                url="/shipments",
                json=OF_SHIPMENT,
                example={
                    "object_id": "5e40ead7cffe4cc1ad45108696162e42",
                    "rates": [
                        {
                            "object_id": "67891d0ebaca4973ae2569d759da6139",
                            "amount": "6.07",
                            "servicelevel": {"token": "usps_priority"},
                        }
                    ],
                },
            ),
        ),
        url="/transactions",
        json={
            "rate": CHEAPEST,
            "label_file_type": "{{ inputs.label_file_type }}",
            "metadata": "{{ inputs.metadata }}",
            "async": False,
        },
        reply=BOUGHT,
        outputs=PURCHASE,
        repeatable=False,
        inquiry=Inquiry(
            url="/transactions",
            query={"rate": CHEAPEST, "object_status": "SUCCESS"},
            about=("results.0.rate", CHEAPEST),
            made="results.0.object_id",
            body="results.0",
        ),
        docs="https://docs.goshippo.com/docs/guides_general/generate_shipping_label/",
    ),
    Action(
        key="refund_label",
        label="Refund a label",
        help="For a parcel that was not sent. Carriers take days to decide.",
        inputs=(
            Field(
                "transaction_id",
                "Transaction",
                required=True,
                pattern=ID,
                example="915d94940ea54c3a80cbfa328722f5a1",
                help="The id of the transaction that bought the label.",
            ),
        ),
        url="/refunds",
        json={"transaction": "{{ inputs.transaction_id }}", "async": False},
        outputs=(
            Output("id", "Refund id", "object_id", example="adcfdddf8ec64b84ad22772bce3ea37a"),
            Output("refund_status", "Status", "status", example="PENDING"),
        ),
        repeatable=False,
        docs="https://docs.goshippo.com/api-reference/refunds/create-a-refund",
    ),
    Action(
        key="track",
        label="Track a parcel",
        inputs=(
            Field(
                "carrier",
                "Carrier",
                required=True,
                max_length=100,
                example="usps",
                help="The name that Shippo uses for the carrier.",
            ),
            Field("tracking_number", "Tracking number", required=True, max_length=100, example="SHIPPO_TRANSIT"),
        ),
        method="GET",
        url="/tracks/{{ inputs.carrier | urlencode }}/{{ inputs.tracking_number | urlencode }}",
        outputs=(
            Output("tracking_status", "Status", "tracking_status.status", example="TRANSIT"),
            Output("details", "Details", "tracking_status.status_details", example="Your shipment is on its way."),
            Output("delivery_date", "Expected delivery", "eta", example="2026-01-31T00:00:00Z"),
        ),
        docs=DOCS,
    ),
)
