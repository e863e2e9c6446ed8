"""`relay vault` checks, rotates and drops the keys that encrypt credentials."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings

from relay.engine.upkeep import key_rotation
from relay.engine.upkeep.key_rotation import Lost
from relay.errors import RelayError
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Check what each key encrypts and what can't be decrypted, or encrypt everything with a new key."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="check|rotate|drop-old")
        checking = verbs.add_parser("check", help="decrypt everything, and name what can't be decrypted")
        rotating = verbs.add_parser("rotate", help="encrypt everything with a new key; Relay may run in the meantime")
        rotating.add_argument("--drop-old", action="store_true", help="then remove the keys that nothing needs")
        dropping = verbs.add_parser("drop-old", help="remove the keys that nothing needs any more")
        for verb in (checking, rotating, dropping):
            verb.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        if options["verb"] == "check":
            self._check(as_json=options["json"])
        elif options["verb"] == "rotate":
            self._rotate(drop_old=options["drop_old"], as_json=options["json"])
        else:
            self._say_dropped(key_rotation.drop(), as_json=options["json"])

    def _check(self, *, as_json: bool) -> None:
        report = key_rotation.check()
        names = [*report.keys, *sorted(set(report.sealed) - set(report.keys))]
        keys = [{"key": name, "here": name in report.keys, "sealed": report.sealed[name]} for name in names]
        if as_json:
            self.say_json({"keys": keys, "lost": [asdict(item) for item in report.lost]})
        else:
            rows = [(key["key"], "yes" if key["here"] else "no: lost", key["sealed"]) for key in keys]
            self.say_table(("KEY", "HERE", "HAS SEALED"), rows)
            self._say_lost(report.lost)
        _fail_if_lost(report.lost)

    def _rotate(self, *, drop_old: bool, as_json: bool) -> None:
        done = key_rotation.rotate(drop_old=drop_old)
        if as_json:
            self.say_json(asdict(done))
            _fail_if_lost(done.lost)
            return
        self.say(f"Sealed again with the key {done.key}: {done.resealed}.")
        if settings.VAULT_KEYS:
            self.say(
                "That is the first key of RELAY_VAULT_KEYS. To change keys, put a new one before it on every host, "
                "start Relay again there, run this, and take the old ones out when `relay vault check` has them at 0."
            )
        elif drop_old:
            self._say_dropped(done.dropped, as_json=False)
        else:
            self.say("The former keys still open what they sealed. `relay vault drop-old` removes them.")
        self._say_lost(done.lost)
        _fail_if_lost(done.lost)

    def _say_dropped(self, names: list[str], *, as_json: bool) -> None:
        if as_json:
            self.say_json({"dropped": names})
        elif names:
            self.say(f"Removed: {', '.join(names)}. A backup from before needs its own vault.keys.")
        else:
            self.say("There is no key that nothing is sealed with.")

    def _say_lost(self, lost: list[Lost]) -> None:
        for item in lost:
            self.say(item.why)


def _fail_if_lost(lost: list[Lost]) -> None:
    if lost:
        raise RelayError(f"Of what is sealed, {len(lost)} can't be opened.")
