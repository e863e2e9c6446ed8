"""`relay vault check`, `relay vault rotate` and `relay vault drop-old`."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings

from relay.engine import keyring
from relay.engine.keyring import Lost
from relay.errors import RelayError
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Say what is sealed with which key and what can't be opened, or seal everything under a new key."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="check|rotate|drop-old")
        checking = verbs.add_parser("check", help="open everything that is sealed, and name what can't be opened")
        rotating = verbs.add_parser("rotate", help="seal everything under a new key; Relay may run meanwhile")
        rotating.add_argument("--drop-old", action="store_true", help="then forget the keys that nothing needs")
        dropping = verbs.add_parser("drop-old", help="forget the keys that nothing is sealed with any more")
        for verb in (checking, rotating, dropping):
            verb.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        if options["verb"] == "check":
            self._check(as_json=options["json"])
        elif options["verb"] == "rotate":
            self._rotate(drop_old=options["drop_old"], as_json=options["json"])
        else:
            self._say_dropped(keyring.drop(), as_json=options["json"])

    def _check(self, *, as_json: bool) -> None:
        found = keyring.check()
        names = [*found.keys, *sorted(set(found.sealed) - set(found.keys))]
        keys = [{"key": name, "here": name in found.keys, "sealed": found.sealed[name]} for name in names]
        if as_json:
            self.say_json({"keys": keys, "lost": [asdict(one) for one in found.lost]})
        else:
            rows = [(key["key"], "yes" if key["here"] else "no: lost", key["sealed"]) for key in keys]
            self.say_table(("KEY", "HERE", "HAS SEALED"), rows)
            self._say_lost(found.lost)
        _fail_if(found.lost)

    def _rotate(self, *, drop_old: bool, as_json: bool) -> None:
        done = keyring.rotate(drop_old=drop_old)
        if as_json:
            self.say_json(asdict(done))
            _fail_if(done.lost)
            return
        self.say(f"Sealed anew under the key {done.key}: {done.resealed}.")
        if settings.VAULT_KEYS:
            self.say(
                "That is the first key of RELAY_VAULT_KEYS. To change keys, put a new one before it on every host, "
                "start Relay again there, run this, and take the old ones out when `relay vault check` has them at 0."
            )
        elif drop_old:
            self._say_dropped(done.dropped, as_json=False)
        else:
            self.say("The former keys still open what they sealed. `relay vault drop-old` forgets them.")
        self._say_lost(done.lost)
        _fail_if(done.lost)

    def _say_dropped(self, names: list[str], *, as_json: bool) -> None:
        if as_json:
            self.say_json({"dropped": names})
        elif names:
            self.say(f"Forgotten: {', '.join(names)}. A backup from before needs its own vault.keys.")
        else:
            self.say("There is no key that nothing is sealed with.")

    def _say_lost(self, lost: list[Lost]) -> None:
        for one in lost:
            self.say(one.why)


def _fail_if(lost: list[Lost]) -> None:
    if lost:
        raise RelayError(f"Of what is sealed, {len(lost)} can't be opened.")
