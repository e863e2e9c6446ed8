"""EasyPost: shipping labels, and events by webhook."""

from relay.connectors.definition import (
    Action,
    BasicAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    Inquiry,
    Output,
    Preset,
    Reply,
)
from relay.signatures import Key, Scheme, Signature

_ADDRESS = (
    Field("name", "Name", max_length=200, example="Ada Lovelace"),
    Field("company", "Company", max_length=200, example="Engines Ltd"),
    Field("street1", "Street", max_length=200, example="1 Main St", help="With the house number."),
    Field("street2", "Address line 2", max_length=200, example="Flat 3"),
    Field("city", "City", max_length=200, example="Berlin"),
    Field("state", "State", max_length=100, example="BE"),
    Field("zip", "Postcode", max_length=20, example="10115"),
    Field("country", "Country", max_length=100, example="DE", help="The country code, two letters."),
    Field("phone", "Phone", max_length=50, example="+4930901820"),
    Field("email", "E-mail", max_length=320, example="ada@example.com"),
    Field("residential", "Is residential", kind="boolean", example=True),
    Field(
        "id",
        "Id",
        max_length=100,
        example="adr_1657",
        help="The id of an address that is stored at EasyPost. Leave the other fields empty.",
    ),
    Field("federal_tax_id", "Federal tax id", max_length=100, example="DE123456789"),
    Field("state_tax_id", "State tax id", max_length=100, example="12/345/67890"),
    Field("carrier_facility", "Carrier facility", max_length=100, example="ONT"),
    Field("verify", "Verify", kind="list", example=["delivery"], help="delivery, to have EasyPost check the address."),
    Field(
        "verify_strict",
        "Verify strictly",
        kind="list",
        example=["delivery"],
        help="delivery, to fail if the address can't be verified.",
    ),
)
_BOX = (
    Field("weight", "Weight", kind="number", minimum=0, example=15.4, help="Ounces."),
    Field("length", "Length", kind="number", minimum=0, example=10, help="Inches."),
    Field("width", "Width", kind="number", minimum=0, example=8, help="Inches."),
    Field("height", "Height", kind="number", minimum=0, example=4, help="Inches."),
    Field(
        "predefined_package",
        "Package of the carrier",
        max_length=100,
        example="FlatRateEnvelope",
        help="Replaces the dimensions.",
    ),
    Field(
        "id",
        "Id",
        max_length=100,
        example="prcl_1657",
        help="The id of a parcel that is stored at EasyPost. Leave the other fields empty.",
    ),
)
_PARCEL = (
    Field(
        "to_address",
        "To",
        kind="object",
        required=True,
        fields=_ADDRESS,
        example={"name": "Ada", "street1": "1 Main St", "city": "Berlin", "zip": "10115", "country": "DE"},
    ),
    Field(
        "from_address",
        "From",
        kind="object",
        required=True,
        fields=_ADDRESS,
        example={"name": "Shop", "street1": "2 Main St", "city": "Berlin", "zip": "10117", "country": "DE"},
    ),
    Field(
        "parcel",
        "Parcel",
        kind="object",
        required=True,
        fields=_BOX,
        example={"length": 10, "width": 8, "height": 4, "weight": 15.4},
    ),
    Field("reference", "Reference", max_length=200, example="#1001"),
    Field("options", "Options", kind="json", example={"label_format": "PDF"}),
    Field(
        "customs_info",
        "Customs",
        kind="json",
        help="Required for international shipments.",
        example={"contents_type": "merchandise", "customs_items": [{"description": "T-shirt"}]},
    ),
)
_SHIPMENT = {
    "shipment": {
        "to_address": "{{ inputs.to_address }}",
        "from_address": "{{ inputs.from_address }}",
        "parcel": "{{ inputs.parcel }}",
        "reference": "{{ inputs.reference }}",
        "options": "{{ inputs.options }}",
        "customs_info": "{{ inputs.customs_info }}",
    }
}
# The id of the rate with the lowest price, of the chosen carriers. Prices are texts.
_CHEAPEST = (
    "{% set best = namespace(id='', price=none) %}"
    "{% for rate in calls.shipment.body.rates | default([], true) %}{% set price = rate.rate | float(-1) %}"
    "{% if price >= 0 and (best.price is none or price < best.price)"
    " and (not inputs.carriers | default([]) or rate.carrier in inputs.carriers) %}"
    "{% set best.id = rate.id %}{% set best.price = price %}{% endif %}{% endfor %}{{ best.id }}"
)

EASYPOST = Connector(
    key="easypost",
    label="EasyPost",
    docs="https://docs.easypost.com/guides/webhooks-guide",
    help="Buys and refunds shipping labels, and tracks parcels.",
    categories=("shipping",),
    hosts=("api.easypost.com",),
    base_url="https://api.easypost.com/v2",
    auth=BasicAuth("{{ connection.api_key }}"),
    reply=Reply(error="error.message", refused=(401,)),
    # EasyPost tells no account to a key for tests.
    test=ConnectionTest(Call("addresses", "Addresses", url="/addresses", query={"page_size": 1})),
    connection=(
        Field(
            "api_key",
            "API key",
            required=True,
            secret=True,
            pattern=r"[0-9A-Za-z]{16,200}",
            help="A key that begins with EZTK buys test labels, one that begins with EZAK real ones.",
        ),
    ),
    presets=(
        Preset(
            key="easypost",
            label="EasyPost",
            body_types=("json",),
            verify=Scheme(
                kind="hmac",
                signature=Signature("header:x-hmac-signature", "hex", prefix="hmac-sha256-hex="),
                key=Key(normalize="NFKD"),
            ),
            secret=(
                Field(
                    "secret",
                    "Webhook secret",
                    required=True,
                    secret=True,
                    help="The webhook_secret with which the webhook was created.",
                ),
            ),
            dedupe="{{ event.body.id }}",
            event="{{ event.body.description }}",
            example="tracker.updated",
        ),
    ),
    actions=(
        Action(
            key="create_shipment",
            label="Get rates",
            help="Lists the prices of carriers for a parcel. Buys nothing.",
            inputs=_PARCEL,
            url="/shipments",
            json=_SHIPMENT,
            outputs=(
                Output("id", "Shipment id", "id", example="shp_1657"),
                Output("rates", "Rates", "rates", example=[{"id": "rate_4d1f", "carrier": "USPS", "rate": "6.07"}]),
            ),
            proof="recorded",
            docs="https://github.com/EasyPost/easypost-python/tree/master/tests/cassettes",
        ),
        Action(
            key="buy_label",
            label="Buy a label",
            help="Costs money. EasyPost sells only one label for each shipment.",
            inputs=(
                Field("shipment_id", "Shipment", required=True, pattern=r"shp_[0-9A-Za-z]{1,80}", example="shp_1657"),
                Field("rate_id", "Rate", required=True, pattern=r"rate_[0-9A-Za-z]{1,80}", example="rate_4d1f"),
                Field("insurance", "Insured for", kind="number", help="In US dollars.", example=100),
            ),
            url="/shipments/{{ inputs.shipment_id | urlencode }}/buy",
            json={"rate": {"id": "{{ inputs.rate_id }}"}, "insurance": "{{ inputs.insurance }}"},
            outputs=(
                Output("tracking_code", "Tracking code", "tracking_code"),
                Output("label_url", "Label", "postage_label.label_url"),
                Output("tracking_url", "Tracking page", "tracker.public_url"),
            ),
            proof="recorded",
            docs="https://github.com/EasyPost/easypost-python/tree/master/tests/cassettes",
            repeatable=False,
            # A shipment has its label as soon as it is bought. The request reads the shipment itself and is no search.
            inquiry=Inquiry(
                url="/shipments/{{ inputs.shipment_id | urlencode }}",
                about=("id", "{{ inputs.shipment_id }}"),
                made="postage_label.label_url",
            ),
        ),
        Action(
            key="refund_label",
            label="Refund a label",
            help="For a parcel that was not sent. Carriers take days to decide.",
            inputs=(
                Field("shipment_id", "Shipment", required=True, pattern=r"shp_[0-9A-Za-z]{1,80}", example="shp_1657"),
            ),
            url="/shipments/{{ inputs.shipment_id | urlencode }}/refund",
            json={},
            outputs=(Output("refund_status", "Refund", "refund_status", example="submitted"),),
            docs="https://docs.easypost.com/docs/shipping-refund",
        ),
        Action(
            key="track",
            label="Track a parcel",
            help="Starts tracking, and returns the status. Repeating it within three months returns the same tracker.",
            inputs=(
                Field("tracking_code", "Tracking code", required=True, max_length=100, example="EZ1000000001"),
                Field("carrier", "Carrier", max_length=100, example="USPS", help="If empty, EasyPost recognizes it."),
            ),
            url="/trackers",
            json={"tracker": {"tracking_code": "{{ inputs.tracking_code }}", "carrier": "{{ inputs.carrier }}"}},
            outputs=(
                Output("id", "Tracker id", "id", example="trk_e7e8"),
                Output("tracking_status", "Status", "status", example="in_transit"),
                Output("delivery_date", "Expected delivery", "est_delivery_date", example="2026-01-31T00:00:00Z"),
                Output("tracking_url", "Tracking page", "public_url", example="https://track.easypost.com/djE6"),
            ),
            proof="recorded",
            docs="https://github.com/EasyPost/easypost-python/tree/master/tests/cassettes",
        ),
        Action(
            key="buy_cheapest_label",
            label="Buy the cheapest label",
            help="Costs money. Gets the rates for a parcel, then buys the label with the lowest price, once.",
            inputs=(
                *_PARCEL,
                Field(
                    "carriers",
                    "Carriers",
                    kind="list",
                    example=["USPS", "UPS"],
                    help="Only labels of these carriers. Leave it empty for all.",
                ),
                Field("insurance", "Insured for", kind="number", help="In US dollars.", example=100),
            ),
            before=(
                # Asking twice buys nothing, and rates are best when they are new.
                Call(
                    "shipment",
                    "Get rates",
                    method="POST",
                    url="/shipments",
                    json=_SHIPMENT,
                    example={"id": "shp_1", "rates": [{"id": "rate_1", "rate": "7.58", "carrier": "USPS"}]},
                ),
            ),
            url="/shipments/{{ calls.shipment.body.id | urlencode }}/buy",
            json={"rate": {"id": _CHEAPEST}, "insurance": "{{ inputs.insurance }}"},
            outputs=(
                Output("shipment_id", "Shipment id", "id", call="shipment"),
                Output("tracking_code", "Tracking code", "tracking_code"),
                Output("label_url", "Label", "postage_label.label_url"),
                Output("tracking_url", "Tracking page", "tracker.public_url"),
                Output("price", "Price", "selected_rate.rate"),
                Output("carrier", "Carrier", "selected_rate.carrier"),
            ),
            repeatable=False,
            inquiry=Inquiry(
                url="/shipments/{{ calls.shipment.body.id | urlencode }}",
                about=("id", "{{ calls.shipment.body.id }}"),
                made="postage_label.label_url",
            ),
            proof="recorded",
            docs="https://docs.easypost.com/docs/shipments",
        ),
    ),
)
