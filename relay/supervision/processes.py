"""Runs each process of Relay, under `relay up` or alone as `relay web`, `relay worker` or `relay upkeep`."""

from __future__ import annotations

import http.client
import importlib
import os
import signal
import sys
import threading
import time

import structlog

from relay.errors import SetupError
from relay.supervision import memory

log = structlog.get_logger()

_READY_SECONDS = 60.0
UPKEEP_NICE = 5
# Connections to PostgreSQL for the pages of one web process; `timeout` is how many seconds a page waits for one.
_POOL = {"min_size": 1, "max_size": 8, "timeout": 10}
# Modules that every process needs. The web process loads its own: modules here use memory in every process.
_SHARED = ("relay.jobs", "relay.queues", "relay.engine.worker.work_loop", "relay.engine.upkeep.tick")


def set_up_django() -> None:
    """Set up Django with Relay's settings; raises SetupError if an environment variable is invalid."""
    import django
    from django.core.exceptions import ImproperlyConfigured

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "relay.settings")
    try:
        django.setup()
    except (ValueError, ImproperlyConfigured) as error:
        raise SetupError(f"An environment variable is wrong: {str(error).splitlines()[0]}") from error


def preload() -> None:
    """Import what several children need, so that they share its memory; opens nothing and starts no thread.

    Only the web process imports the server, the pages and django-allauth.
    """
    if not all(name in sys.modules for name in _SHARED):
        set_up_django()
        for name in _SHARED:
            importlib.import_module(name)
        memory.freeze()


def prepare() -> None:
    """Check the outbound settings, migrate the tables, and keep a set-up link only while no account exists."""
    from django.conf import settings

    from relay import schema
    from relay.engine.http_client import sender
    from relay.engine.people import accounts
    from relay.engine.upkeep import tick

    sender()  # raises SetupError if its settings are invalid
    schema.migrate()
    if settings.SQLITE:
        tick.release_interrupted()
    if accounts.is_fresh():
        settings.DATA.current_setup_token()
    else:
        settings.DATA.drop_setup_token()


def web(host: str, port: int) -> None:
    """Serve pages and ingest until SIGTERM or SIGINT; open requests are finished."""
    _pool_connections()
    from relay.asgi import application
    from relay.supervision.serving import serve

    # Imported now, so that the first page doesn't wait for it.
    importlib.import_module("relay.urls")
    memory.freeze()
    serve(application, host, port)


def ingest(host: str, port: int) -> None:
    """Serve ingest alone until SIGTERM or SIGINT; open requests are finished."""
    from relay.ingest.asgi_app import AsgiApp
    from relay.supervision.serving import serve

    serve(AsgiApp(), host, port)


def _pool_connections() -> None:
    """On PostgreSQL, let pages take connections from a pool, because Django gives each request its own thread.

    This is not in the settings, because the pool has threads, and other processes need one connection.
    """
    from django.conf import settings
    from django.db import connections

    if not settings.SQLITE:
        connections.close_all()
        default = connections.settings["default"]
        default["CONN_MAX_AGE"] = 0
        default["OPTIONS"] = {**default.get("OPTIONS", {}), "pool": _POOL}


def worker(*, burst: bool = False) -> None:
    """Work on due runs at each wakeup until SIGTERM or SIGINT; runs in progress are finished."""
    from django.conf import settings

    from relay import jobs, queues
    from relay.engine.http_client import sender
    from relay.engine.walk import memory_ceiling
    from relay.engine.worker import token_renewals

    sender()
    memory_ceiling.set_limit(settings.WORKER_MEMORY, threads=settings.WORKER_THREADS)
    queues.run_worker(jobs.work, burst=burst)
    token_renewals.wait()


def upkeep() -> None:
    """Wake workers for due runs, index, alert and prune until SIGTERM or SIGINT."""
    from django.conf import settings

    from relay.engine.upkeep import checkpoints
    from relay.engine.upkeep import tick as engine

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # Started before `nice`, which on Linux applies to this thread only: writers wait while the log is too long.
    checkpointer = checkpoints.start(stop) if settings.SQLITE else None
    # Indexing and pruning give way to ingest and deliveries.
    os.nice(UPKEEP_NICE)
    engine.run(stop)
    if checkpointer is not None:
        checkpointer.join()


def log_settings() -> None:
    """Log the settings that send requests elsewhere than flows say."""
    from django.conf import settings

    if settings.CONNECTOR_URLS:
        log.info("settings.connector_urls", map=settings.CONNECTOR_URLS)
    if settings.ALLOWED_NETWORKS:
        log.info("settings.allowed_networks", networks=settings.ALLOWED_NETWORKS)
    if settings.OUTBOUND_PROXY:
        # Without the password that the URL may contain.
        log.info("settings.outbound_proxy", place=settings.OUTBOUND_PROXY.rpartition("@")[2].removeprefix("http://"))
    if settings.OUTBOUND_PORTS:
        log.info("settings.outbound_ports", ports=settings.OUTBOUND_PORTS)


def wait_until_ready(host: str, port: int, workers: int) -> None:
    """Return when the web process answers and all workers serve the queue; raise SetupError after a minute."""
    from relay import queues

    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        if is_healthy(host, port) and queues.ping() and queues.worker_count() >= workers:
            return
        time.sleep(0.03)
    raise SetupError("Relay didn't get ready within a minute; the lines above say why.")


def is_healthy(host: str, port: int) -> bool:
    """Return whether GET /health/ answers 200."""
    client = http.client.HTTPConnection(host, port, timeout=2)
    try:
        client.request("GET", "/health/", headers={"Host": "localhost"})
        return client.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()
