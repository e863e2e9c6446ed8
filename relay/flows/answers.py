"""Answers to callers: what one may say, be it written out or rendered."""

from __future__ import annotations

from collections.abc import Mapping

from relay.errors import RelayError

WITHOUT_BODY = frozenset({204, 205, 304})


def check_place(headers: Mapping[str, str]) -> None:
    """A caller is sent on to addresses of the web alone, and they are written out: no script, no page of Relay's."""
    for name, value in headers.items():
        if name.lower() == "location" and not value.lower().startswith(("http://", "https://")):
            raise RelayError("A caller can be sent on to an address that begins with https:// or http://, and no other")
