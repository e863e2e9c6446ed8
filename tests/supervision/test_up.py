"""`relay up` with real processes: it starts, refuses, restarts, drains, and leaves no process behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relay import valkey
from relay.data_folder import DataFolder
from tests.support.running import Relay, Valkey, environment, is_running, wait_until

Start = Callable[..., Relay]


def refusal(*words: str, **settings: str) -> str:
    """What `relay up` says on standard error when it ends with 2, in one line."""
    env = {**environment(Path("unused")), **settings}
    done = subprocess.run(
        [sys.executable, "-m", "relay", "up", *words], env=env, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)


@pytest.fixture(scope="module")
def running() -> Iterator[Relay]:
    """One for the tests that only look."""
    relay = Relay()
    try:
        yield relay.start()
    finally:
        relay.remove()


def test_ready_when_it_says_so(running: Relay) -> None:
    roles = [name.split("-")[0] for name in running.children()]

    status = get(f"{running.url}/health/")

    assert status == 200
    assert len(roles) == 5, roles  # Valkey, web, two workers, upkeep
    assert sum(role.startswith("valkey") for role in roles) == 1
    assert re.fullmatch(rf"{re.escape(running.url)}/setup/[\w-]{{32}}/", running.setup_url)


def test_the_parent_keeps_nothing_of_what_its_children_need(running: Relay) -> None:
    memory = {name: rss(pid) for name, pid in {**running.children(), "parent": running.pid}.items()}

    parent = memory.pop("parent")

    assert parent < 0.6 * min(size for name, size in memory.items() if not name.startswith("valkey")), memory


@pytest.fixture(scope="module")
def kept(prepared: Path) -> Iterator[Relay]:
    relay = Relay().with_account(prepared)
    yield relay
    relay.remove()


@pytest.fixture
def restarted(kept: Relay) -> Relay:
    """One for the tests that stop it and start it again; it runs."""
    if kept.process is None or kept.process.poll() is not None:
        kept.start()
    return kept


def rss(pid: int) -> int:
    """Bytes that a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_everything_in_the_folder_is_its_owners(running: Relay) -> None:
    modes = {path.name: oct(path.stat().st_mode & 0o077) for path in running.folder.iterdir()}

    assert set(modes.values()) == {"0o0"}, modes


def test_second_up_on_the_folder_is_refused(running: Relay) -> None:
    said = refusal("--port", "0", RELAY_DATA=str(running.folder))

    assert "Another `relay up` runs on the data folder" in said


def test_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        said = refusal("--port", str(port), "--data", str(tmp_path / "data"))

    assert said == f"relay: Port {port} is taken by another program. Choose another with --port.\n"


@pytest.mark.exhaustive
def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data"
    file.write_text("mine")

    said = refusal("--data", str(file))

    assert f"The data folder {file} can't be used" in said
    assert file.read_text() == "mine"


@pytest.mark.exhaustive
def test_too_long_path_is_refused_and_not_made(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100)

    said = refusal("--data", str(folder))

    assert "The path of the data folder is too long" in said
    assert not folder.exists()


@pytest.mark.exhaustive
@pytest.mark.parametrize("host", ["192.0.2.7", "256.1.1.1"])
def test_foreign_host_is_refused(host: str, tmp_path: Path) -> None:
    said = refusal("--host", host, "--data", str(tmp_path / "data"))

    assert f"The host {host} is no address of this machine" in said


@pytest.mark.exhaustive
def test_stops_whole_and_starts_again_with_the_same_link_until_there_is_an_account(start_relay: Start) -> None:
    relay = start_relay()
    pids = relay.children().values()
    link = relay.setup_url.rsplit("/", 2)[1]

    code = relay.stop()

    assert code == 0
    assert [pid for pid in pids if is_running(pid)] == []
    assert relay.start().setup_url.rsplit("/", 2)[1] == link
    relay.command("user", "add", "ada@example.com", given="correct horse battery\n")
    assert relay.stop(signal.SIGTERM) == 0
    assert relay.start().setup_url == ""


@pytest.mark.exhaustive
def test_asked_to_stop_before_it_is_ready(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "relay", "up", "--port", "0"], env=environment(tmp_path), stdout=subprocess.PIPE
    )
    wait_until(folder.valkey_log.exists)

    process.send_signal(signal.SIGTERM)

    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert said == b""
    assert not folder.socket.exists()


def test_every_child_that_dies_is_started_again(restarted: Relay) -> None:
    before = restarted.children()

    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    wait_until(lambda: len(set(restarted.children().values()) - set(before.values())) == 5)
    wait_until(lambda: valkey.is_ready(DataFolder(restarted.folder)))
    wait_until(lambda: healthy(restarted.url))
    for name in ("valkey", "web", "worker-1", "worker-2", "upkeep"):
        assert f"event='child.died' child='{name}' code=-9" in restarted.log


def healthy(url: str) -> bool:
    try:
        return get(f"{url}/health/") == 200
    except OSError:
        return False


def test_children_die_with_a_killed_parent_and_up_starts_again(restarted: Relay) -> None:
    pids = restarted.children().values()

    restarted.kill()

    wait_until(lambda: not any(map(is_running, pids)), seconds=3)
    restarted.start()
    assert healthy(restarted.url)


@pytest.mark.exhaustive
def test_valkey_left_by_a_killed_parent_is_replaced(restarted: Relay) -> None:
    folder = DataFolder(restarted.folder)
    assert restarted.stop(signal.SIGHUP) == 0
    leftover = subprocess.Popen(valkey.arguments(folder))
    wait_until(lambda: valkey.is_ready(folder))

    restarted.start()

    assert leftover.wait(5) == 0
    assert valkey.is_ready(folder)


@pytest.mark.exhaustive
def test_valkey_file_that_cannot_be_read_is_set_aside(restarted: Relay) -> None:
    restarted.stop()
    (restarted.folder / "appendonlydir" / "appendonly.aof.manifest").write_text("not a manifest\n")

    restarted.start()

    assert list(restarted.folder.glob("appendonlydir.broken-*"))


@pytest.mark.exhaustive
def test_second_signal_hurries(restarted: Relay) -> None:
    assert restarted.process is not None
    for name, pid in restarted.children().items():
        if not name.startswith("valkey"):
            os.kill(pid, signal.SIGSTOP)  # they can't drain
    restarted.process.send_signal(signal.SIGINT)
    time.sleep(0.6)  # sooner, it counts as the same keystroke

    restarted.process.send_signal(signal.SIGINT)

    assert restarted.process.wait(10) == 0


@pytest.fixture(scope="module")
def elsewhere(prepared: Path, valkey_server: Valkey) -> Iterator[Relay]:
    """One that uses the Redis of these tests, and sends requests to other places."""
    relay = Relay(
        REDIS_URL=f"unix://{valkey_server.folder.socket}",
        RELAY_CONNECTOR_URLS='{"https://api.trello.com": "http://127.0.0.1:9"}',
        RELAY_ALLOWED_NETWORKS="127.0.0.0/8",
    )
    try:
        yield relay.with_account(prepared).start()
    finally:
        relay.remove()


@pytest.mark.exhaustive
def test_own_redis_starts_no_valkey(elsewhere: Relay) -> None:
    assert not (elsewhere.folder / "valkey.sock").exists()
    assert len(elsewhere.children()) == 4


@pytest.mark.exhaustive
def test_log_says_what_sends_requests_elsewhere(elsewhere: Relay) -> None:
    assert "https://api.trello.com" in elsewhere.log
    assert "127.0.0.0/8" in elsewhere.log
