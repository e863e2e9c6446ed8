"""Percent-encoding is decoded as by Python's own functions."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.bodies import forms, percent

PIECES = ["%", "4", "1", "%c3", "%C3%a9", "é", "\\", "x41", "u0041", "\n", "+", "&", "=", "%00", "ÿ", "\ud83d", ";"]
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(texts)
def test_bytes_are_decoded_alike(text: str) -> None:
    body = text.encode("utf-8", "replace")

    assert percent.unquote(body) == unquote_to_bytes(body)


@given(texts)
def test_pairs_are_found_alike(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()

    assert forms.fields(text.encode()) == parse_qsl(text, keep_blank_values=True)


@pytest.mark.parametrize("piece", [b"%41%", b"%4", b"%%4", b"x%c3%a9%", b"%"])
def test_long_texts_are_cut_at_no_encoded_byte(piece: bytes) -> None:
    body = piece * (percent.STEP_BYTES // len(piece) * 3)

    assert percent.unquote(body) == unquote_to_bytes(body)
