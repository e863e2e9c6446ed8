"""Estimates what parsing a body costs, without parsing it."""

from __future__ import annotations

from relay.bodies import body_types, json_size

# Limits of bodies that parse at once: bytes and values of JSON, and bytes and tags of other bodies.
MAX_LIGHT_JSON, MAX_LIGHT_VALUES = 64 * 1024, 2_000
MAX_LIGHT, MAX_LIGHT_XML = 8 * 1024, 200
# Bytes, and tags of XML, beyond which parsing may take longer than some 50 ms.
LONG_BYTES, LONG_XML_TAGS = 256 * 1024, 6_000
# Limits of forms whose fields may hold XML, also in base64.
MAX_LIGHT_FORM, LONG_FORM_BYTES = 2 * 1024, 48 * 1024


def is_light(body: bytes, content_type: str) -> bool:
    """Return whether `payloads.parse` takes at most one or two milliseconds; takes a few microseconds."""
    if len(body) > MAX_LIGHT_JSON:
        return False
    if content_type.partition(";")[0].strip().lower() in ("application/json", ""):
        return json_size.containers(body) + body.count(b",") <= MAX_LIGHT_VALUES
    if body_types.without_form_fields(content_type) != content_type:
        return len(body) <= MAX_LIGHT_FORM
    return len(body) <= MAX_LIGHT and body.count(b"<") <= MAX_LIGHT_XML


def takes_long(body: bytes, content_type: str) -> bool:
    """Return whether `payloads.parse` may take long, so that only few bodies may be parsed at once."""
    if not LONG_XML_TAGS < len(body) <= LONG_BYTES:
        return len(body) > LONG_BYTES
    if body_types.without_form_fields(content_type) != content_type:
        return len(body) > LONG_FORM_BYTES
    is_xml = content_type.partition(";")[0].strip().lower().endswith(("/xml", "+xml"))
    return is_xml and body.count(b"<") > LONG_XML_TAGS
