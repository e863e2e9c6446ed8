"""Derives the keys of a request before it queues for a commit, inline or in a helper process."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import structlog

from relay import ids
from relay.engine.intake import arrival_keys
from relay.engine.intake.arrival_keys import ArrivalKeys
from relay.engine.intake.event_data import EventData
from relay.engine.intake.event_store import Arrival, CachedTrigger, Prepared
from relay.engine.intake.key_helper import KeyHelper
from relay.engine.intake.trigger_rules import TriggerRules
from relay.errors import RelayError, TemplateLimit
from relay.ingest.workspace_turns import Overloaded, WorkspaceTurns
from relay.token_bucket import TokenBucket

log = structlog.get_logger()

# Helper processes; one workspace uses at most one at a time.
MAX_HELPERS = 2
# How many helper processes the requests of one workspace may end within how many seconds.
MAX_ENDED, ENDED_SECONDS = 5, 60.0
# How many slow rules, and workspaces that have ended a helper process, are cached.
MAX_CACHED = 1_000


class KeyPreparation:
    """Prepares requests to be stored. Used from one event loop."""

    def __init__(self) -> None:
        self._turns = WorkspaceTurns(MAX_HELPERS, share=1)
        self._threads: ThreadPoolExecutor | None = None
        self._helpers: list[KeyHelper] = []
        self._all: list[KeyHelper] = []
        self._slow: OrderedDict[TriggerRules, None] = OrderedDict()
        self._ended: OrderedDict[int, TokenBucket] = OrderedDict()

    async def prepare(self, arrival: Arrival, trigger: CachedTrigger, previous: Prepared | None = None) -> Prepared:
        """Return the request, ready to be stored. Raises Overloaded if its keys can't be derived now.

        A request whose keys exceed their budget gets none, so that no event is lost. `previous` is the result of
        the last try, before some trigger changed; if it still fits, nothing is rendered again.
        """
        reused = previous.for_trigger(trigger, arrival) if previous is not None else None
        if reused is not None:
            return reused
        rules = arrival.rules(trigger)
        if not rules.sources:
            return Prepared(arrival, trigger, arrival_keys.keys_without_rendering(rules))
        event = arrival.as_event(ids.new())
        keys = self._derive_inline(rules, event)
        if keys is None:
            keys = await self._derive_in_helper(rules, event, trigger)
        return Prepared(arrival, trigger, keys)

    def _derive_inline(self, rules: TriggerRules, event: EventData) -> ArrivalKeys | None:
        """Return the keys if deriving them takes only a moment of the event loop."""
        if rules in self._slow or not arrival_keys.is_quick(rules, event):
            return None
        try:
            return arrival_keys.derive_quickly(rules, event)
        except TemplateLimit:
            # Rules that failed once inline are not tried inline again for each request.
            self._slow[rules] = None
            while len(self._slow) > MAX_CACHED:
                self._slow.popitem(last=False)
            return None

    async def _derive_in_helper(self, rules: TriggerRules, event: EventData, trigger: CachedTrigger) -> ArrivalKeys:
        async with self._turns.turn(trigger.workspace_id, len(event.body)):
            if self._bucket(trigger.workspace_id).wait(time.monotonic()):
                raise Overloaded
            try:
                return await self._ask_helper(rules, event)
            except TemplateLimit as limit:
                self._bucket(trigger.workspace_id).take(time.monotonic())
                log.warning("ingest.no_keys", flow=trigger.flow_id, reason=str(limit))
                return arrival_keys.keys_without_rendering(rules)
            except RelayError as error:
                log.warning("ingest.not_prepared", flow=trigger.flow_id, reason=str(error))
                raise Overloaded from None

    async def _ask_helper(self, rules: TriggerRules, event: EventData) -> ArrivalKeys:
        helper = self._helpers.pop() if self._helpers else self._start_helper()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _keys, helper, rules, event)
        finally:
            self._helpers.append(helper)

    def _start_helper(self) -> KeyHelper:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(MAX_HELPERS, thread_name_prefix="preparing")
        self._all.append(KeyHelper())
        return self._all[-1]

    def _bucket(self, workspace_id: int) -> TokenBucket:
        """Return the bucket that counts how often the workspace has ended a helper process."""
        bucket = self._ended.get(workspace_id)
        if bucket is None:
            bucket = self._ended[workspace_id] = TokenBucket(MAX_ENDED, ENDED_SECONDS)
            while len(self._ended) > MAX_CACHED:
                self._ended.popitem(last=False)
        return bucket

    def close(self) -> None:
        """End the helper processes."""
        for helper in self._all:
            helper.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


def _keys(helper: KeyHelper, rules: TriggerRules, event: EventData) -> ArrivalKeys:
    """Ask again if the process ended for another reason than its limits."""
    try:
        return helper.keys(rules, event)
    except TemplateLimit:
        raise
    except RelayError:
        return helper.keys(rules, event)
