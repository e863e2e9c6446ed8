"""`relay signatures check`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relay.errors import RelayError
from tests.commands.conftest import Shell
from tests.signatures.conftest import hex_of

VECTORS = [
    {
        "id": "right",
        "scheme": "github",
        "secret": ["new", "old"],
        "headers": {"X-Hub-Signature-256": "sha256=" + hex_of("old", b"{}")},
        "body": "e30=",
        "body_encoding": "base64",
        "now": 1795000000,
        "provider": "GitHub",
    },
    {"id": "wrong", "scheme": "github", "secret": "new", "headers": {}, "body": "{}"},
    {"id": "unknown", "scheme": "githab", "secret": "new"},
    {
        "id": "odd",
        "scheme": "github",
        "secret": 1,
        "headers": {"a": 1, "b": ["c"]},
        "body": "é",
        "body_encoding": "base64",
    },
]


def test_requests_are_checked(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps(VECTORS))

    found = shell.json("signatures", "check", str(file), "--json")

    assert found[:2] == [
        {"id": "right", "valid": True, "reason": ""},
        {"id": "wrong", "valid": False, "reason": "The header x-hub-signature-256 is missing"},
    ]
    assert (found[2]["valid"], found[2]["reason"][:33]) == (False, "There is no scheme “githab”; did ")


def test_requests_are_read_from_standard_input(shell: Shell) -> None:
    lines = shell("signatures", "check", "-", given=json.dumps(VECTORS)).splitlines()

    assert [line.split()[:2] for line in lines] == [
        ["ID", "VALID"],
        ["right", "yes"],
        ["wrong", "no"],
        ["unknown", "no"],
        ["odd", "no"],
    ]


@pytest.mark.parametrize(
    "changed",
    [{"now": 1e12}, {"now": -1e300}, {"url": "https://["}, {"url": "https://a:x/"}, {"url": "https://a:99999/"}],
)
@pytest.mark.parametrize("scheme", ["twilio_form", "aws_sns", "github"])
def test_a_place_or_time_that_cannot_be(shell: Shell, scheme: str, changed: dict[str, object]) -> None:
    vector = {**VECTORS[0], "scheme": scheme, **changed}

    found = shell.json("signatures", "check", "-", "--json", given=json.dumps([vector]))

    assert found == [
        {
            "id": "right",
            "valid": False,
            "reason": "The url of right is none, or its now is no time in seconds since 1970",
        }
    ]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"id": 1}]'])
def test_a_file_that_is_none(shell: Shell, text: str) -> None:
    with pytest.raises(RelayError, match="The file is no array of vectors"):
        shell("signatures", "check", "-", given=text)


def test_a_file_that_is_not_there(shell: Shell) -> None:
    with pytest.raises(RelayError, match="can't be read"):
        shell("signatures", "check", "/nowhere/x.json")
