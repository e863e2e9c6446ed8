"""Measures how much CPU flows and workspaces have used lately, and ranks their runs by it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

from relay.engine.walk.work_item import Outcome, WorkItem

# Seconds after which past use counts for about a third.
DECAY_SECONDS = 4.0
# Decayed CPU seconds from which a flow is heavy (4 % of a core for DECAY_SECONDS), and below which it no longer is; for
# a workspace, twice as much. A flow whose walks take less than QUICK seconds on average is never heavy.
HEAVY, LIGHT = 0.15, 0.1
QUICK = 0.003
# CPU seconds that the walks of all heavy runs in a worker's hands may take together.
HELD_SECONDS = 0.5
# How many heavy flows one claim looks at, and after how many seconds it looks again at one without due runs.
MAX_LOOKED_AT = 16
LOOK_AGAIN = 0.05
MAX_KNOWN = 10_000
# CPU seconds that it takes to store and load a byte of a trail, about.
_SECONDS_PER_BYTE = 50e-9


@dataclass(slots=True)
class CpuUse:
    """CPU seconds and walks of a flow or a workspace, both decaying. `is_idle`: nothing was due at the last look."""

    used: float = 0.0
    walks: float = 0.0
    at: float = 0.0
    workspace_id: int = 0
    is_idle: bool = False
    look_at: float = 0.0

    def add(self, seconds: float, now: float) -> None:
        rest = 1.0 if self.at == now else math.exp((self.at - now) / DECAY_SECONDS)
        self.used = self.used * rest + seconds
        self.walks = self.walks * rest + 1.0
        self.at = now

    def use(self, now: float) -> float:
        return self.used * math.exp((self.at - now) / DECAY_SECONDS)

    @property
    def mean(self) -> float:
        """CPU seconds of a walk."""
        return self.used / self.walks if self.walks else 0.0

    def is_over(self, limit: float, now: float) -> bool:
        return self.mean > QUICK and self.use(now) > limit


class CpuShares:
    """CPU use by flow and workspace. Only the thread that claims and settles changes it; walkers read it."""

    def __init__(self) -> None:
        self._flows: dict[int, CpuUse] = {}
        self._workspaces: dict[int, CpuUse] = {}
        self._heavy: set[int] = set()
        self._heavy_workspaces: set[int] = set()

    def count(self, *outcomes: Outcome) -> None:
        """Add the CPU that walks used, and the cost of storing and loading their trails."""
        now = time.monotonic()
        for outcome in outcomes:
            work_item = outcome.work_item
            self._count(work_item, outcome.cpu + work_item.trail_size * _SECONDS_PER_BYTE, now)

    def _count(self, work_item: WorkItem, seconds: float, now: float) -> None:
        if len(self._flows) > MAX_KNOWN:
            self._flows = {flow: load for flow, load in self._flows.items() if flow in self._heavy}
        flow = self._flows.get(work_item.flow_id)
        if flow is None:
            flow = self._flows[work_item.flow_id] = CpuUse(workspace_id=work_item.workspace_id)
        workspace = self._workspaces.get(work_item.workspace_id)
        if workspace is None:
            workspace = self._workspaces[work_item.workspace_id] = CpuUse()
        flow.add(seconds, now)
        workspace.add(seconds, now)
        if workspace.mean > QUICK and workspace.used > 2 * HEAVY:
            self._heavy_workspaces.add(work_item.workspace_id)
        if flow.mean > QUICK and (flow.used > HEAVY or work_item.workspace_id in self._heavy_workspaces):
            self._heavy.add(work_item.flow_id)

    def is_heavy(self, work_item: WorkItem) -> bool:
        """Whether a run must wait for the CPU slot. An unknown flow is heavy if its workspace is."""
        if work_item.flow_id in self._heavy:
            return True
        return work_item.workspace_id in self._heavy_workspaces and work_item.flow_id not in self._flows

    def assume(self, work_item: WorkItem) -> None:
        """Assume that an unknown flow costs as much as the other flows of its workspace."""
        if work_item.flow_id not in self._flows:
            self._count(work_item, self.cost(work_item), time.monotonic())

    def cost(self, work_item: WorkItem) -> float:
        """CPU seconds that a walk of this flow takes on average."""
        load = self._flows.get(work_item.flow_id) or self._workspaces.get(work_item.workspace_id)
        return load.mean if load is not None else 0.0

    def rank(self, flow_id: int, workspace_id: int, now: float) -> tuple[float, float]:
        """The sort key of a run: the workspace that has used least CPU comes first, then its flow that has."""
        return self._use(self._workspaces, workspace_id, now), self._use(self._flows, flow_id, now)

    @staticmethod
    def _use(loads: dict[int, CpuUse], key: int, now: float) -> float:
        load = loads.get(key)
        return load.use(now) if load is not None else 0.0

    def rooms(self, held: Iterable[WorkItem]) -> dict[int, int]:
        """Heavy flow id -> how many of its runs may be claimed now, besides those that are `held`."""
        if not self._heavy:
            return {}
        now = time.monotonic()
        self._forget_light(now)
        left = HELD_SECONDS - sum(self.cost(work_item) for work_item in held if work_item.flow_id in self._heavy)
        first = sorted(self._heavy, key=lambda flow: self.rank(flow, self._flows[flow].workspace_id, now))
        rooms = dict.fromkeys(first, 0)
        for flow_id in [flow for flow in rooms if self._flows[flow].look_at <= now][:MAX_LOOKED_AT]:
            load = self._flows[flow_id]
            if left <= 0:
                break
            rooms[flow_id] = 1 if load.is_idle else max(1, int(left / 2 / load.mean))
            left -= 0.0 if load.is_idle else rooms[flow_id] * load.mean
        return rooms

    def _forget_light(self, now: float) -> None:
        self._heavy_workspaces = {
            workspace for workspace in self._heavy_workspaces if self._workspaces[workspace].is_over(2 * LIGHT, now)
        }
        self._heavy = {flow for flow in self._heavy if self._stays_heavy(self._flows[flow], now)}

    def _stays_heavy(self, load: CpuUse, now: float) -> bool:
        return load.is_over(LIGHT, now) or (load.mean > QUICK and load.workspace_id in self._heavy_workspaces)

    def looked_at(self, rooms: dict[int, int], exhausted: set[int]) -> None:
        """Record which heavy flows had fewer due runs than room."""
        again = time.monotonic() + LOOK_AGAIN
        for flow_id in self._heavy & rooms.keys():
            if rooms[flow_id]:
                load = self._flows[flow_id]
                load.is_idle = flow_id in exhausted
                load.look_at = again if load.is_idle else 0.0
