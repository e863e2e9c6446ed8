import pytest

from relay.errors import ConnectFailed, RequestRefused, SetupError
from relay.outbound import Request, Sender
from relay.outbound.ports import CLOSED, Ports


@pytest.mark.parametrize("port", [22, 23, 25, 53, 445, 2375, 2379, 3306, 5432, 6379, 9092, 10250, 11211, 27017])
def test_ports_of_other_protocols_are_shut(port: int) -> None:
    assert port not in Ports(())


@pytest.mark.parametrize("port", [80, 81, 443, 3000, 4010, 5000, 5678, 8000, 8080, 8443, 9000, 9200, 40000, 65535])
def test_ports_of_web_services_are_open(port: int) -> None:
    assert port in Ports(())


def test_no_port_that_a_system_takes_at_random_is_shut() -> None:
    assert max(CLOSED) < 32768


@pytest.mark.parametrize(
    ("allowed", "opened", "shut"),
    [
        (["443"], {443}, {80, 442, 444, 8080}),
        (["80", " 443 ", "8000-8002"], {80, 443, 8000, 8001, 8002}, {7999, 8003, 6379}),
        (["1-65535"], {1, 25, 6379, 65535}, set()),
    ],
)
def test_named_ports_are_the_only_ones(allowed: list[str], opened: set[int], shut: set[int]) -> None:
    ports = Ports(allowed)

    assert {port for port in opened | shut if port in ports} == opened


@pytest.mark.parametrize(
    "text", ["", "0", "65536", "http", "-1", "8002-8000", "80-", "1-99999", "80;443", "\u0668\u0660"]
)
def test_ports_that_cannot_be_read_stop_the_start(text: str) -> None:
    with pytest.raises(SetupError, match="RELAY_OUTBOUND_PORTS"):
        Sender(ports=[text])


def test_a_shut_port_is_a_refusal_for_good(names, dialled) -> None:
    names.known["h.example"] = ["11.0.0.1"]

    with pytest.raises(RequestRefused, match=r"doesn't call port 6379; allow it with RELAY_OUTBOUND_PORTS"):
        Sender().send(Request("GET", "http://h.example:6379/"))

    assert not dialled.addresses


def test_an_opened_port_is_called(names, dialled) -> None:
    names.known["h.example"] = ["11.0.0.1"]

    with pytest.raises(ConnectFailed):
        Sender(ports=["6379"]).send(Request("GET", "http://h.example:6379/"))

    assert dialled.addresses == ["11.0.0.1"]


def test_an_allowed_network_opens_no_port(dialled) -> None:
    with pytest.raises(RequestRefused, match="port 6379"):
        Sender(("127.0.0.0/8",)).send(Request("GET", "http://127.0.0.1:6379/"))

    assert not dialled.addresses


def test_all_ports_of_a_refused_address_get_the_same_answer(names) -> None:
    names.known["inside.example"] = ["10.0.0.1"]

    said = set()
    for port in (80, 443, 6379, 22, 40000):
        with pytest.raises(RequestRefused) as refusal:
            Sender().send(Request("GET", f"http://inside.example:{port}/"))
        said.add(str(refusal.value))

    assert len(said) == 1
