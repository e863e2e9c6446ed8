"""Re-seals all secrets under a new key, finds values that can't be opened, and drops unused keys."""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import models, transaction

from relay import vault
from relay.engine import audit
from relay.errors import RelayError, VaultError
from relay.models import Workspace, sealing
from relay.models.sealing import SealedField

BATCH_ROWS = 200  # in one transaction
MAX_PASSES = 20
_KEYS_FROM_SETTINGS = "The keys come from RELAY_VAULT_KEYS: change them there, on every host"


@dataclass(frozen=True, slots=True)
class Rotation:
    """The result of a rotation: the first key, the number of re-sealed values, dropped keys, and lost values."""

    key: str
    resealed: int
    dropped: list[str]
    lost: list[Lost]


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that can't be opened. `why` says the reason and what to do, in one sentence."""

    what: str
    why: str


@dataclass(slots=True)
class KeyRing:
    """The names of the keys, first the one that seals; how many values each has sealed; and the lost values."""

    keys: list[str]
    sealed: Counter[str] = field(default_factory=Counter)
    lost: list[Lost] = field(default_factory=list)


def rotate(*, drop_old: bool = False) -> Rotation:
    """Seal everything under a new first key of the file, or under the first of RELAY_VAULT_KEYS, while Relay runs.

    Other processes read the file when it changes. `drop_old` then removes the keys that have sealed nothing any more
    from the file; older backups can't be opened without them.
    """
    with _exclusive():
        if not settings.VAULT_KEYS:
            settings.DATA.write_vault_keys((vault.new_key(), *sealing.ring()))
        resealed = _reseal()
        key = vault.name_of(sealing.ring()[0])
        _note("vault.rotated", f"Values re-sealed under the key {key}: {resealed}")
        dropped = _drop() if drop_old else []
        ring = check()
    return Rotation(ring.keys[0], resealed, dropped, ring.lost)


def drop() -> list[str]:
    """Remove the keys that have sealed nothing from the file; return their names."""
    with _exclusive():
        return _drop()


def check() -> KeyRing:
    """Open everything that is sealed, and report the keys and the values that can't be opened."""
    ring = KeyRing([vault.name_of(key) for key in sealing.ring()])
    opener = vault.Vault(sealing.ring())
    for row, column in _sealed_rows():
        owner, sealed = column.owner.format(row=row), bytes(getattr(row, column.attname))
        ring.sealed[vault.key_of(sealed)] += 1
        what = column.what.format(row=row)
        what += f" of {row.workspace}" if hasattr(row, "workspace") else ""
        _open_or_report(ring, opener, owner, sealed, what, column.remedy)
    for row, text in _sealed_texts():
        owner, sealed = sealing.owner_of(text) or "", sealing.sealed_bytes(text)
        ring.sealed[vault.key_of(sealed)] += 1
        if owner.startswith(f"{sealing.SESSION}:"):
            continue
        what = f"the {owner} of {getattr(row, 'user', row)}"
        _open_or_report(ring, opener, owner, sealed, what, "let the person set it up again (relay user reset-link)")
    return ring


def _open_or_report(ring: KeyRing, opener: vault.Vault, owner: str, sealed: bytes, what: str, remedy: str) -> None:
    try:
        opener.open(owner, sealed, what=what, remedy=remedy)
    except VaultError as error:
        ring.lost.append(Lost(what, str(error)))


def _sealed_rows() -> Iterator[tuple[models.Model, SealedField]]:
    for model, column in sealing.columns():
        for row in (
            model._base_manager.select_related().exclude(**{column.name: None}).order_by("pk").iterator(BATCH_ROWS)
        ):
            yield row, column


def _sealed_texts() -> Iterator[tuple[models.Model, str]]:
    for model, column in sealing.text_columns():
        for row in model._base_manager.select_related().order_by("pk").iterator(BATCH_ROWS):
            yield from ((row, text) for text in _texts(getattr(row, column.attname)))


def _texts(value: Any) -> Iterator[str]:
    """The sealed texts within a JSON value."""
    if isinstance(value, dict | list):
        for nested in value.values() if isinstance(value, dict) else value:
            yield from _texts(nested)
    elif sealing.owner_of(value) is not None:
        yield value


def _reseal() -> int:
    """Re-seal values that another key than the first has sealed, until a pass finds none; return their number.

    One pass is not enough: a process that read the file before it changed may write a row meanwhile.
    """
    resealed = 0
    for _ in range(MAX_PASSES):
        count = sum(_reseal_column(model, column) for model, column in sealing.columns())
        count += sum(_reseal_texts(model, column) for model, column in sealing.text_columns())
        if not count:
            return resealed
        resealed += count
    raise RelayError("Secrets are being changed faster than they can be re-sealed. Run this again.")


def _reseal_column(model: type[models.Model], column: SealedField) -> int:
    rows = model._base_manager.exclude(**{column.name: None}).order_by("pk")
    resealed, last = 0, None
    while batch := list((rows if last is None else rows.filter(pk__gt=last))[:BATCH_ROWS]):
        last = batch[-1].pk
        with transaction.atomic():
            resealed += sum(_reseal_row(row, column) for row in batch)
    return resealed


def _reseal_row(row: models.Model, column: SealedField) -> int:
    """Re-seal a value: 1 if it was re-sealed; 0 if it didn't need to be, can't be opened, or was changed."""
    before = bytes(getattr(row, column.attname))
    opener = sealing.open_vault()
    if not opener.is_stale(before):
        return 0
    try:
        after = opener.reseal(column.owner.format(row=row), before)
    except VaultError:
        return 0
    unchanged = type(row)._base_manager.filter(pk=row.pk, **{column.name: before})
    return unchanged.update(**{column.name: after})


def _reseal_texts(model: type[models.Model], column: models.Field[Any, Any]) -> int:
    keys = model._base_manager.order_by("pk").values_list("pk", flat=True)
    return sum(_reseal_text_row(model, column, pk) for pk in keys)


def _reseal_text_row(model: type[models.Model], column: models.Field[Any, Any], pk: Any) -> int:
    with transaction.atomic():
        row = model._base_manager.select_for_update().filter(pk=pk).first()
        if row is None:
            return 0
        before = getattr(row, column.attname)
        after, resealed = _resealed(before)
        if resealed:
            model._base_manager.filter(pk=pk).update(**{column.name: after})
        return resealed


def _resealed(value: Any) -> tuple[Any, int]:
    """A JSON value with its sealed texts under the first key, and how many of them were re-sealed."""
    if isinstance(value, dict):
        pairs = {key: _resealed(nested) for key, nested in value.items()}
        return {key: inner for key, (inner, _) in pairs.items()}, sum(count for _, count in pairs.values())
    if isinstance(value, list):
        items = [_resealed(nested) for nested in value]
        return [inner for inner, _ in items], sum(count for _, count in items)
    if sealing.owner_of(value) is None or not sealing.open_vault().is_stale(sealing.sealed_bytes(value)):
        return value, 0
    try:
        return sealing.reseal_text(value), 1
    except VaultError:
        return value, 0


def _drop() -> list[str]:
    if settings.VAULT_KEYS:
        raise RelayError(f"{_KEYS_FROM_SETTINGS}: `relay vault check` shows which of them have sealed something.")
    before = sealing.ring()
    kept = _used(before)
    if kept == before:
        return []
    settings.DATA.write_vault_keys(kept)
    # A process that read the file just before may have sealed one more value; its key is then added again.
    used = _used(before)
    if used != kept:
        settings.DATA.write_vault_keys(used)
    dropped = [vault.name_of(key) for key in before if key not in used]
    if dropped:
        _note("vault.keys_dropped", f"Dropped: {', '.join(dropped)}")
    return dropped


def _note(verb: str, change: str) -> None:
    """Write to the audit log of every workspace, because all of them use these keys."""
    for workspace_id in Workspace.objects.values_list("pk", flat=True):
        audit.note(workspace_id, verb, "Key ring", change=change)


def _used(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The first of `keys`, and those that have sealed something."""
    names = {vault.key_of(bytes(getattr(row, column.attname))) for row, column in _sealed_rows()}
    names |= {vault.key_of(sealing.sealed_bytes(text)) for _, text in _sealed_texts()}
    return keys[:1] + tuple(key for key in keys[1:] if vault.name_of(key) in names)


@contextmanager
def _exclusive() -> Iterator[None]:
    with settings.DATA.vault_lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
