"""EasyPost: shipping labels, and events by webhook."""

from relay.connectors.definition import Action, Connector, Field, Inquiry, Output, Preset, Reply
from relay.signatures import Key, Scheme, Signature

REPLY = Reply(error="error.message", refused=(401,))

EASYPOST = Connector(
    key="easypost",
    label="EasyPost",
    docs="https://docs.easypost.com/guides/webhooks-guide",
    help="Buys shipping labels.",
    hosts=("api.easypost.com",),
    connection=(
        Field(
            "api_key",
            "API key",
            required=True,
            secret=True,
            pattern=r"[0-9A-Za-z]{16,200}",
            help="EZTK... buys test labels, EZAK... real ones.",
        ),
    ),
    presets=(
        Preset(
            key="easypost",
            label="EasyPost",
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
                    help="The webhook_secret that the webhook was made with.",
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
            label="Ask for rates",
            help="What carriers want for a parcel; buys nothing.",
            inputs=(
                Field(
                    "to_address",
                    "To",
                    kind="json",
                    required=True,
                    help="name, street1, city, state, zip, country...",
                    example={"name": "Ada", "street1": "1 Main St", "city": "Berlin", "zip": "10115", "country": "DE"},
                ),
                Field("from_address", "From", kind="json", required=True, example={"zip": "10117", "country": "DE"}),
                Field(
                    "parcel",
                    "Parcel",
                    kind="json",
                    required=True,
                    help="Inches and ounces.",
                    example={"length": 10, "width": 8, "height": 4, "weight": 15.4},
                ),
                Field("reference", "Reference", max_length=200, example="#1001"),
                Field("options", "Options", kind="json", example={"label_format": "PDF"}),
                Field("customs_info", "Customs", kind="json", help="Needed across borders."),
            ),
            url="https://api.easypost.com/v2/shipments",
            basic=("{{ connection.api_key }}", ""),
            json={
                "shipment": {
                    "to_address": "{{ inputs.to_address }}",
                    "from_address": "{{ inputs.from_address }}",
                    "parcel": "{{ inputs.parcel }}",
                    "reference": "{{ inputs.reference }}",
                    "options": "{{ inputs.options }}",
                    "customs_info": "{{ inputs.customs_info }}",
                }
            },
            reply=REPLY,
            outputs=(Output("id", "Shipment id", "id"), Output("rates", "Rates", "rates")),
        ),
        Action(
            key="buy_label",
            label="Buy a label",
            help="Costs money. EasyPost sells one label for a shipment, and none again.",
            inputs=(
                Field("shipment_id", "Shipment", required=True, pattern=r"shp_[0-9A-Za-z]{1,80}", example="shp_1657"),
                Field("rate_id", "Rate", required=True, pattern=r"rate_[0-9A-Za-z]{1,80}", example="rate_4d1f"),
                Field("insurance", "Insured for", kind="number", help="US dollars."),
            ),
            url="https://api.easypost.com/v2/shipments/{{ inputs.shipment_id }}/buy",
            basic=("{{ connection.api_key }}", ""),
            json={"rate": {"id": "{{ inputs.rate_id }}"}, "insurance": "{{ inputs.insurance }}"},
            reply=REPLY,
            outputs=(
                Output("tracking_code", "Tracking code", "tracking_code"),
                Output("label_url", "Label", "postage_label.label_url"),
                Output("tracking_url", "Tracking page", "tracker.public_url"),
            ),
            repeatable=False,
            # A shipment has its label from the moment that it's bought; the shipment itself is asked, no search.
            inquiry=Inquiry(
                url="https://api.easypost.com/v2/shipments/{{ inputs.shipment_id }}",
                about=("id", "{{ inputs.shipment_id }}"),
                made="postage_label.label_url",
            ),
        ),
    ),
)
