"""A world for the tests: own data folder, own database, one real Valkey; set before Django reads its settings."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import django
import hypothesis
import pytest
import pytest_django
from django.conf import settings

from relay import valkey as server
from relay.data_folder import DataFolder
from tests.support.browsing import Browser
from tests.support.running import Relay, Valkey, environment, prepared_folder

# A busy machine makes examples slow to generate and to run; that is no fault of the code.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")

if TYPE_CHECKING:
    from relay.models import User, Workspace

# Short, whatever pytest's own folders are called: a socket's path must fit in some hundred bytes.
WORLD = Path(tempfile.mkdtemp(prefix="relay-"))
FOLDER = DataFolder(WORLD / "data")


def _settle() -> None:
    """Settings of the tests, whatever the shell that runs them has set."""
    os.environ.update(environment(FOLDER.path))
    for name in set(os.environ) - set(environment(FOLDER.path)):
        if not name.startswith("RELAY_TEST_"):
            del os.environ[name]
    if database := os.environ.get("RELAY_TEST_DATABASE_URL"):
        os.environ["DATABASE_URL"] = database
    FOLDER.prepare()
    os.environ["DJANGO_SETTINGS_MODULE"] = "relay.settings"
    # Cheap to hash; and what a test commits need not survive a loss of power.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if settings.SQLITE:
        database = settings.DATABASES["default"]
        database["TEST"] = {"NAME": str(WORLD / "test.sqlite3")}
        database["OPTIONS"]["init_command"] = database["OPTIONS"]["init_command"].replace("=FULL", "=OFF")
    django.setup()
    # Else the processes of xdist would inherit it, and read their settings before they come here.
    del os.environ["DJANGO_SETTINGS_MODULE"]


_settle()


def pytest_collection() -> None:
    """Collecting makes thousands of objects that stay: searching them for garbage again and again takes seconds."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    shutil.rmtree(WORLD, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may be skipped (RELAY_TEST_SKIPS=forbidden, as CI has it) a skip fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and reporter.stats.get("skipped") and os.environ.get("RELAY_TEST_SKIPS") == "forbidden":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest_django.DjangoDbBlocker) -> None:
    """The test database, in which the audit log can be emptied between tests: else it refuses that."""
    from django.core.management.commands import flush
    from django.db import connection

    from relay.models import audit

    # Else each emptying would make content types and permissions again, which Relay doesn't use.
    flush.emit_post_migrate_signal = lambda *_, **__: None

    with django_db_blocker.unblock():
        audit.drop_triggers(connection)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    """One real server on the data folder's socket, for the whole session."""
    with Valkey(FOLDER) as running:
        yield running


@pytest.fixture
def valkey(valkey_server: Valkey) -> Iterator[Valkey]:
    """The running Valkey, empty before and after the test."""
    server.command(FOLDER, "FLUSHALL")
    yield valkey_server
    valkey_server.start()
    server.command(FOLDER, "FLUSHALL")


@pytest.fixture(autouse=True)
def _bells_have_a_tower(request: pytest.FixtureRequest) -> None:
    """Whatever uses the database may ring."""
    if {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("valkey")


@pytest.fixture(autouse=True)
def _like_a_new_process() -> None:
    """Forget what is kept by id, since ids come again where rows are rolled back, and a clock that a test set forth."""
    from relay import ids
    from relay.engine.worker import claim, work_loop

    claim.plan.cache_clear()
    work_loop._walkers.cache_clear()
    ids._source.start()


@pytest.fixture
def client() -> Browser:
    """A browser in which nobody is signed in."""
    return Browser()


@pytest.fixture
def workspace(db: None) -> Workspace:
    """An empty workspace."""
    from relay.models import Workspace

    return Workspace.objects.create(name="Acme")


@pytest.fixture
def owner(workspace: Workspace) -> User:
    """`workspace`'s owner, whose password is `correct horse battery`."""
    from relay.models import Membership, Role, User

    user = User.objects.create_user("owner@example.com", "correct horse battery")
    Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    return user


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which `ada@example.com` owns the only workspace, to be copied."""
    base = tmp_path_factory.getbasetemp()
    return prepared_folder((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "prepared")


@pytest.fixture
def start_relay() -> Iterator[Callable[..., Relay]]:
    """Start real `relay up`s in empty folders: `start_relay(RELAY_LEASE="5")`; stopped in the end."""
    running: list[Relay] = []

    def start(**settings: str) -> Relay:
        running.append(Relay(**settings))
        return running[-1].start()

    yield start
    for relay in running:
        relay.remove()


@pytest.fixture
def relay_up(prepared: Path) -> Iterator[Relay]:
    """A running Relay of its own, with an account, that may call this machine; `.url`, `.pid`, `.command(...)`."""
    relay = Relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8").with_account(prepared)
    try:
        yield relay.start()
    finally:
        relay.remove()


@pytest.fixture(scope="session")
def shared_relay(prepared: Path) -> Iterator[Relay]:
    """The same for all tests, for those that only look at flows of their own and stop nothing."""
    relay = Relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8").with_account(prepared)
    try:
        yield relay.start()
    finally:
        relay.remove()
