"""Writes the page of the documentation that lists the services that flows can call, from the catalogue."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from relay.connectors.definition import Action, Connector, Field, Reply

# Characters of the catalogue's texts that Markdown would read as markup, or as the end of a cell.
_escape_markup = re.compile(r"[\\`*|\[\]]").sub

_START = """\
# Services and actions

These are the services that flows can call, and the actions of each. [Steps](steps.md#action) describes what all actions have in common, and [Connections](connections.md) how to enter and test a credential. [Verifying senders](senders.md) lists the services that can send events to flows.

- *Required inputs* are those that an action can't do without. The editor shows all inputs, each with an example, and [`relay connectors KEY`](cli.md#relay-connectors) lists them with their limits.
- *Repeatable* says whether Relay may repeat the action after a try whose outcome is unknown. If not, the run is [held for a person](errors-and-retries.md#actions-with-an-unknown-outcome), unless the column says that *Relay asks* the service whether the action was done.
- *Outputs* are values of the answer that later steps read as `steps.ID.NAME`, in addition to [those that every action has](steps.md#action).
"""  # noqa: E501 - a paragraph of the page is one line


def service_page(connectors: Iterable[Connector]) -> str:
    """The page in Markdown, with a section for each connector that has actions, by label."""
    chosen = sorted((one for one in connectors if one.actions), key=lambda one: one.label.lower())
    return "\n".join((_START, *("\n".join(_section(connector)) for connector in chosen)))


def _section(connector: Connector) -> Iterator[str]:
    yield f"## {connector.label}\n"
    found = f" See the [documentation of {connector.label}]({connector.docs})." if connector.docs else ""
    yield f"{_escape(connector.help)}{found}\n"
    yield f"{_connecting(connector)}{_held(connector)}\n"
    if connector.connection:
        yield from map(_credential, connector.connection)
        yield ""
    yield "| Action | Required inputs | Repeatable | Outputs |"
    yield "| --- | --- | --- | --- |"
    yield from (_row(connector, action) for action in connector.actions)
    yield ""


def _connecting(connector: Connector) -> str:
    """How people connect to the service. Connections with fields are described above the list of these."""
    if not connector.has_connection:
        return "It needs no connection."
    if connector.oauth and connector.oauth.instead:
        return "Connect it with [OAuth](oauth.md), or enter the value below instead."
    if connector.oauth and connector.oauth.authorize_url:
        return "Connect it with [OAuth](oauth.md)."
    return f"A connection {'has' if connector.needs_connection else 'is optional, and has'} the fields below."


def _credential(field: Field) -> str:
    notes = [f"`{field.key}`", *(["secret"] if field.secret else []), *([] if field.required else ["optional"])]
    return f"- **{_escape(field.label)}** ({', '.join(notes)}){f': {_escape(field.help)}' if field.help else ''}"


def _held(connector: Connector) -> str:
    """Which answers mean that the credential is refused; "" if none does for certain."""
    replies = [action.reply or Reply() for action in connector.actions]
    statuses = sorted({status for reply in replies for status in reply.refused})
    signs = [f"status {' or '.join(map(str, statuses))}"] if statuses else []
    signs += ["an answer that says so"] if any(reply.refusing for reply in replies) else []
    if not signs:
        return ""
    return (
        f" If {connector.label} refuses the credential ({', or '.join(signs)}), "
        "runs are [held](errors-and-retries.md#held-runs)."
    )


def _row(connector: Connector, action: Action) -> str:
    does = f"{_escape(action.label)}." + (f" {_escape(action.help)}" if action.help else "")
    if action.before:
        does += " Makes [several calls](steps.md#actions-of-several-calls)."
    repeatable = "yes" if action.repeatable else "no; Relay asks" if action.inquiry else "no"
    cells = (
        f"`{connector.key}.{action.key}`: {does}",
        ", ".join(map(_required, (field for field in action.inputs if field.required))) or "none",
        repeatable,
        ", ".join(f"`{output.key}`" for output in action.outputs) or "none of its own",
    )
    return f"| {' | '.join(cells)} |"


def _required(field: Field) -> str:
    """A required input, and for which values of another one it is required."""
    if not field.when:
        return f"`{field.key}`"
    key, values = field.when
    return f"`{field.key}` if `{key}` is {' or '.join(f'`{value}`' for value in values)}"


def _escape(text: str) -> str:
    return _escape_markup(r"\\\g<0>", html.escape(text, quote=False))
