"""The parts of a request that Relay stores: one record, from the request as it arrives to the row in the database."""

from __future__ import annotations

import msgspec


class StoredRequest(msgspec.Struct, frozen=True):
    """A request with its sender's secrets masked; the fields are named as the columns of events and rejections are.

    `headers` is a JSON object as text. `content_type` is the type by which the body is parsed. `remote` is the
    sender's IP address, or a word for an event that no request brought.
    """

    method: str
    query: str
    headers: str
    content_type: str
    body: bytes
    remote: str = ""
