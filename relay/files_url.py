"""Parses the URL of an S3-compatible object store for the settings."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

_SCHEMES = {"s3": "https", "s3+http": "http"}
_OPTIONS = frozenset({"region", "path_style"})
_is_bucket = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}").fullmatch
_is_prefix = re.compile(r"(?=.{0,200}$)([A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)?").fullmatch
_FORM = (
    "RELAY_FILES_URL looks like s3://key:secret@host/bucket or s3://key:secret@host/bucket/prefix?region=eu-central-1"
)


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """An S3-compatible store. `prefix` is empty or ends in a slash. The repr has no secret."""

    endpoint: str
    bucket: str
    prefix: str
    region: str
    path_style: bool
    key: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def label(self) -> str:
        """The store for people: without its credentials."""
        return f"{self.endpoint}/{self.bucket}/{self.prefix}"


def settings_of(url: str) -> ObjectStore | None:
    """Parse `s3://key:secret@host:port/bucket/prefix?region=...`; None for "". Raises ValueError without the secret.

    `s3+http` is for a store without TLS. `path_style=false` puts the bucket into the host's name.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        scheme, host, port = _SCHEMES[parts.scheme], parts.hostname, parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except (KeyError, ValueError):
        raise ValueError(_FORM) from None
    bucket, _, prefix = parts.path.lstrip("/").partition("/")
    prefix = prefix.removesuffix("/")
    if not host or not _is_bucket(bucket) or not _is_prefix(prefix) or parts.fragment:
        raise ValueError(_FORM)
    if not parts.username or not parts.password:
        raise ValueError(f"{_FORM}; percent-encode the characters / ? # @ : + of the key and the secret")
    if unknown := sorted(options.keys() - _OPTIONS):
        raise ValueError(f"RELAY_FILES_URL has the options region and path_style, not {unknown[0]}")
    if options.get("path_style", "true") not in {"true", "false"}:
        raise ValueError("RELAY_FILES_URL: path_style is true or false")
    if importlib.util.find_spec("obstore") is None:
        raise ValueError("RELAY_FILES_URL needs the extra s3: pip install 'relay-flows[s3]'")
    name = f"[{host}]" if ":" in host else host
    path_style = options.get("path_style") != "false"
    return ObjectStore(
        endpoint=f"{scheme}://{name}{f':{port}' if port else ''}",
        bucket=bucket,
        prefix=f"{prefix}/" if prefix else "",
        region=options.get("region") or "us-east-1",
        path_style=path_style,
        key=unquote(parts.username),
        secret=unquote(parts.password),
    )
