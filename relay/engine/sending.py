"""The sender of this process, made of the settings."""

from __future__ import annotations

import functools

from django.conf import settings

from relay.outbound import Sender


@functools.cache
def sender() -> Sender:
    """The one sender of this process, with its kept-alive connections."""
    return Sender(
        allowed_networks=settings.ALLOWED_NETWORKS,
        origins=settings.CONNECTOR_URLS,
        timeout=settings.HTTP_TIMEOUT,
        keep=settings.ANSWER_BYTES,
        ports=settings.OUTBOUND_PORTS,
        proxy=settings.OUTBOUND_PROXY,
    )
