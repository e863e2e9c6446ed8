"""What each process of Relay runs, under `relay up` or alone as `relay web`, `relay worker`, `relay upkeep`."""

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
# Of PostgreSQL, for the pages of one web process; a page waits so many seconds for one of them.
_POOL = {"min_size": 1, "max_size": 8, "timeout": 10}
# What every process needs. What only the web process does it loads itself: a module here is counted once a process.
_SHARED = ("relay.jobs", "relay.queues", "relay.engine.work", "relay.engine.upkeep")


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
    """Import what several children need, so that they share it; nothing is opened and no thread starts.

    The server, the pages and django-allauth are only in the web process, which imports them by itself.
    """
    if not all(name in sys.modules for name in _SHARED):
        set_up_django()
        for name in _SHARED:
            importlib.import_module(name)
        memory.settle()


def prepare() -> None:
    """Check what requests go out by, bring the tables up to date; keep a set-up link only while no account exists."""
    from django.conf import settings

    from relay import schema
    from relay.engine import accounts, upkeep
    from relay.engine.sending import sender

    sender()  # says what is wrong with its settings
    schema.bring_up_to_date()
    if settings.SQLITE:
        upkeep.release_left_over()
    if accounts.is_fresh():
        settings.DATA.current_setup_token()
    else:
        settings.DATA.drop_setup_token()


def web(host: str, port: int) -> None:
    """Serve pages and ingest until SIGTERM or SIGINT; requests in hand are finished."""
    _pool_connections()
    from relay.asgi import application
    from relay.supervision.serving import serve

    # Before the first page is asked for, not while somebody waits for it.
    importlib.import_module("relay.urls")
    memory.settle()
    serve(application, host, port)


def ingest(host: str, port: int) -> None:
    """Serve ingest alone until SIGTERM or SIGINT; requests in hand are finished."""
    from relay.ingest.entrance import Entrance
    from relay.supervision.serving import serve

    serve(Entrance(), host, port)


def _pool_connections() -> None:
    """On PostgreSQL, have pages take connections from a pool: Django gives each request a thread of its own.

    Here and not in the settings: the pool has threads, and other processes need one connection.
    """
    from django.conf import settings
    from django.db import connections

    if not settings.SQLITE:
        connections.close_all()
        default = connections.settings["default"]
        default["CONN_MAX_AGE"] = 0
        default["OPTIONS"] = {**default.get("OPTIONS", {}), "pool": _POOL}


def worker(*, burst: bool = False) -> None:
    """Answer bells until SIGTERM or SIGINT; what is in hand is finished."""
    from relay import jobs, queues
    from relay.engine.sending import sender

    sender()
    queues.run_worker(jobs.work, burst=burst)


def upkeep() -> None:
    """Ring what is due until SIGTERM or SIGINT."""
    from relay.engine import upkeep as engine

    # Who indexes and prunes gives way to who takes in and delivers.
    os.nice(UPKEEP_NICE)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine.run(stop)


def say_settings() -> None:
    """Tell the log what sends requests elsewhere than flows say."""
    from django.conf import settings

    if settings.CONNECTOR_URLS:
        log.info("settings.connector_urls", map=settings.CONNECTOR_URLS)
    if settings.ALLOWED_NETWORKS:
        log.info("settings.allowed_networks", networks=settings.ALLOWED_NETWORKS)
    if settings.OUTBOUND_PROXY:
        # Without the password that may stand before it.
        log.info("settings.outbound_proxy", place=settings.OUTBOUND_PROXY.rpartition("@")[2].removeprefix("http://"))
    if settings.OUTBOUND_PORTS:
        log.info("settings.outbound_ports", ports=settings.OUTBOUND_PORTS)


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
