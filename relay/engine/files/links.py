"""Makes and checks the links of files. A link is signed and expires; people who open it must also be members."""

from __future__ import annotations

import time

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import constant_time_compare, salted_hmac

DAYS = 7  # for which a link can be opened, at least
_DAY = 86_400
_SALT = "relay.files.link"


def link(file_id: str) -> str:
    """The URL of a file for people: the same for a whole day, valid for DAYS after it.

    Helper processes, which don't know the key, get a link without a signature, which can't be opened.
    """
    try:
        origin = settings.PUBLIC_URL
    except (ImproperlyConfigured, AttributeError):
        return f"/files/{file_id}/"
    return f"{origin}{path(file_id)}"


def path(file_id: str) -> str:
    """The link without the origin, for Relay's own pages."""
    until = (int(time.time()) // _DAY + DAYS + 1) * _DAY
    return f"/files/{file_id}/?until={until}&signature={_signature(file_id, until)}"


def is_valid(file_id: str, until: str, signature: str) -> bool:
    """Whether a link was made by `link` and has not expired."""
    if not (until.isascii() and until.isdigit() and len(until) < 12) or int(until) < time.time():
        return False
    return constant_time_compare(_signature(file_id, int(until)), signature)


def _signature(file_id: str, until: int) -> str:
    return salted_hmac(_SALT, f"{file_id} {until}", algorithm="sha256").hexdigest()[:32]
