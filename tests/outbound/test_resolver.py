import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from relay.errors import ConnectFailed, DeliveryError, RequestRefused, SenderBusy
from relay.outbound import Request, Sender, resolver
from relay.outbound.addresses import AddressGuard
from relay.outbound.resolver import Resolver
from relay.outbound.urls import parse

HOSTILE = Path(__file__).parents[2] / "../shared/facts/hostile_inputs.json"
HOST = parse("http://h.example/")

# Where the names of the table lead in the world: none of them to a public address.
INSIDE = {
    "localhost": ["127.0.0.1", "::1"],
    "ip6-localhost": ["::1"],
    "localhost.localdomain": ["127.0.0.1"],
    "spoofed.burpcollaborator.net": ["127.0.0.1"],
    "127-0-0-1.sslip.io": ["127.0.0.1"],
    "169.254.169.254.nip.io": ["169.254.169.254"],
    "host.docker.internal": ["192.168.65.254"],
    "localtest.me": ["::1", "127.0.0.1"],
    "redis": ["172.18.0.2"],
    "metadata.google.internal": ["169.254.169.254"],
}
# Rightly read as a public host or one that no hosts file knows: unknown here, and nothing else.
UNKNOWN = ("public.example", "no-such-host.invalid", "http://good.com?")


def soon() -> float:
    return monotonic() + 5


def test_a_name_is_looked_up_once_within_seconds(names) -> None:
    names.known["h.example"] = ["11.0.0.1", "11.0.0.2", "11.0.0.1"]
    addresses = Resolver(AddressGuard(()))

    first = addresses.look_up(HOST, soon()).result()
    second = addresses.look_up(HOST, soon()).result()

    assert first == second == ("11.0.0.1", "11.0.0.2")
    assert names.asked == ["h.example"]


def test_a_name_is_judged_again_after_its_time(names, monkeypatch) -> None:
    monkeypatch.setattr(resolver, "KEPT_SECONDS", -1.0)
    names.known["h.example"] = ["11.0.0.1"]
    addresses = Resolver(AddressGuard(()))
    addresses.look_up(HOST, soon()).result()

    names.known["h.example"] = ["127.0.0.1"]

    with pytest.raises(RequestRefused, match="private"):
        addresses.look_up(HOST, soon()).result()


@pytest.mark.parametrize(
    "answers",
    [
        ["11.0.0.1", "10.0.0.1"],
        ["11.0.0.1", "64:ff9b::7f00:1"],
        ["::1", "11.0.0.1"],
        ["fe80::1%eth0"],
        [f"11.0.{n // 256}.{n % 256}" for n in range(1000)] + ["127.0.0.1"],
    ],
)
def test_one_bad_answer_refuses_the_name(names, answers: list[str]) -> None:
    names.known["h.example"] = answers

    with pytest.raises(RequestRefused) as refusal:
        Resolver(AddressGuard(())).look_up(HOST, soon()).result()

    assert str(refusal.value).startswith("h.example leads to a private")
    assert not any(answer in str(refusal.value) for answer in answers)


def test_an_unknown_name_may_be_known_later(names, monkeypatch) -> None:
    monkeypatch.setattr(resolver, "UNKNOWN_SECONDS", -1.0)
    addresses = Resolver(AddressGuard(()))
    with pytest.raises(ConnectFailed, match=r"h\.example is unknown"):
        addresses.look_up(HOST, soon()).result()

    names.known["h.example"] = ["11.0.0.1"]

    assert addresses.look_up(HOST, soon()).result() == ("11.0.0.1",)


def test_a_slow_lookup_counts_against_the_deadline_and_is_shared(names) -> None:
    names.known["h.example"] = ["11.0.0.1"]
    answered = threading.Event()
    names.before = lambda: answered.wait(5)
    addresses = Resolver(AddressGuard(()))

    with pytest.raises(ConnectFailed, match="took too long"):
        addresses.look_up(HOST, monotonic() + 0.05).result()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(addresses.look_up, HOST, soon()) for _ in range(4)]
        answered.set()

    assert {future.result().result() for future in waiting} == {("11.0.0.1",)}
    assert names.asked == ["h.example"]


@pytest.mark.exhaustive
def test_names_that_hang_do_not_take_every_thread(names, monkeypatch) -> None:
    monkeypatch.setattr(resolver, "MAX_LOOKUPS", 1)
    answered = threading.Event()
    names.before = lambda: answered.wait(5)
    addresses = Resolver(AddressGuard(()))
    with pytest.raises(ConnectFailed, match="took too long"):
        addresses.look_up(HOST, monotonic()).result()

    with pytest.raises(SenderBusy, match="Too many"):
        addresses.look_up(parse("http://other.example/"), soon()).result()
    answered.set()


def test_what_is_kept_stays_small(names, monkeypatch) -> None:
    monkeypatch.setattr(resolver, "MAX_KEPT", 3)
    addresses = Resolver(AddressGuard(()))

    for number in range(10):
        addresses.look_up(parse(f"http://11.0.0.{number}/"), soon()).result()

    assert len(addresses._kept) <= 3


def test_the_judged_address_is_the_one_connected_to(names, dialled) -> None:
    names.known["h.example"] = ["11.0.0.1", "11.0.0.2"]

    with pytest.raises(ConnectFailed, match="refused the connection"):
        Sender().send(Request("GET", "http://h.example/"))

    assert dialled.addresses == ["11.0.0.1", "11.0.0.2"]
    assert names.asked == ["h.example"]


@pytest.mark.parametrize(
    ("known", "tried"),
    [
        (["11.0.0.1"], ["11.0.0.1"]),
        (["2606::1", "2606::2", "2606::3", "11.0.0.1"], ["2606::1", "11.0.0.1", "2606::2"]),
        (["11.0.0.1", "11.0.0.2", "2606::1"], ["11.0.0.1", "2606::1", "11.0.0.2"]),
        ([f"11.0.0.{n}" for n in range(100)], ["11.0.0.0", "11.0.0.1", "11.0.0.2"]),
    ],
)
def test_both_kinds_of_address_are_tried_and_few(names, dialled, known: list[str], tried: list[str]) -> None:
    names.known["h.example"] = known

    with pytest.raises(ConnectFailed):
        Sender().send(Request("GET", "http://h.example/"))

    assert dialled.addresses == tried


def test_the_second_judged_address_takes_over(names, make_sender, nasty) -> None:
    names.known["h.example"] = ["127.9.9.9", "127.0.0.1"]
    server = nasty.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    sender = make_sender(("127.0.0.0/8",))

    answer = sender.send(Request("GET", f"http://h.example:{server.port}/"))

    assert answer.body == b"ok"
    assert f"\r\nHost: h.example:{server.port}\r\n".encode() in server.requests[0]


def test_a_name_without_addresses_reaches_nothing(names, dialled) -> None:
    names.known["h.example"] = []

    with pytest.raises(ConnectFailed, match="no address"):
        Sender().send(Request("GET", "http://h.example/"))

    assert not dialled.addresses


def test_metadata_by_name_opens_with_its_address(names, dialled) -> None:
    names.known["metadata.google.internal"] = ["169.254.169.254"]

    with pytest.raises(ConnectFailed):
        Sender(("169.254.169.254/32",)).send(Request("GET", "http://metadata.google.internal/"))

    assert dialled.addresses == ["169.254.169.254"]


def test_metadata_by_name_stays_shut(names, dialled) -> None:
    names.known["metadata.google.internal"] = ["11.0.0.1"]

    with pytest.raises(RequestRefused, match="platform"):
        Sender(("0.0.0.0/0",)).send(Request("GET", "http://metadata.google.internal./"))

    assert not dialled.addresses


def hostile_urls() -> list[str]:
    if not HOSTILE.exists():
        return []
    groups = json.loads(HOSTILE.read_text())["groups"]
    elsewhere = ("ssrf_dns_rebinding", "ssrf_redirects")  # told in words, tested above by hand
    names = [name for name in groups if name.startswith("ssrf_") and name not in elsewhere]
    return [case["input"] for name in names for case in groups[name]["cases"]]


@pytest.mark.skipif(not HOSTILE.exists(), reason="shared/facts/hostile_inputs.json is not there")
@pytest.mark.parametrize("url", hostile_urls())
def test_no_hostile_url_reaches_anything(url: str, names, dialled) -> None:
    names.known = INSIDE

    with pytest.raises(DeliveryError) as failure:
        Sender().send(Request("GET", url))

    if url == "http://11.0.0.1/":  # the one public address among them
        assert dialled.addresses == ["11.0.0.1"]
    elif "public.example:" in url:
        assert "RELAY_OUTBOUND_PORTS" in str(failure.value)
        assert failure.value.permanent
    elif any(name in url for name in UNKNOWN):
        assert "is unknown" in str(failure.value)
    else:
        assert isinstance(failure.value, RequestRefused)
        assert failure.value.permanent
        assert not dialled.addresses


def test_one_workspace_takes_a_quarter_of_the_lookups(names, monkeypatch) -> None:
    monkeypatch.setattr(resolver, "MAX_WAIT_SECONDS", 0.01)
    answered = threading.Event()
    names.before = lambda: answered.wait(10)
    addresses = Resolver(AddressGuard(()))

    begun = {owner: hang(addresses, owner, 80) for owner in (1, 2, 3, 4, 5)}
    answered.set()

    assert begun[1] == resolver.MAX_LOOKUPS_PER_WORKSPACE == 16
    assert all(begun.values())  # the last workspace still has room
    assert sum(begun.values()) < resolver.MAX_LOOKUPS


def hang(addresses: Resolver, owner: int, count: int) -> int:
    """The number of lookups that could start; waits for none."""
    begun = 0
    for number in range(count):
        try:
            addresses.look_up(parse(f"http://n{number}.o{owner}.example/"), monotonic(), owner)
        except SenderBusy:
            continue
        except ConnectFailed:
            begun += 1
    return begun


def test_a_lookup_whose_send_gave_up_counts_for_its_owner_until_it_ends(names, monkeypatch) -> None:
    monkeypatch.setattr(resolver, "MAX_LOOKUPS_PER_WORKSPACE", 1)
    names.known |= {"n0.o1.example": ["11.0.0.1"], "h.example": ["11.0.0.2"]}
    answered = threading.Event()
    names.before = lambda: answered.wait(10)
    addresses = Resolver(AddressGuard(()))
    hang(addresses, 1, 1)

    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(addresses.look_up, HOST, soon(), 1)
        with pytest.raises(SenderBusy):
            addresses.look_up(parse("http://other.example/"), monotonic() + 0.05, 1)
        answered.set()

    assert waiting.result().result() == ("11.0.0.2",)  # it waited for room


def test_names_that_are_kept_go_one_by_one(names, monkeypatch) -> None:
    monkeypatch.setattr(resolver, "MAX_KEPT", 2)
    names.known |= {f"{name}.example": ["11.0.0.1"] for name in "abc"}
    addresses = Resolver(AddressGuard(()))

    for name in "abcb":
        addresses.look_up(parse(f"http://{name}.example/"), soon())

    assert names.asked == ["a.example", "b.example", "c.example"]
