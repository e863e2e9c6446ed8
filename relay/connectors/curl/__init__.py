"""Converts cURL commands to the inputs of a request."""

from relay.connectors.curl.command import MAX_CHARACTERS, CurlRequest, read_command

__all__ = ["MAX_CHARACTERS", "CurlRequest", "read_command"]
