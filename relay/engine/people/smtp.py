"""Sends mail by SMTP, as Django does, and also trusts the certificates of RELAY_CA_FILE."""

from __future__ import annotations

import ssl

from django.conf import settings
from django.core.mail.backends import smtp
from django.utils.functional import cached_property

from relay.outbound import client_context


class EmailBackend(smtp.EmailBackend):
    """As Django's, for STARTTLS and for TLS from the start."""

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        return client_context(settings.CA_FILE or None)
