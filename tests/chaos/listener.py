"""A destination that records requests, and callers that continue through faults."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request: its Idempotency-Key, which is the same at every try, its JSON, and when it came (seconds)."""

    key: str
    body: Any
    at: float


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who called was killed."""


class Listener:
    """Answers 200 to every POST, after a moment; it has a path for each flow."""

    def __init__(self) -> None:
        self._received: dict[str, list[Delivery]] = {}
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                delivery = Delivery(self.headers["Idempotency-Key"], body, time.time())
                listener._received.setdefault(self.path, []).append(delivery)
                time.sleep(0.01)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = QuietServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def first_of_each(self, path: str) -> dict[str, Delivery]:
        """What came at a path by its key, each the first time that it came, in that order; it came the same again."""
        found: dict[str, Delivery] = {}
        for delivery in list(self._received.get(path, ())):
            assert found.setdefault(delivery.key, delivery).body == delivery.body
        return found


class Caller:
    """Posts JSON from a thread, one after the other, each until it is acknowledged, until told to stop."""

    def __init__(self, port: int, path: str, bodies: Iterator[dict[str, Any]], *, pause: float = 0.02) -> None:
        self.acknowledged: list[dict[str, Any]] = []
        self.answers: list[tuple[dict[str, Any], int, str]] = []
        self.again = 0  # posted once more, since nobody said that it was stored
        self._port, self._path, self._bodies, self._pause = port, path, bodies, pause
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(40)
        assert not self._thread.is_alive(), "a request was never answered"

    def _run(self) -> None:
        for body in self._bodies:
            self._post(body)
            if self._over.wait(self._pause):
                return

    def _post(self, body: dict[str, Any]) -> None:
        while True:
            try:
                status, text = self._answer(json.dumps(body))
            except (OSError, http.client.HTTPException):
                status, text = 0, ""
            if 200 <= status < 300:
                self.acknowledged.append(body)
                self.answers.append((body, status, text))
                return
            self.again += 1
            time.sleep(0.05)

    def _answer(self, body: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        try:
            connection.request("POST", self._path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()
