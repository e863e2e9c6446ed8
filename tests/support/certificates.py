"""Certificates for tests: private CAs, and server certificates that they sign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey
_DAY = timedelta(days=1)


def signed(name: str, by: tuple[str, Key] | None, *, folder: Path) -> Key:
    """Write NAME.pem, the key and the certificate of a CA, or of localhost and 127.0.0.1 where a CA signs it."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer, signer = by or (name, key)
    names = {one: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer)}
    hosts = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(names[name])
        .issuer_name(names[issuer])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(signer, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.pem").write_bytes(private + made.public_bytes(Encoding.PEM))
    return key


def with_private_ca(folder: Path) -> None:
    """Write server.pem, own-ca.pem, which signs it, and other-ca.pem, which doesn't."""
    keys = {name: signed(name, None, folder=folder) for name in ("own-ca", "other-ca")}
    signed("server", ("own-ca", keys["own-ca"]), folder=folder)
