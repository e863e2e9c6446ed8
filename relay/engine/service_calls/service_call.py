"""Makes one call of a connector outside of a run: by the code of actions, with a short timeout, its secrets masked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from relay import ids, masking
from relay.connectors import request_builder, response_rules
from relay.connectors.definition import Action, Connector
from relay.connectors.request_builder import RelayHeaders
from relay.engine.database import statements
from relay.engine.http_client import list_sender
from relay.engine.oauth import renewal
from relay.engine.walk import action_request
from relay.engine.walk.access_tokens import AccessToken
from relay.engine.walk.action_inputs import Inputs
from relay.engine.walk.answer_masking import MaskedAnswer, masked_answer
from relay.errors import CallFailed, DeliveryError, RelayError, RequestRefused, SenderBusy
from relay.models import Connection
from relay.outbound import Answer

CALL_SECONDS = 8.0
_NO_BODY: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """A successful answer. `body`: parsed, None for a thing that doesn't exist. `url`: the one that was called.

    `secrets`: those of the connection, which the body and the URL may contain; `masked` hides them.
    """

    status: int
    headers: dict[str, str]
    body: Any = field(repr=False)
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def masked(self, value: Any) -> Any:
        """A JSON value of the answer with a mask for each secret, to be stored or shown."""
        return masking.masked(value, self.secrets)


@dataclass(frozen=True, slots=True)
class Caller:
    """Makes calls with one connection, opened once. `values`: its values; None for a service without connections."""

    connector: Connector
    workspace_id: int
    values: Mapping[str, Any] | None = field(repr=False)

    def call(
        self,
        action: Action,
        inputs: Mapping[str, Any] = _NO_BODY,
        names: Mapping[str, Any] = _NO_BODY,
        *,
        absent: tuple[int, ...] = (),
        seconds: float = CALL_SECONDS,
    ) -> CallAnswer:
        """Send the request of an action or of a call (see `connectors.calls`), and return its successful answer.

        `names`: more names that its templates see. `absent`: statuses that mean that the thing doesn't exist.
        `seconds`: for the whole call. Raises CallFailed with a sentence for people, without secrets.
        """
        secrets = request_builder.secrets_of(self.connector, self.values)
        request = self._request(action, inputs, names, secrets)
        try:
            answer = list_sender().send(request.request, max(0.1, min(seconds, CALL_SECONDS, settings.HTTP_TIMEOUT)))
        except DeliveryError as error:
            raise self._not_answered(error, masking.mask(request.said(error), secrets)) from None
        masked = masked_answer(answer, secrets)
        if answer.status in absent:
            return CallAnswer(answer.status, answer.headers, None, request.request.url, secrets)
        return self._judged(action, masked, request.request.url, secrets)

    def _request(
        self, action: Action, inputs: Mapping[str, Any], names: Mapping[str, Any], secrets: tuple[str, ...]
    ) -> action_request.ActionRequest:
        seen = Inputs(names, masking.masked(dict(names), secrets)) if names and secrets else Inputs(names, names)
        try:
            return action_request.make(
                self.connector,
                action,
                Inputs(inputs, inputs),
                self.values,
                key=f"relay-{ids.text(ids.new())}",
                onward=RelayHeaders(self.workspace_id),
                names=seen,
            )
        except RelayError as error:
            raise CallFailed(masking.mask(str(error), secrets)) from None

    def _not_answered(self, error: DeliveryError, said: str) -> CallFailed:
        if isinstance(error, RequestRefused):
            return CallFailed(f"The request was not sent: {said}")
        if isinstance(error, SenderBusy):
            return CallFailed(f"Relay itself is too busy to call {self.connector.label}: try again in a moment")
        return CallFailed(f"{self.connector.label} could not be reached: {said}")

    def _judged(self, action: Action, masked: MaskedAnswer, url: str, secrets: tuple[str, ...]) -> CallAnswer:
        answer, label = masked.answer, self.connector.label
        verdict = response_rules.judge(action, answer, service=label, hide=masked.hide)
        if verdict.kind != "succeeded":
            refused = verdict.kind == "refused" or answer.status == 401
            if action.target == "mail" and not refused:
                # The codes of mail servers mean something else than those of HTTP.
                raise CallFailed(f"{label}: {verdict.message}", status=answer.status)
            raise CallFailed(_sentence(label, answer, verdict.message, refused), status=answer.status, refused=refused)
        if answer.fault:
            raise CallFailed(f"The answer of {label} can't be used: {masked.hide(answer.fault)}", status=answer.status)
        return CallAnswer(answer.status, answer.headers, verdict.outputs.get("body"), url, secrets)


def _sentence(label: str, answer: Answer, message: str, refused: bool) -> str:
    """Why a service did not do what it was asked, as a sentence. `message`: its own message, masked."""
    if answer.status < 300:  # The status of such an answer explains nothing.
        for start in (f"The answer was {answer.status}: ", f"{label} refused: "):
            message = message.replace(start, "It says: ", 1)
    if refused:
        return f"{label} refuses the credential. {message}"
    if answer.status == 403:
        return f"{label} does not permit this, so the credential may lack a permission. {message}"
    if answer.status == 429:
        return f"{label} takes no more requests right now: try again in a moment. {message}"
    if answer.status >= 500:
        return f"{label} has a problem of its own: try again later. {message}"
    return f"{label} did not do what it was asked. {message}"


def caller(connector: Connector, workspace_id: int, connection: Connection | None) -> Caller:
    """A caller with a connection of the workspace. Raises CallFailed for another connector's; VaultError.

    Call it in turn (see `turns`): it renews an access token that has expired. Raises RelayError if that fails.
    """
    if connection is None:
        return Caller(connector, workspace_id, None)
    if connection.workspace_id != workspace_id or connection.connector != connector.key:
        raise CallFailed(f"“{connection.name}” is not a connection to {connector.label}")
    return Caller(connector, workspace_id, _opened(connector, connection))


def _opened(connector: Connector, connection: Connection) -> Mapping[str, Any]:
    """The values of a connection, with an access token that is valid now if it has one by OAuth."""
    values: dict[str, Any] = connection.unseal()
    if connector.oauth is None or connection.token_revision is None:
        return values
    state = AccessToken(connector, connection, values).state(statements.now())
    if state.kind == "usable":
        return values
    if state.renewal is None:
        reason = state.reason or "The access token is being renewed: try again in a moment"
        raise CallFailed(reason, refused=state.kind == "refused")
    renewal.renew_now(connection)
    renewed: dict[str, Any] = connection.unseal()
    return renewed
