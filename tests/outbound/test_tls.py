import ssl
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from relay.errors import ConnectFailed, SetupError
from relay.outbound import Request, Sender
from relay.outbound.tls import DEFAULT_CA_BUNDLE_PATH
from tests.support.certificates import with_private_ca

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of localhost and 127.0.0.2, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    known = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.2"))]
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(known), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + signed.public_bytes(Encoding.PEM))
    return path


@pytest.mark.parametrize("trusted", ["own-ca", "other-ca"])
def test_a_server_of_a_private_ca_is_called_where_the_ca_is_given(
    make_sender, nasty, tmp_path: Path, trusted: str
) -> None:
    with_private_ca(tmp_path)
    server = nasty.answering(OK, wrap=server_side(tmp_path / "server.pem", []))
    sender = make_sender(("127.0.0.0/8",), ca_file=str(tmp_path / f"{trusted}.pem"))
    request = Request("GET", f"https://localhost:{server.port}/")

    if trusted == "own-ca":
        assert sender.send(request).body == b"ok"
    else:
        with pytest.raises(ConnectFailed, match=r"(?i)certificate"):
            sender.send(request)


def server_side(certificate: Path, names: list[str | None]) -> partial[ssl.SSLSocket]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    return partial(context.wrap_socket)


def test_tls_sends_and_checks_the_name(make_sender, nasty, certificate: Path) -> None:
    told: list[str | None] = []
    server = nasty.answering(OK, OK, wrap=server_side(certificate, told))
    sender = make_sender(("127.0.0.0/8",), ca_file=str(certificate))

    answers = [sender.send(Request("GET", f"https://localhost:{server.port}/")) for _ in range(2)]

    assert [answer.body for answer in answers] == [b"ok", b"ok"]
    assert told == ["localhost"]


@pytest.mark.parametrize(
    ("host", "trusted", "reason"),
    [("localhost", False, "self-signed"), ("127.0.0.1", True, "mismatch")],
)
def test_a_wrong_certificate_is_refused_before_anything_is_sent(
    make_sender, nasty, certificate: Path, host: str, trusted: bool, reason: str
) -> None:
    server = nasty.answering(OK, wrap=server_side(certificate, []))
    sender = make_sender(("127.0.0.0/8",), ca_file=str(certificate) if trusted else None)

    with pytest.raises(ConnectFailed, match=f"(?i)certificate.*{reason}") as failure:
        sender.send(Request("GET", f"https://{host}:{server.port}/"))

    assert not failure.value.sent
    assert server.requests == []


def test_a_private_ca_is_trusted_beside_the_usual_ones(make_sender, nasty, certificate: Path) -> None:
    sender = make_sender(("127.0.0.0/8",), ca_file=str(certificate))
    usual = ssl.create_default_context(cafile=DEFAULT_CA_BUNDLE_PATH).cert_store_stats()

    trusted = sender._adapter._connections._context()

    assert trusted.cert_store_stats()["x509"] == usual["x509"] + 1
    assert trusted.verify_mode == ssl.CERT_REQUIRED
    assert trusted.check_hostname


@pytest.mark.parametrize(
    "content", [None, "", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_certificates_is_refused(make_sender, tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SetupError, match="RELAY_CA_FILE must be a file of certificates"):
        make_sender((), ca_file=str(file))


def test_a_server_without_tls_is_no_https_server(sender: Sender, nasty) -> None:
    server = nasty.behaving(lambda _, sock: sock.recv(10) and sock.sendall(OK))

    with pytest.raises(ConnectFailed, match="TLS"):
        sender.send(Request("GET", f"https://127.0.0.1:{server.port}/"))


def test_a_handshake_that_never_ends_meets_the_deadline(sender: Sender, nasty) -> None:
    server = nasty.silent()

    with pytest.raises(ConnectFailed, match="in time"):
        sender.send(Request("GET", f"https://127.0.0.1:{server.port}/"), timeout=0.3)
