"""What each process of Relay runs, under `relay up` or alone as `relay web`, `relay worker`, `relay upkeep`."""

from __future__ import annotations

import asyncio
import http.client
import importlib
import os
import signal
import sys
import threading
import time

import structlog

from relay.errors import SetupError

log = structlog.get_logger()

# Connections taken at once; more wait in the system's queue.
_CONNECTIONS = 1024
_READY_SECONDS = 60.0
_SHARED = (
    "relay.asgi",
    "relay.urls",
    "relay.jobs",
    "relay.queues",
    "relay.engine.work",
    "relay.engine.upkeep",
    "granian.server.embed",
    "uvloop",
)


def set_up_django() -> None:
    """Have Django read Relay's settings; SetupError where a variable's value can't be one."""
    import django
    from django.core.exceptions import ImproperlyConfigured

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
    try:
        django.setup()
    except (ValueError, ImproperlyConfigured) as error:
        raise SetupError(f"An environment variable is wrong: {str(error).splitlines()[0]}") from error


def preload() -> None:
    """Import all that the children need, so that they share it; nothing is opened and no thread starts."""
    set_up_django()
    for name in _SHARED:
        importlib.import_module(name)


def prepare() -> None:
    """Bring the tables up to date; keep a set-up link only while no account exists."""
    from django.conf import settings

    from relay import schema
    from relay.engine import accounts, upkeep

    schema.bring_up_to_date()
    if settings.SQLITE:
        upkeep.release_left_over()
    if accounts.is_fresh():
        settings.DATA.current_setup_token()
    else:
        settings.DATA.drop_setup_token()


def web(host: str, port: int) -> None:
    """Serve pages and ingest until SIGTERM or SIGINT; requests in hand are finished."""
    import uvloop

    uvloop.run(_serve(host, port))


async def _serve(host: str, port: int) -> None:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server.embed import Server

    from relay.asgi import application

    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        backlog=_CONNECTIONS,
        backpressure=_CONNECTIONS,
        log_access=False,
        log_level=LogLevels.error,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


def worker(*, burst: bool = False) -> None:
    """Answer bells until SIGTERM or SIGINT; what is in hand is finished."""
    from relay import queues

    _switch_threads_as_usual()
    queues.run_worker(burst=burst)


def upkeep() -> None:
    """Ring what is due until SIGTERM or SIGINT."""
    from relay.engine import upkeep as engine

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _switch_threads_as_usual()
    engine.run(stop)


def _switch_threads_as_usual() -> None:
    """Undo what relay.asgi, imported for the web process, asks of the interpreter."""
    sys.setswitchinterval(0.005)


def say_settings() -> None:
    """Tell the log what sends requests elsewhere than flows say."""
    from django.conf import settings

    if settings.CONNECTOR_URLS:
        log.info("settings.connector_urls", map=settings.CONNECTOR_URLS)
    if settings.ALLOWED_NETWORKS:
        log.info("settings.allowed_networks", networks=settings.ALLOWED_NETWORKS)


def wait_until_ready(host: str, port: int, workers: int) -> None:
    """Return when the web process answers and all workers serve the queue; raise SetupError after a minute."""
    from relay import queues

    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        if is_healthy(host, port) and queues.ping() and queues.workers() >= workers:
            return
        time.sleep(0.03)
    raise SetupError("Relay didn't get ready within a minute; the lines above say why.")


def is_healthy(host: str, port: int) -> bool:
    """Whether GET /health/ answers 200."""
    client = http.client.HTTPConnection(host, port, timeout=2)
    try:
        client.request("GET", "/health/", headers={"Host": "localhost"})
        return client.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()
