"""An S3-compatible store in this process, which refuses requests that are not signed as AWS's pages describe.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, .../API_ListObjectsV2.html,
.../ErrorResponses.html. A path-style store with one bucket, KEY and SECRET.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

KEY, SECRET, REGION, BUCKET = "AKIDEXAMPLE", "wJalr/XUtnFEMI+K7MDENG", "eu-test-1", "relay-files"
_authorization = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)"
).fullmatch


class S3Server(ThreadingHTTPServer):
    """`objects`: bytes by key. `is_down`: all requests get a 503. `log`: methods and paths. `most`: in one listing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.is_down = False
        self.locked = ""  # a part of the paths of objects that can't be removed
        self.most = 1000
        self.log: list[str] = []
        self.refused: list[str] = []

    def url(self, secret: str = SECRET, bucket: str = BUCKET, prefix: str = "") -> str:
        """The RELAY_FILES_URL of this store."""
        where = f"127.0.0.1:{self.server_port}/{bucket}{prefix}?region={REGION}"
        return f"s3+http://{KEY}:{quote(secret, safe='')}@{where}"


@contextmanager
def running() -> Iterator[S3Server]:
    server = S3Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: S3Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    do_PUT = do_DELETE = do_HEAD = do_POST = do_GET  # noqa: N815 - named by the methods

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.log.append(f"{self.command} {self.path}")
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        is_locked = self.command == "DELETE" and self.server.locked and self.server.locked in self.path
        if self.server.is_down or is_locked:
            self._send(503, _error("SlowDown"))
        elif fault := _fault(self.command, self.path, dict(self.headers.items()), body):
            self.server.refused.append(fault)
            self._send(403, _error("SignatureDoesNotMatch", fault))
        elif bucket != BUCKET:
            self._send(404, _error("NoSuchBucket"))
        elif key:
            self._object(key, body)
        else:
            self._send(200, self._listing(dict(parse_qsl(url.query))))

    def _object(self, key: str, body: bytes) -> None:
        objects = self.server.objects
        if self.command == "PUT":
            objects[key] = body
            self._send(200, b"", ETag=f'"{hashlib.md5(body).hexdigest()}"')
        elif self.command == "DELETE":
            objects.pop(key, None)
            self._send(204, b"")
        elif key not in objects:
            self._send(404, _error("NoSuchKey"))
        else:
            etag = f'"{hashlib.md5(objects[key]).hexdigest()}"'
            modified = "Mon, 30 Nov 2026 12:00:00 GMT"
            self._send(200, objects[key], ETag=etag, **{"Last-Modified": modified})

    def _listing(self, query: dict[str, str]) -> bytes:
        after = query.get("continuation-token") or query.get("start-after") or ""
        found = [key for key in sorted(self.server.objects) if key.startswith(query.get("prefix", "")) and key > after]
        page = found[: min(self.server.most, int(query.get("max-keys", 1000)))]
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-30T12:00:00.000Z</LastModified>"
            f"<ETag>&quot;x&quot;</ETag><Size>{len(self.server.objects[key])}</Size></Contents>"
            for key in page
        )
        more = len(page) < len(found)
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><Name>{BUCKET}</Name><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"<KeyCount>{len(page)}</KeyCount>{token}{rows}</ListBucketResult>"
        ).encode()

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _error(code: str, message: str = "") -> bytes:
    return f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>".encode()


def _fault(method: str, path: str, headers: dict[str, str], body: bytes) -> str:
    """Why a request is refused; empty for one that is signed rightly."""
    headers = {name.lower(): value for name, value in headers.items()}
    match = _authorization(headers.get("authorization", ""))
    if match is None:
        return "Authorization is not of AWS4-HMAC-SHA256"
    key, day, region, signed, signature = match.groups()
    digest = headers.get("x-amz-content-sha256", "")
    if (key, region) != (KEY, REGION) or not headers.get("x-amz-date", "").startswith(day):
        return "another key, region or day"
    if digest not in {hashlib.sha256(body).hexdigest(), "UNSIGNED-PAYLOAD"}:
        return "x-amz-content-sha256 is not that of the body"
    names = signed.split(";")
    if not {"host", "x-amz-content-sha256", "x-amz-date"} <= set(names):
        return "a header is not signed"
    url = urlsplit(path)
    query = sorted(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in parse_qsl(url.query, keep_blank_values=True)
    )
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names)
    canonical = "\n".join((method, url.path, "&".join(query), lines, signed, digest))
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signing = f"AWS4{SECRET}".encode()
    for part in (day, region, "s3", "aws4_request"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    right = hmac.digest(signing, text.encode(), "sha256").hex()
    return "" if hmac.compare_digest(right, signature) else "the signature is wrong"
