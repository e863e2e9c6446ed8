"""Walks actions: each is one delivery, after those of its calls, unless the outcome of an earlier one is unknown."""

from __future__ import annotations

from relay import masking
from relay.engine.walk import calls, unknown_outcomes
from relay.engine.walk.delivery import Delivery
from relay.engine.walk.exceptions import InDoubt
from relay.engine.walk.files.run_files import SENDER_BUSY_SECONDS
from relay.engine.walk.walk import Walk
from relay.errors import RelayError, SenderBusy
from relay.flows.compiler import ActionStep


def deliver(walk: Walk, step: ActionStep) -> None:
    """Do the action of a step, or end the walk if it can't be done now."""
    chain = calls.make(walk, step, _deliver) if step.action.before else None
    _deliver(Delivery(walk, step, chain))


def _deliver(delivery: Delivery) -> None:
    try:
        if delivery.is_in_doubt:
            unknown_outcomes.ask_service(delivery)
        else:
            delivery.run()
    except InDoubt as error:
        unknown_outcomes.hold(delivery, f"{error.reason.rstrip('.')}. {unknown_outcomes.UNKNOWN}")
    except SenderBusy:
        # The bytes of a file can't be read now.
        delivery.walk.put_back(SENDER_BUSY_SECONDS)
    except RelayError as error:
        # Nothing was sent yet, and the attempt says why. The text contains no secrets.
        reason = masking.mask(str(error), delivery.outcome.hidden)
        delivery.record_attempt("failed", error=reason)
        delivery.fail(reason)
