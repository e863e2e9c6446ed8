"""Tests that mail servers with a certificate of a private CA are trusted if RELAY_CA_FILE has the CA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from relay import mail_url
from relay.engine.people import mailer
from relay.errors import RelayError
from tests.support.certificates import with_private_ca
from tests.support.mailserver import MailServer


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    with_private_ca(tmp_path)
    return tmp_path


def use(settings: Any, url: str, ca_file: Path | None) -> None:
    """Apply RELAY_EMAIL_URL and RELAY_CA_FILE as relay.settings does."""
    server = mail_url.settings_of(url)
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = server.backend, server.host, server.port
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = server.starttls, server.tls
    settings.CA_FILE = str(ca_file or "")


SCHEMES = pytest.mark.parametrize("scheme", ["smtp+tls", "smtps"])


@SCHEMES
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_certificates_of_the_file_are_trusted(settings: Any, certificates: Path, scheme: str, host: str) -> None:
    with MailServer(certificates / "server.pem", is_tls=scheme == "smtps") as server:
        use(settings, f"{scheme}://{host}:{server.port}", certificates / "own-ca.pem")
        mailer.send_reset_link("ann@example.com", "https://relay.example.com/reset/1")

    assert [mail["To"] for mail in server.mails] == ["ann@example.com"]


@SCHEMES
@pytest.mark.parametrize("trusted", [None, "other-ca.pem"])
def test_other_certificates_are_not(settings: Any, certificates: Path, scheme: str, trusted: str | None) -> None:
    with MailServer(certificates / "server.pem", is_tls=scheme == "smtps") as server:
        use(settings, f"{scheme}://localhost:{server.port}", certificates / trusted if trusted else None)
        with pytest.raises(RelayError, match="could not be sent") as failure:
            mailer.send_reset_link("ann@example.com", "https://relay.example.com/reset/1")

    assert "CERTIFICATE_VERIFY_FAILED" in str(failure.value.__cause__.__cause__)
    assert server.mails == []


@SCHEMES
def test_the_name_of_the_server_is_checked(settings: Any, certificates: Path, scheme: str) -> None:
    with MailServer(certificates / "server.pem", is_tls=scheme == "smtps") as server:
        use(settings, f"{scheme}://127.0.0.2:{server.port}", certificates / "own-ca.pem")
        with pytest.raises(RelayError):
            mailer.send_reset_link("ann@example.com", "https://relay.example.com/reset/1")

    assert server.mails == []
