"""Verifies public-key signatures. The only module of this package that uses cryptography."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from cryptography.x509.oid import NameOID

from relay.signatures.verdict import Refused

LEAST_RSA_BITS = 1024
_HASHES: dict[str, HashAlgorithm] = {"sha1": SHA1(), "sha256": SHA256()}  # noqa: S303 # nosec B303 - two senders sign so
_UNUSABLE = (ValueError, TypeError, UnsupportedAlgorithm)


def verify_ed25519(key: bytes, signature: bytes, message: bytes) -> bool:
    """`key`: 32 bytes, or a PEM or DER public key."""
    public = _ed25519(key)
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def verify_p256(key: bytes, signature: bytes, message: bytes) -> bool:
    """ECDSA over P-256 with SHA-256, the signature in DER; `key` a PEM or DER public key."""
    public = _public(key)
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise Refused("The public key is not one of P-256")
    return _is_p256(public, signature, message)


def verify_rsa(key: bytes, signature: bytes, message: bytes, hashed: str) -> bool:
    """RSA with PKCS #1 v1.5 and `sha1` or `sha256`; `key` a PEM or DER public key."""
    return _is_rsa(_public(key), signature, message, hashed)


def verify_by_certificate(pem: bytes, name_ends: str, now: float, *, signature: bytes, message: bytes, by: str) -> bool:
    """RSA by the key of a certificate, which must be valid now and issued to a name with this end."""
    certificate = _certificate(pem)
    moment = datetime.fromtimestamp(now, UTC)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        raise Refused("The certificate of the signature is not in force")
    names = [str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if not any(name == name_ends or name.endswith("." + name_ends) for name in names):
        raise Refused(f"The certificate of the signature is not {name_ends}'s")
    return _is_rsa(certificate.public_key(), signature, message, by)


def verify_jwk(jwk: Mapping[str, Any], algorithm: str, signature: bytes, message: bytes) -> bool:
    """RS256 or ES256 by a JSON Web Key."""
    if algorithm == "ES256":
        return len(signature) == 64 and _is_p256(_p256_of(jwk), _as_der(signature), message)
    return _is_rsa(_rsa_of(jwk), signature, message, "sha256")


def _is_p256(public: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    try:
        public.verify(signature, message, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _is_rsa(public: object, signature: bytes, message: bytes, hashed: str) -> bool:
    if not isinstance(public, rsa.RSAPublicKey) or public.key_size < LEAST_RSA_BITS:
        raise Refused("The public key is not a usable RSA key")
    try:
        public.verify(signature, message, padding.PKCS1v15(), _HASHES[hashed])
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=512)
def _ed25519(key: bytes) -> ed25519.Ed25519PublicKey:
    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(key) if len(key) == 32 else _public(key)
    except _UNUSABLE:
        raise _not_a_key() from None
    if not isinstance(public, ed25519.Ed25519PublicKey):
        raise _not_a_key()
    return public


@lru_cache(maxsize=512)
def _public(key: bytes) -> object:
    try:
        return load_pem_public_key(key) if b"-----BEGIN" in key else load_der_public_key(key)
    except _UNUSABLE:
        raise _not_a_key() from None


@lru_cache(maxsize=64)
def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except _UNUSABLE:
        raise Refused("The certificate of the signature can't be read") from None


def _rsa_of(jwk: Mapping[str, Any]) -> rsa.RSAPublicKey:
    try:
        return rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
    except (*_UNUSABLE, KeyError, binascii.Error):
        raise _not_a_key() from None


def _p256_of(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), ec.SECP256R1()).public_key()
    except (*_UNUSABLE, KeyError, binascii.Error):
        raise _not_a_key() from None


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")


def _as_der(raw: bytes) -> bytes:
    """Converts the signature of JOSE, two concatenated numbers, to DER."""
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def _not_a_key() -> Refused:
    return Refused("The public key can't be read: enter it as the sender shows it")
