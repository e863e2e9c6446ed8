"""Hostile JSON that is split: it costs no more than its short form, however long it is."""

from __future__ import annotations

import pytest

from relay.bodies import json_files, json_split
from relay.bodies.multipart_split import TooLarge

MAX_FORM = 1_000


class Counted:
    """Bytes that count how often they are searched, and how many of them are read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.cost = 0

    def find(self, sub: bytes, start: int = 0, end: int | None = None) -> int:
        self.cost += 1
        return self._data.find(sub, start, end)

    def __getitem__(self, index: slice) -> bytes:
        piece = self._data[index]
        self.cost += 1 + len(piece)
        return piece

    def __len__(self) -> int:
        return len(self._data)


class Sink:
    def __init__(self) -> None:
        self.content = b""

    def write(self, piece: bytes) -> None:
        self.content += piece

    def close(self) -> None:
        """Nothing follows."""


@pytest.mark.parametrize(
    "text", [b'\\"' * 500_000, (b"\\" * 200 + b'\\"') * 5_000, b"\\" * 1_000_001 + b'"', b'","' * 300_000]
)
def test_escaped_quotes_are_counted_to_the_limit_of_the_form(text: bytes) -> None:
    data = Counted(b'{"Content":"' + text + b'"}')

    with pytest.raises(TooLarge):
        json_split.split(data, ["Content"], opens=lambda *_: Sink(), max_form=MAX_FORM)

    assert data.cost < 10_000_000


@pytest.mark.parametrize("slashes", range(12))
def test_a_text_ends_at_a_quote_after_an_even_number_of_backslashes(slashes: int) -> None:
    end = b"" if slashes % 2 == 0 else b'"'
    body = b'{"Content":"' + b"QUJD" * 2_000 + b'","Name":"' + b"\\" * slashes + b'"' + end + b"}"
    sink = Sink()

    short = json_split.split(body, ["Content"], opens=lambda *_: sink, max_form=MAX_FORM)

    assert short == b'{"Content":"","Name":"' + b"\\" * slashes + b'"' + end + b"}"
    assert sink.content == b"ABC" * 2_000


@pytest.mark.parametrize(
    ("text", "is_base64"),
    [
        ("QUJD" + " " * 1_000_000 + "!", False),
        ("QUJD" + "=" * 1_000_000, False),
        ("QUJD" + "\n" * 1_000_000, True),
        ("QUI=\r\n", True),
        ("QU I =", True),
        ("QUI= =", False),
    ],
)
def test_blanks_in_base64_take_linear_time(text: str, is_base64: bool) -> None:
    # Where time is not linear, this doesn't end.
    assert json_files.is_base64(text) is is_base64
