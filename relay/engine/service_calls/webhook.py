"""Makes, finds, renews and removes the webhook of a trigger at its sender, by the calls of the preset."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from relay import masking
from relay.connectors import input_coercion
from relay.connectors.calls import as_action
from relay.connectors.definition import Action, Call, Connector, Subscription
from relay.connectors.response_rules import value_at
from relay.engine.database import statements
from relay.engine.service_calls.service_call import CallAnswer, Caller
from relay.errors import CallFailed, TemplateError, ValueRefused
from relay.templating import compile_leaf
from relay.timestamps import moment

MAX_ID_CHARACTERS = 500
MAX_SECRET_CHARACTERS = 1_000
MAX_LISTED = 2_000
# A larger answer is kept as its id alone.
MAX_ANSWER_CHARACTERS = 20_000
# A webhook that ends earlier, as its service says, is renewed as if it ended then: a few times an hour at most.
MIN_LIFETIME_SECONDS = 1_200


@dataclass(frozen=True, slots=True)
class Made:
    """A webhook at a service. `answer`: what the templates of later calls see as `subscription`.

    `secret`: the one by which the service signs, if its answer has one. `ends_at`: microseconds since 1970, or None.
    """

    id: str
    answer: Mapping[str, Any] = field(repr=False)
    secret: str = field(default="", repr=False)
    ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """The webhook of one trigger. `url`: the trigger's. `inputs`: what a person chose.

    `answers`: those of the calls that are made before others, if they were made already (see `prepared`).
    All methods call the service: call them in turn (see `turns`). They raise CallFailed without secrets and the URL.
    """

    connector: Connector
    calls: Subscription
    inputs: Mapping[str, Any]
    url: str = field(repr=False)
    answers: Mapping[str, Any] | None = field(default=None, repr=False)

    def prepared(self, caller: Caller) -> Webhook:
        """The webhook with the answers of the calls that are made first, so that they are made once for several."""
        return replace(self, answers=self._before(caller))

    def find(self, caller: Caller) -> list[str]:
        """The ids of the webhooks that the service has for this trigger and these inputs."""
        if self.calls.existing is None:
            return []
        body = self._call(caller, self.calls.existing, self._before(caller)).body
        listed = value_at(body, self.calls.rows) if self.calls.rows else body
        if not isinstance(listed, list):
            raise CallFailed(f"The answer of {self.connector.label} has no list of webhooks")
        return list(self._matching(listed[:MAX_LISTED]))

    def _matching(self, rows: list[Any]) -> Iterator[str]:
        match = compile_leaf(self.calls.match)
        for row in rows:
            with contextlib.suppress(TemplateError, ValueRefused):
                found = match.find({"row": row, "url": self.url, "inputs": self.inputs})
                if found is True:
                    yield _id(row, self.calls.row_id)

    def subscribe(self, caller: Caller, secret: str) -> Made:
        """Make the webhook. `secret`: the one that Relay has made, or ""."""
        ends_at, ends = self._end()
        names = {**self._before(caller), **ends, **({"secret": secret} if secret else {})}
        answer = self._call(caller, self.calls.subscribe, names, hidden=(secret,))
        made_id = _id(answer.body, self.calls.id)
        if not made_id:
            raise CallFailed(f"The answer of {self.connector.label} doesn't say which webhook it has made")
        given = value_at(answer.body, self.calls.secret) if self.calls.secret else ""
        if self.calls.secret and not (isinstance(given, str) and 0 < len(given) <= MAX_SECRET_CHARACTERS):
            raise CallFailed(f"The answer of {self.connector.label} has no signing secret")
        return Made(made_id, _kept(answer.body, made_id), given, self._answered_end(answer.body, ends_at))

    def renew(self, caller: Caller, answer: Mapping[str, Any]) -> Made | None:
        """Move the end of the webhook. `answer`: that of the last call. None if the service has it no longer."""
        if self.calls.renew is None:
            return None
        ends_at, ends = self._end()
        renewed = self._call(caller, self.calls.renew, {**ends, "subscription": answer})
        if renewed.status in self.calls.renew.absent:
            return None
        made_id = str(answer["id"])
        return Made(made_id, _kept(renewed.body, made_id), "", self._answered_end(renewed.body, ends_at))

    def remove(self, caller: Caller, answer: Mapping[str, Any]) -> None:
        """Remove the webhook; one that the service has no longer counts as removed."""
        self._call(caller, self.calls.unsubscribe, {"subscription": answer})

    def remove_all(self, caller: Caller) -> None:
        """Remove all webhooks that the service has for this trigger."""
        for made_id in self.find(caller):
            self.remove(caller, {"id": made_id})

    def _before(self, caller: Caller) -> dict[str, Any]:
        """The answers of the calls that are made first, by the name under which the others see them."""
        if self.answers is not None:
            return dict(self.answers)
        answers: dict[str, Any] = {}
        for call in self.calls.before:
            answer = self._call(caller, call, {"calls": dict(answers)})
            answers[call.key] = {"body": answer.body, "status": answer.status}
        return {"calls": answers} if answers else {}

    def _end(self) -> tuple[int | None, dict[str, str]]:
        """The end to ask for, as a number and as templates see it."""
        if self.calls.lifetime is None:
            return None, {}
        ends_at = statements.now() + _seconds(self.calls.lifetime, self.inputs) * 1_000_000
        return ends_at, {"ends": f"{moment(ends_at):%Y-%m-%dT%H:%M:%SZ}"}

    def _answered_end(self, body: Any, asked: int | None) -> int | None:
        """The end that an answer says, if it is earlier than the one that was asked for."""
        if asked is None or not self.calls.ends:
            return asked
        said = _micros(value_at(body, self.calls.ends))
        return asked if said is None else max(min(asked, said), statements.now() + MIN_LIFETIME_SECONDS * 1_000_000)

    def _call(
        self, caller: Caller, call: Call, names: Mapping[str, Any], *, hidden: tuple[str, ...] = ()
    ) -> CallAnswer:
        seen = {"url": self.url, **names}
        try:
            return caller.call(_action(call, self.calls), self.inputs, seen, absent=call.absent)
        except CallFailed as error:
            secrets = tuple(filter(None, (*hidden, self.url, self.url.rpartition("/")[2])))
            raise CallFailed(masking.mask(str(error), secrets), status=error.status, refused=error.refused) from None


@functools.cache
def _action(call: Call, calls: Subscription) -> Action:
    return as_action(call, calls.inputs)


def _seconds(lifetime: int | str, inputs: Mapping[str, Any]) -> int:
    return int(compile_leaf(lifetime).render({"inputs": inputs})) if isinstance(lifetime, str) else lifetime


def _micros(text: Any) -> int | None:
    """A time of an answer in microseconds since 1970; None if it is no time with an offset."""
    try:
        when = datetime.fromisoformat(text)
        return int(when.timestamp() * 1_000_000) if when.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None


def _id(body: Any, path: str) -> str:
    """The id at a path of an answer; "" if there is none that can be stored."""
    value = value_at(body, path)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value)
    return text if len(text) <= MAX_ID_CHARACTERS and text.isprintable() else ""


def _kept(body: Any, made_id: str) -> dict[str, Any]:
    """The answer with the webhook's id in it; the id alone if the answer is none, or large."""
    known = body if isinstance(body, dict) and len(str(body)) <= MAX_ANSWER_CHARACTERS else {}
    return {**known, "id": made_id}


def coerced(calls: Subscription, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a subscription, converted and with defaults. Raises RelayError, which names the input."""
    unknown = sorted(inputs.keys() - {one.key for one in calls.inputs})
    if unknown:
        raise ValueRefused(f"There is no input {unknown[0][:60]}")
    return input_coercion.coerce_inputs(_action(calls.subscribe, calls), inputs)
