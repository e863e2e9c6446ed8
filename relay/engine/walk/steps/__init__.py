"""Maps each kind of step to the function that walks it; each kind has a module."""

from __future__ import annotations

from relay.engine.walk.steps.acting import deliver
from relay.engine.walk.steps.branching import branch
from relay.engine.walk.steps.delaying import delay, waited
from relay.engine.walk.steps.filtering import pass_or_stop
from relay.engine.walk.steps.looping import loop
from relay.engine.walk.steps.responding import respond
from relay.engine.walk.steps.setting import set_values
from relay.engine.walk.steps.stateful import changed, gather, gathered, once
from relay.engine.walk.walk import Handlers

HANDLERS = Handlers(
    leaves={
        "filter": pass_or_stop,
        "set": set_values,
        "action": deliver,
        "respond": respond,
        "delay": delay,
        "digest": gather,
        "changed": changed,
        "once": once,
    },
    resumed={"delay": waited, "digest": gathered},
    nests={"branch": branch, "loop": loop},
)
