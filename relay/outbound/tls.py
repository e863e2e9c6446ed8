"""Makes the TLS contexts of outgoing connections: certificates are verified, also by those of RELAY_CA_FILE."""

from __future__ import annotations

import ssl

from requests.utils import DEFAULT_CA_BUNDLE_PATH


def client_context(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies servers by the usual certificates and those of `ca_file`."""
    context = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH)
    if ca_file:
        context.load_verify_locations(ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
