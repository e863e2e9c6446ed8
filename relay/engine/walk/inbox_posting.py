"""Posts a message to the built-in inbox: it is stored when the walk is settled."""

from __future__ import annotations

import msgspec

from relay import masking, redaction
from relay.connectors.definition import Action
from relay.engine.walk import action_request, size_limits
from relay.engine.walk.action_inputs import Inputs
from relay.engine.walk.exceptions import Exhausted
from relay.engine.walk.walk import Walk
from relay.engine.walk.work_item import InboxPost


def post(walk: Walk, action: Action, inputs: Inputs) -> str:
    """Add the message of an action to the outcome, masked, and return the record of its request as JSON.

    Raises RelayError for a message that can't be posted.
    """
    message = action_request.message(action, inputs)
    if walk.attempt_bytes > size_limits.MAX_ATTEMPT_BYTES:
        raise Exhausted(
            f"The messages of this run take more than {size_limits.MAX_ATTEMPT_BYTES >> 20} MiB: send fewer"
        )
    hidden = walk.outcome.hidden
    texts = map(redaction.clean, (message.channel, message.title, message.text))
    walk.outcome.posts.append(InboxPost(*(masking.mask(text, hidden) for text in texts)))
    record = {"method": "POST", "url": "inbox", "headers": {}, "body": masking.masked_json(inputs.shown, hidden)}
    return msgspec.json.encode(record).decode()
