"""The entries of a trail are stored as they have always been, and read whatever version stored them."""

from __future__ import annotations

import msgspec
import pytest

from relay.bodies import numerals
from relay.engine.walk import trail_entry
from relay.engine.walk.trail_entry import TrailEntry

# As earlier versions stored them.
STORED = [
    '{"id":"a","kind":"set","state":"set","outputs":{"price":19.90,"count":1}}',
    '{"id":"a","kind":"filter","state":"passed"}',
    '{"id":"a","kind":"branch","state":"branched","taken":[0,2],"outputs":{"arm":"x","arms":["x","y"]}}',
    '{"id":"a[0][3]","kind":"action","state":"failed","kept":5000,"spent":70,"outputs":{"error":"no"},"error":"no"}',
    '{"id":"a","kind":"digest","state":"waiting","since":1700000000000000,"into":"7x"}',
    '{"id":"a","kind":"loop","state":"looped","items":[1.0,1e999],"outputs":{"count":2}}',
    '{"id":"a","kind":"action","state":"succeeded","from":"7x","outputs":{}}',
    '{"id":"a","kind":"action","state":"succeeded","by_hand":true,"outputs":{}}',
]


@pytest.mark.parametrize("stored", [text for text in STORED if "1e999" not in text])
def test_an_entry_is_stored_as_it_was_read(stored: str) -> None:
    (entry,) = trail_entry.decode(f"[{stored}]")

    assert numerals.encode(entry).decode() == stored


def test_an_entry_with_fields_that_this_version_does_not_know_is_read() -> None:
    (entry,) = trail_entry.decode('[{"id":"a","kind":"set","state":"set","outputs":{},"newer":[{"x":1}]}]')

    assert entry == TrailEntry(id="a", kind="set", state="set", outputs={})


def test_a_run_that_has_walked_no_step_has_no_entries() -> None:
    assert trail_entry.decode(None) == trail_entry.decode("") == trail_entry.decode("[]") == []


@pytest.mark.parametrize("stored", ["{", "{}", '[{"id":"a"}]', "[1]", STORED[5].join("[]")])
def test_what_is_no_trail_is_refused(stored: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        trail_entry.decode(stored)
