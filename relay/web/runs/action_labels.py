"""How pages show the actions on runs: an icon for each, and the texts of those that act on many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from relay.engine.runs.run_actions import BULK_ACTIONS, RunAction

DANGER = frozenset({"cancel", "give-up"})
ICONS: Mapping[str, str] = {
    "it-was-done": "done",
    "send-again": "replay",
    "try-now": "play",
    "release": "play",
    "give-up": "failed",
    "cancel": "cross",
}


@dataclass(frozen=True, slots=True)
class BulkTexts:
    """`means` describes the effect. `none` and `none_means` are shown if the action applies to none of the runs."""

    means: str
    none: str
    none_means: str


@dataclass(frozen=True, slots=True)
class ActionButton:
    """A button: its `action`, its icon and its CSS class. `texts`: None for an action on one run at a time."""

    action: RunAction
    icon: str
    look: str
    texts: BulkTexts | None = None


_TEXTS: Mapping[str, BulkTexts] = {
    "cancel": BulkTexts(
        means="Requests already sent are not undone; no more are sent. Runs that have ended don't change. "
        "A cancelled run can be replayed.",
        none="Nothing to cancel",
        none_means="These runs have already ended.",
    ),
    "try-now": BulkTexts(
        means="Runs that wait for their next try or for a time continue now. A run that fails again waits as before.",
        none="None of these runs is waiting",
        none_means="Only a run that waits for its next try or for a time can be tried now.",
    ),
    "release": BulkTexts(
        means="They continue now. A destination that still fails holds them again.",
        none="None of these runs can be released",
        none_means="Only held runs can be released. Decide runs with an unknown outcome one by one.",
    ),
    "give-up": BulkTexts(
        means="They are marked as failed, and not tried again. A failed run can be replayed.",
        none="None of these runs waits or is held",
        none_means="Only these can be marked as failed. Decide runs with an unknown outcome one by one.",
    ),
}


def buttons(actions: Iterable[RunAction]) -> list[ActionButton]:
    """The buttons of one run; the first one is primary."""
    shown: list[ActionButton] = []
    for action in actions:
        look = "danger" if action.key == "cancel" else "" if shown or action.key == "give-up" else "primary"
        shown.append(ActionButton(action, ICONS[action.key], look))
    return shown


BULK_BUTTONS: Mapping[str, ActionButton] = {
    key: ActionButton(action, ICONS[key], "danger" if key in DANGER else "primary", _TEXTS[key])
    for key, action in BULK_ACTIONS.items()
}
