"""`relay release`: held runs."""

from __future__ import annotations

from relay.management.acting import ActingCommand


class Command(ActingCommand):
    help = "Let a held run go."
    word, done = "release", "released"
