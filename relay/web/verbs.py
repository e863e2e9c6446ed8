"""What can be done to many runs at once, in the words of its page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """`asks` ... runs `more`?; `means`: what comes of it; `none`, `none_means`: of no run; `done`: how it is told."""

    asks: str
    more: str
    means: str
    none: str
    none_means: str
    done: str
    icon: str
    look: str = "primary"


VERBS = {
    "cancel": Verb(
        asks="Cancel",
        more="",
        means="What has been sent is sent; nothing more will be. What has ended stays as it is. "
        "A cancelled run can be replayed.",
        none="Nothing is left to cancel",
        none_means="These runs have ended already.",
        done="cancelled",
        icon="cancelled",
        look="danger",
    ),
    "try-now": Verb(
        asks="Try",
        more=" now",
        means="Those that wait for their next try make it now, and those that wait for a time go on. What fails again "
        "waits as before.",
        none="None of these waits",
        none_means="Only a run that waits for its next try or for a time can be tried now.",
        done="tried now",
        icon="play",
    ),
    "release": Verb(
        asks="Release",
        more="",
        means="They go on now. What is still in their way, such as a destination that keeps failing, holds them again.",
        none="None of these can be released",
        none_means="Only a held run can, and of those of which nobody knows whether they were done each is decided "
        "by itself.",
        done="released",
        icon="play",
    ),
    "give-up": Verb(
        asks="Give up",
        more="",
        means="They are called failed, and no more tries are made. A failed run can be replayed.",
        none="None of these can be given up",
        none_means="Only a run that waits or is held can, and of those of which nobody knows whether they were done "
        "each is decided by itself.",
        done="given up",
        icon="failed",
        look="danger",
    ),
}
