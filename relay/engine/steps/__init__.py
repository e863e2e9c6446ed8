"""What each kind of step does in a walk: a module a kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relay.engine.deliver import deliver
from relay.engine.steps.asking import changed, gather, gathered, once
from relay.engine.steps.branching import branch
from relay.engine.steps.delaying import delay, waited
from relay.engine.steps.filtering import pass_or_stop
from relay.engine.steps.looping import loop
from relay.engine.steps.responding import respond
from relay.engine.steps.setting import set_values

# Those that hold no steps of their own. Each enters itself in the trail, or ends the walk.
LEAVES: dict[str, Callable[[Any, Any], None]] = {
    "filter": pass_or_stop,
    "set": set_values,
    "action": deliver,
    "respond": respond,
    "delay": delay,
    "digest": gather,
    "changed": changed,
    "once": once,
}

# What those that the run waited at do when it goes on, and when it has gone on. Each says so in its entry.
GO_ON: dict[str, Callable[[Any, Any, dict[str, Any]], None]] = {
    "delay": waited,
    "digest": gathered,
}

# Those that do. Each walks its blocks itself, and finds in the trail what it has decided before.
NESTS: dict[str, Callable[[Any, Any], None]] = {
    "branch": branch,
    "loop": loop,
}
