"""Makes actions of calls, so that both are built, masked, sent and judged by the same code."""

from __future__ import annotations

from relay.connectors.definition import Action, Call, Field


def as_action(call: Call, inputs: tuple[Field, ...] = ()) -> Action:
    """A call as an action with these inputs. Keep the result: it is compiled once for each object."""
    return Action(
        key=call.key,
        label=call.label,
        inputs=inputs,
        method=call.method,
        url=call.url,
        headers=call.headers,
        query=call.query,
        basic=call.basic,
        json=call.json,
        body=call.body,
        reply=call.reply,
        repeatable=call.repeatable,
        target=call.target,
        inquiry=call.inquiry,
    )
