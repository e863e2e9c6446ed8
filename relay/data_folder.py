"""Manages the data folder, which holds the embedded database, keys and sockets."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from relay.errors import SetupError

# A unix socket's path must fit in sockaddr_un (108 bytes with its NUL; 104 on macOS).
MAX_SOCKET_PATH_BYTES = 103


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The paths of one installation. Nothing is created before `prepare`."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "relay.sqlite3"

    @property
    def socket(self) -> Path:
        return self.path / "valkey.sock"

    @property
    def valkey_log(self) -> Path:
        return self.path / "valkey.log"

    @property
    def secret_key(self) -> Path:
        return self.path / "secret.key"

    @property
    def vault_keys(self) -> Path:
        return self.path / "vault.keys"

    @property
    def vault_lock(self) -> Path:
        return self.path / "vault.lock"

    @property
    def setup_token(self) -> Path:
        return self.path / "setup.token"

    @property
    def lock(self) -> Path:
        return self.path / "up.lock"

    @property
    def public_url(self) -> Path:
        """The public URL of the last `relay up`, for commands that run at the same time."""
        return self.path / "public.url"

    @property
    def ingest_url(self) -> Path:
        """The origin of flows' URLs if it isn't the public URL, for the same commands."""
        return self.path / "ingest.url"

    @property
    def schema_lock(self) -> Path:
        return self.path / "schema.lock"

    def prepare(self) -> None:
        """Create the folder and its keys (0600) if they are missing; raise SetupError with the reason."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_once(self.secret_key, lambda: secrets.token_urlsafe(48))
            _write_once(self.vault_keys, _vault_key)
        except OSError as error:
            raise self._unusable(error) from error

    def check_writable(self) -> None:
        """Raise SetupError if nothing can be written: a read-only or full disk, or another user's folder."""
        probe = self.path / f".probe-{os.getpid()}"
        try:
            probe.write_bytes(b"\0")
            probe.unlink()
        except OSError as error:
            raise self._unusable(error) from error

    def write_vault_keys(self, keys: Iterable[str]) -> None:
        """Replace the keys in the file, atomically and durably (0600); the first key seals."""
        with _draft(self.vault_keys, "".join(f"{key}\n" for key in keys)) as draft:
            draft.replace(self.vault_keys)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def current_setup_token(self) -> str:
        """Return the one-time token for the first account's page; create it if there is none."""
        return read(self.setup_token) or self.new_setup_token()

    def new_setup_token(self) -> str:
        """Create a new one-time token for the first account's page; the previous one becomes invalid."""
        self.drop_setup_token()
        _write_once(self.setup_token, lambda: secrets.token_urlsafe(24))
        return read(self.setup_token)

    def drop_setup_token(self) -> None:
        """Invalidate the link to the set-up page, because there is an account."""
        self.setup_token.unlink(missing_ok=True)

    def check_socket_path(self) -> None:
        """Raise SetupError if the socket's path is too long for the system."""
        length = len(os.fsencode(self.socket))
        if length > MAX_SOCKET_PATH_BYTES:
            message = (
                f"The path of the data folder is too long: {self.socket} has {length} bytes, a socket's path "
                f"may have {MAX_SOCKET_PATH_BYTES}. Choose a shorter one with --data or RELAY_DATA."
            )
            raise SetupError(message)

    def _unusable(self, error: OSError) -> SetupError:
        reason = error.strerror or str(error)
        return SetupError(
            f"The data folder {self.path} can't be used: {reason}. Choose another with --data or RELAY_DATA."
        )


def read(path: Path) -> str:
    """Return the text of a key file; "" if there is none."""
    try:
        return path.read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def _vault_key() -> str:
    # Imported here: only the first start needs it, and cryptography takes a tenth of a second to import.
    from relay import vault

    return vault.new_key()


def _write_once(path: Path, make: Callable[[], str]) -> None:
    """Create a file atomically, flushed and 0600, unless it exists."""
    if path.exists():
        return
    # A link fails if the file exists by now, so that the first of two starts wins.
    with _draft(path, make() + "\n") as draft, contextlib.suppress(FileExistsError):
        os.link(draft, path)


@contextlib.contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    """Write `text` to a temporary file beside `path`, flushed and 0600; removes it in the end if it is still there."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        yield draft
    finally:
        draft.unlink(missing_ok=True)
