"""`relay try-now`: the next try of waiting runs, at once."""

from __future__ import annotations

from relay.management.acting import ActingCommand


class Command(ActingCommand):
    help = "Make the next try of a waiting run now, not later."
    word, done = "try-now", "being tried now"
