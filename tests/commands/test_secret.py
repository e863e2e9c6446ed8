"""`relay secret add`, `list`, `end` and `remove`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from relay.errors import RelayError
from relay.models import TriggerSecret
from tests.commands.conftest import Shell

Make = Callable[..., dict[str, Any]]


def test_a_secret_is_added_listed_ended_and_removed(shell: Shell, make_flow: Make) -> None:
    make_flow(trigger={"kind": "webhook", "preset": "stripe"})

    said = shell("secret", "add", "Orders", given="whsec_abc\n")

    secret = TriggerSecret.objects.get()
    assert said == f"Secret {secret.pk} of Orders counts from now on.\n"
    assert secret.unseal() == {"secret": "whsec_abc"}
    listed = shell("secret", "list", "Orders")
    assert "whsec" not in listed
    assert listed.splitlines()[1].split()[0] == str(secret.pk)
    shell("secret", "end", "Orders", str(secret.pk))
    assert [one["counts"] for one in shell.json("secret", "list", "Orders", "--json")] == [False]
    shell("secret", "remove", "Orders", str(secret.pk))
    assert shell.json("secret", "list", "Orders", "--json") == []


def test_a_secret_has_its_last_day(shell: Shell, make_flow: Make) -> None:
    make_flow(trigger={"kind": "webhook", "preset": "stripe"})

    shell("secret", "add", "Orders", "--until", "2999-12-31", given="x")

    only = shell.json("secret", "list", "Orders", "--json")[0]
    assert (only["ends"], only["counts"], only["by_handshake"]) == ("2999-12-31T23:59:59Z", True, False)


def test_a_secret_of_several_parts_is_an_object(shell: Shell, make_flow: Make) -> None:
    make_flow(trigger={"kind": "webhook", "verify": {"scheme": "basic"}})

    shell("secret", "add", "Orders", given=json.dumps({"username": "u", "password": "p"}))

    assert TriggerSecret.objects.get().unseal() == {"username": "u", "password": "p"}


@pytest.mark.parametrize(
    ("words", "given", "message"),
    [
        (("add", "Orders"), "", "Signing secret is needed"),
        (("add", "Orders", "--until", "soon"), "x", "soon is no date, as 2026-01-31"),
        (("add", "Orders", "--until", "2001-01-01"), "x", "The end of a secret is in the future"),
        (("add", "Nothing"), "x", "There is no flow with the id or name Nothing"),
        (("end", "Orders", "999"), "", "Orders has no secret 999"),
        (("remove", "Orders", "-1"), "", "Orders has no secret -1"),
        (("add", "Orders"), "{", "Standard input must hold a JSON object with secret"),
    ],
)
def test_what_cant_be_done(shell: Shell, make_flow: Make, words: tuple[str, ...], given: str, message: str) -> None:
    make_flow(trigger={"kind": "webhook", "preset": "stripe"})

    with pytest.raises(RelayError, match=message):
        shell("secret", *words, given=given)
