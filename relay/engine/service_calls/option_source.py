"""Fetches the choices of an input from its service, such as the lists of a board: all pages, within limits."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from relay import redaction
from relay.connectors.calls import as_action
from relay.connectors.definition import Action, Connector, Field, OptionSource
from relay.connectors.input_coercion import as_text
from relay.connectors.response_rules import value_at
from relay.engine.service_calls import paging, service_call, turns
from relay.engine.service_calls.option_cache import BoundedCache
from relay.engine.service_calls.service_call import CallAnswer, Caller
from relay.errors import CallFailed, TemplateError, ValueRefused
from relay.models import Connection
from relay.templating import Leaf, Missing, compile_leaf, has_template

MAX_OPTIONS = 10_000  # of one list
MAX_SHOWN = 500  # of one list, to people and to callers of the API; they can search for the others
MAX_PAGES = 50
LIST_SECONDS = 15.0  # for all pages of a list
MAX_VALUE_CHARACTERS = 1_000
MAX_LABEL_CHARACTERS = 200
MAX_SEARCH_CHARACTERS = 200
CACHE_CHARACTERS = 8_000_000  # of values and labels in the memory of a process


class Option(msgspec.Struct, frozen=True):
    """One choice: the value that the service knows, and a label for people. Both may be anything, also markup."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Options:
    """Choices in the service's order. `is_complete`: whether they are all that match; else the service has more."""

    rows: tuple[Option, ...]
    is_complete: bool = True

    @property
    def size(self) -> int:
        return sum(len(row.value) + len(row.label) + 100 for row in self.rows) + 1_000


class HasInputs(Protocol):
    """What asks for choices: an action, or the subscription of a trigger. It is the same object in each call."""

    @property
    def inputs(self) -> tuple[Field, ...]: ...

    def __hash__(self) -> int: ...


_cache: BoundedCache[Options] = BoundedCache(CACHE_CHARACTERS)


def missing_input(source: OptionSource, owner: HasInputs, inputs: Mapping[str, Any]) -> str:
    """Why the choices can't be listed for these inputs, unrendered as the flow has them; "" if they can."""
    for field in _needed(source, owner):
        value = inputs.get(field.key)
        if value is None or value == "":
            return f"Choose {field.label} first: it decides what there is to choose from"
        if isinstance(value, str) and has_template(value):
            return f"{field.label} is a template, so what there is to choose from is known only when the flow runs"
    return ""


def find_options(
    connector: Connector,
    source: OptionSource,
    owner: HasInputs,
    connection: Connection | None,
    *,
    workspace_id: int,
    inputs: Mapping[str, Any],
    search: str = "",
    is_fresh: bool = False,
) -> Options:
    """The choices of a source for the inputs that it needs; of the others, none is read.

    `search`: only those with this text, found by the service or, if it doesn't search, in the list. `is_fresh`: ask
    the service also if the list is in the cache. Raises CallFailed with a sentence for people, VaultError, Busy.
    """
    if reason := missing_input(source, owner, inputs):
        raise CallFailed(reason)
    search = search.strip()[:MAX_SEARCH_CHARACTERS]
    asked = search if source.searches else ""
    key = _key(source, connection, inputs, asked)
    options = None if is_fresh else _cache.get(key)
    if options is None:
        needed = {field.key: inputs[field.key] for field in _needed(source, owner)}
        listing = _Listing(connector, source, _action(source, owner), needed, asked)
        options = turns.in_turn(workspace_id, lambda: listing.fetch(workspace_id, connection))
        _cache.put(key, options, source.keeps)
    return options if source.searches or not search else _matching(options, search)


def cached_options(source: OptionSource, connection: Connection | None, inputs: Mapping[str, Any]) -> Options | None:
    """The choices in the cache, without a search; None if they are not there. No request is sent."""
    return _cache.get(_key(source, connection, inputs, ""))


def forget() -> None:
    """Empty the cache."""
    _cache.clear()


def _key(
    source: OptionSource, connection: Connection | None, inputs: Mapping[str, Any], search: str
) -> tuple[object, ...]:
    # A connection that is changed or connected again has another key: lists of its former account are not shown.
    which = (connection.pk, connection.changed_at, connection.connected_at) if connection else None
    return (which, source, tuple(_text(inputs.get(key)) for key in source.needs), search)


@functools.cache
def _needed(source: OptionSource, owner: HasInputs) -> tuple[Field, ...]:
    """The inputs that a source needs. Each is required here, whether or not the action itself requires it."""
    found = (next((field for field in owner.inputs if field.key == key), Field(key, key)) for key in source.needs)
    return tuple(replace(field, required=True) for field in found)


@functools.cache
def _action(source: OptionSource, owner: HasInputs) -> Action:
    return as_action(source.call, _needed(source, owner))


@dataclass(frozen=True, slots=True)
class _Listing:
    """One list to fetch. `inputs`: those that the source needs. `search`: for services that search."""

    connector: Connector
    source: OptionSource
    action: Action
    inputs: Mapping[str, Any]
    search: str

    def fetch(self, workspace_id: int, connection: Connection | None) -> Options:
        """All pages within the limits. Raises CallFailed, VaultError."""
        caller = service_call.caller(self.connector, workspace_id, connection)
        rows: list[Option] = []
        is_complete = True
        for page in self._pages(caller):
            is_complete = page.is_complete
            rows += page.rows
            if len(rows) >= MAX_OPTIONS:
                is_complete = is_complete and len(rows) == MAX_OPTIONS
                break
        return Options(tuple(rows[:MAX_OPTIONS]), is_complete)

    def _pages(self, caller: Caller) -> Iterator[Options]:
        """The pages; each is complete if no page follows it."""
        end = time.monotonic() + LIST_SECONDS
        call: paging.PageCall | None = paging.first(self.action, self.source.paging)
        for _ in range(MAX_PAGES):
            left = end - time.monotonic()
            if call is None or left <= 0:
                return
            answer = caller.call(
                call.action, self.inputs, self._names(call), absent=self.source.call.absent, seconds=left
            )
            listed = self._listed(answer)
            call = paging.following(call, self.action, self.source.paging, answer, len(listed))
            yield Options(tuple(self._options(listed, answer)), call is None)

    def _names(self, call: paging.PageCall) -> dict[str, Any]:
        """The names of a page's request. `search` is missing if nobody searches, as an empty input is."""
        return {**call.names, **({"search": self.search} if self.search else {})}

    def _listed(self, answer: CallAnswer) -> Sequence[Any]:
        """The rows of an answer as the service sent them."""
        if answer.body is None and answer.status in self.source.call.absent:
            return ()
        listed = value_at(answer.body, self.source.rows) if self.source.rows else answer.body
        if not isinstance(listed, list):
            raise CallFailed(f"The answer of {self.connector.label} has no list of choices", status=answer.status)
        return listed

    def _options(self, listed: Sequence[Any], answer: CallAnswer) -> Iterator[Option]:
        """The choices in the rows; a row without a value is left out."""
        value_of, label_of = compile_leaf(self.source.value), compile_leaf(self.source.label)
        rows = ({"row": row} for row in listed[:MAX_OPTIONS])
        pairs = [(_rendered(value_of, row), _rendered(label_of, row)) for row in rows]
        for value, label in answer.masked(pairs):
            if value and len(value) <= MAX_VALUE_CHARACTERS:
                yield Option(value, _short(label) or _short(value))


def _short(label: str) -> str:
    """A label in one line."""
    line = " ".join(label[: MAX_LABEL_CHARACTERS * 4].split())
    return line if len(line) <= MAX_LABEL_CHARACTERS else f"{line[: MAX_LABEL_CHARACTERS - 1]}…"


def _rendered(leaf: Leaf, context: Mapping[str, Any]) -> str:
    """A template of the catalogue for one row, as text that can be stored; "" if the row doesn't have its names."""
    try:
        value = leaf.find(context)
    except (TemplateError, ValueRefused):
        return ""
    return "" if isinstance(value, Missing) else redaction.clean(_text(value))


def _text(value: Any) -> str:
    return "" if value is None else as_text(value)


def _matching(options: Options, search: str) -> Options:
    """The choices that contain a text in their label or value, in any case of letters."""
    wanted = search.casefold()
    rows = (row for row in options.rows if wanted in row.label.casefold() or wanted in row.value.casefold())
    return Options(tuple(rows), options.is_complete)
