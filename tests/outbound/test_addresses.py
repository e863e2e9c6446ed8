import pytest

from relay.errors import SetupError
from relay.outbound.addresses import AddressGuard

PUBLIC = [
    "11.0.0.1",
    "8.8.8.8",
    "100.128.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
    "2001:4860:4860::8888",
    "2003::1",
    "2606:4700:0:1:100:5efe:a00:1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
CLOSED = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.0.1",
    "172.16.0.1",
    "172.31.255.254",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::808:808",
    "::ffff:127.0.0.1",
    "::ffff:0:7f00:1",
    "::ffff:0:808:808",
    "64:ff9b::7f00:1",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "2606:4700:0:1:0:5efe:a00:1",
    "2606:4700:0:1:200:5efe:7f00:1",
    "2606:4700:0:1:0:5efe:808:808",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "not an address",
]
METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "169.254.0.23",
    "169.254.42.42",
    "169.254.169.250",
    "fd00:42::42",
    "fe80::a9fe:a9fe%eth0",
    "::ffff:169.254.169.254",
    "::a9fe:a9fe",
    "::ffff:0:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:a9fe:a9:fe00::",
    "64:ff9b:1:aba9:fe:a9fe::",
    "64:ff9b:1:abcd:a9:fea9:fe00:0",
    "fe80::5efe:a9fe:a9fe",
    "2606:4700:0:1:200:5efe:a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:5601:5601",
    "metadata.google.internal",
]
EVERYTHING = ("0.0.0.0/0", "::/0")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    assert AddressGuard(()).objection(address) is None


@pytest.mark.parametrize("address", [*CLOSED, *METADATA])
def test_every_other_address_is_refused(address: str) -> None:
    assert AddressGuard(()).objection(address)


@pytest.mark.parametrize("address", METADATA)
def test_a_wide_allowed_network_leaves_metadata_shut(address: str) -> None:
    assert "platform" in (AddressGuard(EVERYTHING).objection(address) or "")


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("127.0.0.0/8", "127.0.0.1"),
        ("127.0.0.0/8", "::ffff:127.0.0.1"),
        ("10.0.0.0/8", "64:ff9b::a00:1"),
        ("10.0.0.5", "10.0.0.5"),
        ("fd00::/8", "fd12::1"),
        ("64:ff9b:1::/48", "64:ff9b:1::808:808"),
        ("169.254.169.254/32", "169.254.169.254"),
        ("fd00:ec2::254/128", "fd00:ec2::254"),
        ("169.254.169.254/32", "::ffff:169.254.169.254"),
        ("::ffff:0:0/96", "::ffff:10.0.0.1"),
        ("::/0", "::1"),
    ],
)
def test_an_allowed_network_opens_its_addresses(network: str, address: str) -> None:
    assert AddressGuard([network]).objection(address) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "::ffff:10.0.0.1"])
def test_all_of_ipv6_is_nothing_of_ipv4(address: str) -> None:
    assert AddressGuard(["::/0"]).objection(address)


@pytest.mark.parametrize("network", ["169.254.0.0/16", "169.254.169.254/31", "fd00::/8", "100.64.0.0/10"])
def test_only_a_metadata_address_itself_opens_its_names(network: str) -> None:
    assert AddressGuard([network]).is_shut_name("metadata.google.internal")
    assert not AddressGuard([network, "169.254.169.254/32"]).is_shut_name("metadata.google.internal")


def test_an_allowed_network_opens_no_other_address() -> None:
    guard = AddressGuard(["10.0.0.0/8"])

    assert guard.objection("11.0.0.1") is None
    assert guard.objection("192.168.0.1")
    assert guard.objection("::1")


@pytest.mark.parametrize("network", ["", "10.0.0.1/8", "10.0.0.0/33", "localhost", "*"])
def test_a_network_that_cannot_be_read_stops_the_start(network: str) -> None:
    with pytest.raises(SetupError, match="RELAY_ALLOWED_NETWORKS"):
        AddressGuard([network])


@pytest.mark.parametrize(
    ("address", "allowed", "is_own"),
    [
        ("127.0.0.1", (), True),
        ("127.0.0.2", (), True),
        ("::ffff:127.0.0.1", (), True),
        ("64:ff9b::7f00:1", (), True),
        ("127.0.0.1", ("127.0.0.0/8",), False),
        ("192.0.2.7", (), False),
        ("11.22.33.44", (), False),
        ("2606:4700::1", (), False),
        ("nonsense", (), False),
    ],
)
def test_what_a_socket_can_have_is_this_machines_own(address: str, allowed: tuple[str, ...], is_own: bool) -> None:
    assert AddressGuard(allowed).is_own(address) is is_own
