"""`relay give-up`: runs that wait or are held."""

from __future__ import annotations

from relay.management.acting import ActingCommand


class Command(ActingCommand):
    help = "Call a run that waits or is held failed."
    word, done = "give-up", "given up"
