"""Tests the rules that every preset of the catalog follows."""

from __future__ import annotations

import pytest

from relay import templating
from relay.connectors import registry
from relay.connectors.definition import Connector, Preset
from relay.errors import RelayError
from relay.signatures import Handshaker, Named, verifier
from relay.signatures.named import VERIFIERS

PRESETS = [pytest.param(connector, preset, id=preset.key) for connector, preset in registry.presets().values()]


@pytest.mark.parametrize(("connector", "preset"), PRESETS)
def test_a_preset_is_whole(connector: Connector, preset: Preset) -> None:
    assert preset.key.isidentifier()
    assert preset.label
    assert (preset.docs or connector.docs).startswith("https://")
    assert bool(preset.event) == bool(preset.example)
    assert 200 <= preset.success.status < 300


@pytest.mark.parametrize(("connector", "preset"), PRESETS)
def test_its_scheme_and_handshakes_can_be_carried_out(connector: Connector, preset: Preset) -> None:
    verifier(preset.verify)
    Handshaker(preset.handshakes)

    assert not isinstance(preset.verify, Named) or preset.verify.verifier in VERIFIERS


@pytest.mark.parametrize(("connector", "preset"), PRESETS)
def test_its_templates_name_the_event_alone(connector: Connector, preset: Preset) -> None:
    names = [name for text in (preset.dedupe, preset.event) if text for name in templating.names(text)]

    assert all(name.startswith("event") for name in names)


@pytest.mark.parametrize(("connector", "preset"), PRESETS)
def test_its_secret_has_the_parts_that_it_verifies_with(connector: Connector, preset: Preset) -> None:
    parts = {one.key for one in preset.secret}

    assert bool(parts) != (isinstance(preset.verify, Named) and preset.verify.keyless)
    assert all(one.required for one in preset.secret)
    if not isinstance(preset.verify, Named) and preset.verify.kind != "basic":
        assert preset.verify.key.part in parts
    assert {one.proof_part for one in preset.handshakes if one.proof} <= parts


def test_senders_that_share_a_scheme_mean_the_same_by_it() -> None:
    by_name = {}
    for _, preset in registry.presets().values():
        assert by_name.setdefault(preset.verifies_as, preset.verify) == preset.verify


def test_a_preset_that_is_not_there() -> None:
    with pytest.raises(RelayError, match="There is no preset “strype”; did you mean stripe"):
        registry.preset("strype")
