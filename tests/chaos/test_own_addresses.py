"""The machine's own public addresses, in a network namespace that has some."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.chaos

WORDS = """
import json, socket, subprocess, sys, threading
from relay.errors import RelayError
from relay.outbound import Request, Sender

for words in (
    "link set lo up",
    "addr add 11.22.33.44/24 dev lo",
    "addr add 11.22.33.45/24 dev lo",  # a second one: the kernel calls it from the first
    "-6 addr add 2a00:1234::1/64 dev lo nodad",
    "addr add 11.55.66.77/24 broadcast 11.55.66.255 dev lo",
    "route add local 11.99.0.0/16 dev lo",
):
    subprocess.run(["ip", *words.split()], check=True)

came = []

def serve(listener):
    while True:
        sock, _ = listener.accept()
        data = sock.recv(65536)
        if data:
            came.append(data)
        sock.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        sock.close()

for family, place in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "2a00:1234::1")):
    listener = socket.create_server((place, 9200), family=family)
    threading.Thread(target=serve, args=(listener,), daemon=True).start()

def told(sender, url):
    try:
        return sender.send(Request("GET", url), timeout=2).body.decode()
    except RelayError as error:
        return f"{type(error).__name__}: {error}"

given = json.load(sys.stdin)
sender = Sender(given["allowed"], own=given["own"])
said = {url: told(sender, url) for url in given["urls"]}
print(json.dumps({"said": said, "came": len(came)}))
"""
HOSTS = ["11.22.33.44", "11.22.33.45", "11.55.66.77", "11.99.1.2", "[::ffff:11.22.33.44]", "[2a00:1234::1]"]
URLS = [f"http://{host}:9200/" for host in HOSTS]


@pytest.fixture(autouse=True)
def _namespace() -> None:
    can = shutil.which("ip") and shutil.which("unshare") and subprocess.run(["unshare", "-n", "true"]).returncode == 0
    if not can:
        pytest.skip("no network namespace can be made here: this needs root, unshare and ip")


def within(urls: list[str], *, allowed: tuple[str, ...] = (), own: tuple[str, ...] = ()) -> tuple[dict[str, str], int]:
    """What a sender says of each URL in a namespace with addresses of its own, and how many requests came there."""
    given = json.dumps({"urls": urls, "allowed": allowed, "own": own})
    done = subprocess.run(
        ["unshare", "-n", sys.executable, "-c", WORDS], input=given, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    return told["said"], told["came"]


def test_the_machines_own_addresses_are_not_public() -> None:
    said, came = within(URLS)

    assert [text[:60] for text in said.values() if "leads to the machine that Relay runs on" not in text] == []
    assert came == 0


def test_a_port_says_nothing_of_whether_something_listens() -> None:
    said, _ = within(["http://11.22.33.44:9200/", "http://11.22.33.44:9201/"])

    assert len(set(said.values())) == 1


def test_one_that_is_allowed_is_called() -> None:
    said, came = within(URLS, allowed=("11.22.33.44/32", "2a00:1234::/64"))

    assert [url for url, text in said.items() if text == "ok"] == [URLS[0], URLS[4], URLS[5]]
    assert came == 3


def test_relays_own_url_is_called_and_no_other_port_of_its_host() -> None:
    said, came = within(["http://11.22.33.44:9200/", "http://11.22.33.44:9201/"], own=("http://11.22.33.44:9200",))

    assert said["http://11.22.33.44:9200/"] == "ok"
    assert "leads to the machine" in said["http://11.22.33.44:9201/"]
    assert came == 1
