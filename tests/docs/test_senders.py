"""Every preset is on the page of senders as the code has it."""

from __future__ import annotations

from typing import Any

import pytest

from relay.connectors import registry
from relay.flows.verification import GENERIC
from tests.docs.reading import named, rows, section


def test_every_preset_is_documented() -> None:
    documented = {row[0].strip("`"): row[1] for row in rows(section("senders", "Presets"))}

    assert documented == {key: preset.label for key, (_, preset) in registry.presets().items()}


@pytest.mark.parametrize("key", registry.presets())
def test_presets_are_as_the_code_has_them(key: str) -> None:
    preset = registry.preset(key)

    row = next(row for row in rows(section("senders", "Presets")) if row[0] == f"`{key}`")

    assert row[2] == ", ".join(field.label for field in preset.secret) or "none"
    assert row[3] == ", ".join(preset.body_types)
    assert row[4] in ({f"{tolerance(preset)} s"} if tolerance(preset) else {"not checked", "token expiry"})
    assert row[5] == ("yes" if preset.handshakes else "no")
    assert (row[6] != "none") is bool(preset.dedupe)


def tolerance(preset: Any) -> int | None:
    """Seconds that a request of a preset may be old."""
    found: int | None = getattr(getattr(preset.verify, "timestamp", preset.verify), "tolerance", None)
    return found


def test_every_caution_is_documented() -> None:
    cautious = {key for key, (_, preset) in registry.presets().items() if preset.caution}

    assert set(named(section("senders", "Cautions for single senders"))) == cautious


def test_every_generic_scheme_is_documented() -> None:
    assert set(named(section("senders", "Generic schemes"))) == {*GENERIC, "none"}
