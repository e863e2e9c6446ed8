"""Seals and opens encrypted columns with the key ring: each is bound to its row."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import models

from relay import data_folder, vault
from relay.errors import VaultError

if TYPE_CHECKING:
    _Binary = models.BinaryField[Any, Any]
else:
    _Binary = models.BinaryField

# Prefix of a sealed text in a column of another app: its owner and the sealed value in base64 follow.
_PREFIX = "sealed:"
# The owner of session data, followed by the session's key; losing it costs a sign-in.
SESSION = "session"


class SealedField(_Binary):
    """A JSON object, sealed for its row. `relay vault` finds, checks and rotates every such column.

    `owner` is the permanent name that it is bound to, `what` is its name for people; both are formats of `row`.
    `remedy` is what people can do if its key is lost.
    """

    def __init__(self, *args: Any, owner: str = "", what: str = "", remedy: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        self.owner, self.what, self.remedy = owner, what, remedy

    def deconstruct(self) -> Any:
        """Deconstruct as a column of bytes for migrations."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.BinaryField", args, options


def seal(row: models.Model, column: str, value: dict[str, Any]) -> bytes:
    """Seal `value` for a column of a row."""
    return open_vault().seal(_field(row, column).owner.format(row=row), value)


def unseal(row: models.Model, column: str) -> dict[str, Any]:
    """Open a column of a row; the VaultError says what is lost, and what people can do."""
    field, sealed = _field(row, column), bytes(getattr(row, column))
    owner = field.owner.format(row=row)
    try:
        return open_vault().open(owner, sealed)
    except VaultError:
        # Again, with names for the error: finding them may take a query.
        return open_vault().open(owner, sealed, what=field.what.format(row=row), remedy=field.remedy)


def _field(row: models.Model, column: str) -> SealedField:
    field = row._meta.get_field(column)
    assert isinstance(field, SealedField)
    return field


def seal_text(owner: str, text: str) -> str:
    """Seal `text` for a column of another app's model, where it is found by its prefix."""
    return _with_prefix(owner, open_vault().seal(owner, {"text": text}))


def unseal_text(owner: str, sealed: str) -> str:
    """Open a text that `seal_text` sealed."""
    return str(open_vault().open(owner, sealed_bytes(sealed), what=f"a {owner}")["text"])


def owner_of(text: object) -> str | None:
    """Return the owner that a text was sealed for; None if it isn't a sealed text."""
    if not isinstance(text, str) or not text.startswith(_PREFIX):
        return None
    return text.removeprefix(_PREFIX).rpartition(":")[0]


def sealed_bytes(text: str) -> bytes:
    """Return the sealed value in a sealed text."""
    return base64.b64decode(text.rpartition(":")[2])


def reseal_text(text: str) -> str:
    """Seal a sealed text again, with the first key."""
    owner = owner_of(text) or ""
    return _with_prefix(owner, open_vault().reseal(owner, sealed_bytes(text)))


def _with_prefix(owner: str, sealed: bytes) -> str:
    return f"{_PREFIX}{owner}:{base64.b64encode(sealed).decode()}"


def columns() -> Iterator[tuple[type[models.Model], SealedField]]:
    """Yield every sealed column of every model."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, SealedField):
                yield model, field


def text_columns() -> Iterator[tuple[type[models.Model], models.Field[Any, Any]]]:
    """Yield every column that may hold sealed texts: JSON columns and session data."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.JSONField) or field.name == "session_data":
                yield model, field


class _Ring(NamedTuple):
    """The key ring as last read, with the file's stamp at that time."""

    stamp: object
    keys: tuple[str, ...]
    vault: vault.Vault


_rings: list[_Ring] = []  # the current one, if any


def open_vault() -> vault.Vault:
    """Return the vault with this installation's keys: RELAY_VAULT_KEYS, or the current key file.

    A key that was removed from the file still opens until the process ends: the process may hold values that it
    read before they were sealed with another key.
    """
    now = stamp()
    if not _rings or _rings[0].stamp != now:
        _rings[:] = [_read(now)]
    return _rings[0].vault


def stamp() -> object:
    """Return a value that changes whenever the key ring changes."""
    if settings.VAULT_KEYS:
        return tuple(settings.VAULT_KEYS)
    try:
        status = settings.DATA.vault_keys.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(stamp: object) -> _Ring:
    now = ring()
    previous = _rings[0].keys if _rings and not settings.VAULT_KEYS else ()
    keys = tuple(dict.fromkeys((*now, *previous)))
    return _Ring(stamp, keys, vault.Vault(keys))


def ring() -> tuple[str, ...]:
    """Return the keys; the first one seals."""
    return tuple(settings.VAULT_KEYS) or tuple(data_folder.read(settings.DATA.vault_keys).split())
