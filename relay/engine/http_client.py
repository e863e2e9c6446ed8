"""Creates the sender of outbound requests for this process, from the settings."""

from __future__ import annotations

import functools

from django.conf import settings

from relay.outbound import Sender

# Bytes of an answer to a call outside of runs, such as a list of channels.
LIST_BYTES = 2 * 1024 * 1024


@functools.cache
def sender() -> Sender:
    """The sender of this process, with its pool of connections."""
    return _sender(settings.ANSWER_BYTES)


@functools.cache
def list_sender() -> Sender:
    """The sender of this process for lists, of which it reads more than runs keep of an answer."""
    return _sender(max(LIST_BYTES, settings.ANSWER_BYTES))


def _sender(keep: int) -> Sender:
    return Sender(
        allowed_networks=settings.ALLOWED_NETWORKS,
        origins=settings.CONNECTOR_URLS,
        timeout=settings.HTTP_TIMEOUT,
        keep=keep,
        ports=settings.OUTBOUND_PORTS,
        proxy=settings.OUTBOUND_PROXY,
        ca_file=settings.CA_FILE or None,
        own=(settings.PUBLIC_URL, *([settings.INGEST_URL] if settings.INGEST_URL else [])),
    )
