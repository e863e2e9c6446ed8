"""The key ring: what is sealed is sealed anew under a new key, looked through for what is lost, and old keys go."""

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

BATCH = 200  # rows in one transaction
MOST_PASSES = 20
_BY_HAND = "The keys come from RELAY_VAULT_KEYS, so they are yours to change there, on every host"


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: the key that seals now, values sealed anew, keys taken out of the file, and what is lost."""

    key: str
    resealed: int
    dropped: list[str]
    lost: list[Lost]


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that can't be opened: what it is, and why and what to do, in one sentence."""

    what: str
    why: str


@dataclass(slots=True)
class Ring:
    """The keys by name, the one that seals first, how many values each has sealed, and what can't be opened."""

    keys: list[str]
    sealed: Counter[str] = field(default_factory=Counter)
    lost: list[Lost] = field(default_factory=list)


def rotate(*, drop_old: bool = False) -> Rotation:
    """Seal everything under a new first key of the file, or under the first of RELAY_VAULT_KEYS, while all runs.

    Other processes read the file when it changes. `drop_old`: then take the keys out of the file that nothing
    is sealed with any more; what is in an older backup can't be opened without them.
    """
    with _only_one():
        if not settings.VAULT_KEYS:
            settings.DATA.write_vault_keys((vault.new_key(), *sealing.ring()))
        resealed = _reseal()
        key = vault.name_of(sealing.ring()[0])
        _note("vault.rotated", f"Values sealed anew under the key {key}: {resealed}")
        dropped = _drop() if drop_old else []
        found = check()
    return Rotation(found.keys[0], resealed, dropped, found.lost)


def drop() -> list[str]:
    """Take the keys out of the file that nothing is sealed with; their names."""
    with _only_one():
        return _drop()


def check() -> Ring:
    """Open everything that is sealed."""
    found = Ring([vault.name_of(key) for key in sealing.ring()])
    opener = vault.Vault(sealing.ring())
    for row, column in _sealed_rows():
        owner, sealed = column.owner.format(row=row), bytes(getattr(row, column.attname))
        found.sealed[vault.key_of(sealed)] += 1
        what = column.what.format(row=row)
        what += f" of {row.workspace}" if hasattr(row, "workspace") else ""
        _note_lost(found, opener, owner, sealed, what, column.remedy)
    for row, text in _sealed_texts():
        owner, sealed = sealing.owner_of(text) or "", sealing.sealed_bytes(text)
        found.sealed[vault.key_of(sealed)] += 1
        if owner.startswith(f"{sealing.SESSION}:"):
            continue
        what = f"the {owner} of {getattr(row, 'user', row)}"
        _note_lost(found, opener, owner, sealed, what, "let the person set it up again (relay user reset-link)")
    return found


def _note_lost(found: Ring, opener: vault.Vault, owner: str, sealed: bytes, what: str, remedy: str) -> None:
    try:
        opener.open(owner, sealed, what=what, remedy=remedy)
    except VaultError as error:
        found.lost.append(Lost(what, str(error)))


def _sealed_rows() -> Iterator[tuple[models.Model, SealedField]]:
    for model, column in sealing.columns():
        for row in model._base_manager.select_related().exclude(**{column.name: None}).order_by("pk").iterator(BATCH):
            yield row, column


def _sealed_texts() -> Iterator[tuple[models.Model, str]]:
    for model, column in sealing.text_columns():
        for row in model._base_manager.select_related().order_by("pk").iterator(BATCH):
            yield from ((row, text) for text in _texts(getattr(row, column.attname)))


def _texts(value: Any) -> Iterator[str]:
    """The sealed texts within a JSON value."""
    if isinstance(value, dict | list):
        for inside in value.values() if isinstance(value, dict) else value:
            yield from _texts(inside)
    elif sealing.owner_of(value) is not None:
        yield value


def _reseal() -> int:
    """Seal anew what another key than the first has sealed, until a pass finds nothing; how many values those were.

    One pass is not enough: a row may be written meanwhile by somebody who read the file before it changed.
    """
    resealed = 0
    for _ in range(MOST_PASSES):
        done = sum(_reseal_column(model, column) for model, column in sealing.columns())
        done += sum(_reseal_texts(model, column) for model, column in sealing.text_columns())
        if not done:
            return resealed
        resealed += done
    raise RelayError("Secrets are being changed faster than they can be sealed anew. Run this again.")


def _reseal_column(model: type[models.Model], column: SealedField) -> int:
    rows = model._base_manager.exclude(**{column.name: None}).order_by("pk")
    done, last = 0, None
    while batch := list((rows if last is None else rows.filter(pk__gt=last))[:BATCH]):
        last = batch[-1].pk
        with transaction.atomic():
            done += sum(_reseal_row(row, column) for row in batch)
    return done


def _reseal_row(row: models.Model, column: SealedField) -> int:
    """1 where it was sealed anew; 0 where that isn't needed, can't be, or somebody changed it meanwhile."""
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
        after, done = _resealed(before)
        if done:
            model._base_manager.filter(pk=pk).update(**{column.name: after})
        return done


def _resealed(value: Any) -> tuple[Any, int]:
    """A JSON value with its sealed texts sealed under the first key, and how many were not before."""
    if isinstance(value, dict):
        pairs = {key: _resealed(inside) for key, inside in value.items()}
        return {key: one for key, (one, _) in pairs.items()}, sum(done for _, done in pairs.values())
    if isinstance(value, list):
        found = [_resealed(inside) for inside in value]
        return [one for one, _ in found], sum(done for _, done in found)
    if sealing.owner_of(value) is None or not sealing.open_vault().is_stale(sealing.sealed_bytes(value)):
        return value, 0
    try:
        return sealing.reseal_text(value), 1
    except VaultError:
        return value, 0


def _drop() -> list[str]:
    if settings.VAULT_KEYS:
        raise RelayError(f"{_BY_HAND}: `relay vault check` says which of them have sealed something.")
    before = sealing.ring()
    kept = _used(before)
    if kept == before:
        return []
    settings.DATA.write_vault_keys(kept)
    # Who read the file just before may have sealed one value more: then its key comes back.
    settled = _used(before)
    if settled != kept:
        settings.DATA.write_vault_keys(settled)
    dropped = [vault.name_of(key) for key in before if key not in settled]
    if dropped:
        _note("vault.keys_dropped", f"Forgotten: {', '.join(dropped)}")
    return dropped


def _note(verb: str, change: str) -> None:
    """Note in the log of every workspace: the keys are those of all."""
    for workspace_id in Workspace.objects.values_list("pk", flat=True):
        audit.note(workspace_id, verb, "Key ring", change=change)


def _used(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `keys` that have sealed something, and the first."""
    names = {vault.key_of(bytes(getattr(row, column.attname))) for row, column in _sealed_rows()}
    names |= {vault.key_of(sealing.sealed_bytes(text)) for _, text in _sealed_texts()}
    return keys[:1] + tuple(key for key in keys[1:] if vault.name_of(key) in names)


@contextmanager
def _only_one() -> Iterator[None]:
    with settings.DATA.vault_lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
