"""Defines every error that crosses a module border of Relay.

RelayError
├── DocumentFaults        a flow document is invalid; one Fault for each place
├── DraftChanged          somebody else saved the draft of a flow in the meantime
├── PayloadError          a body is not what its content type says
├── TemplateError         a template can't be compiled or rendered
│   ├── TemplateFault         its text is invalid: line and column
│   │   └── FilterFault           a filter can't process its input: which filter
│   ├── ActionRefused         the inputs of an action don't fit what its service has: the reason
│   ├── MissingName           it uses a name that doesn't exist: the path
│   └── TemplateLimit         it ran out of fuel: which limit
├── DeliveryError         a request was not answered
│   ├── RequestRefused        never sent: address, header or URL isn't allowed          permanent
│   │   └── ValueRefused          a value can't be sent; the text never contains the value
│   ├── ConnectFailed         never sent: no connection
│   ├── SenderBusy            never sent: Relay itself was too busy; no failure of the destination
│   ├── DeadlinePassed        perhaps sent; no whole answer in time
│   └── ConnectionLost        perhaps sent; the answer was incomplete
├── VaultError            a sealed value can't be opened
│   └── KeyLost               because the key that sealed it is missing; it opens when the key is back
├── Busy                  a workspace asks for too much at once; it may ask again later
├── CallFailed            a service did not do what Relay asked of it outside of a run
├── TokenRefused          a service gives no access token until a person acts
├── TokenDelayed          a service gives no access token now; later it may
├── ConnectionMissing     a step names a connection that doesn't exist
└── SetupError            Relay can't start, or a command can't run, as asked: exit code 2
"""

from __future__ import annotations

from dataclasses import dataclass


class RelayError(Exception):
    """The root. `str(error)` is a sentence for people, without secrets."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a flow document: its place (`steps[2].inputs.text`) and what is wrong."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DocumentFaults(RelayError):
    """A flow document is invalid; `faults` lists every place."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class DraftChanged(RelayError):
    """Somebody else saved the draft after it was read; nothing is saved."""


class PayloadError(RelayError):
    """A body is not what its content type says, or exceeds a limit."""


class TemplateError(RelayError):
    """A template can't be compiled or rendered."""


class TemplateFault(TemplateError):
    """The text of a template is invalid. `line` and `column` count from 1; 0 where unknown."""

    def __init__(self, message: str, *, line: int = 0, column: int = 0) -> None:
        where = f"line {line}: " if line else ""
        super().__init__(f"{where}{message}")
        self.line = line
        self.column = column


class FilterFault(TemplateFault):
    """A filter can't process its input; `filter` is its name."""

    def __init__(self, message: str, *, filter: str, line: int = 0, column: int = 0) -> None:  # noqa: A002
        super().__init__(message, line=line, column=column)
        self.message = message
        self.filter = filter


class ActionRefused(TemplateError):
    """The inputs of an action don't fit what its service has; the text is the reason that the action gives."""


class MissingName(TemplateError):
    """A template uses a name that doesn't exist; `path` is the name as written."""

    def __init__(self, path: str, *, hint: str = "") -> None:
        super().__init__(f"{path} is missing" + (f" ({hint})" if hint else ""))
        self.path = path
        self.hint = hint


class TemplateLimit(TemplateError):
    """A template ran out of fuel; `limit` is the limit (`work`, `output size`, `number size`...)."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(f"{message} (limit: {limit})")
        self.limit = limit


class FileTooLarge(RelayError):
    """A file is larger than this installation keeps."""


class FileGone(RelayError):
    """The bytes of a file are not kept any more."""


class FileStoreDown(RelayError):
    """The object store of files doesn't answer, or refuses Relay; its log has the reason."""


class DeliveryError(RelayError):
    """A request was not answered. `permanent`: never try again. `sent`: it may have arrived.

    `local`: the cause is the request or Relay itself, so the circuit breaker ignores it.
    """

    permanent = False
    sent = False
    local = False


class RequestRefused(DeliveryError):
    """Never sent, because the address, a header or the URL isn't allowed."""

    permanent = True
    local = True


class ValueRefused(RequestRefused):
    """A value can't be sent as it is. `str(error)` names its place and its kind, but never contains the value.

    So it can also be shown for a secret.
    """


class ConnectFailed(DeliveryError):
    """Never sent: unknown name, connection refused, or TLS failed."""


class SenderBusy(DeliveryError):
    """Never sent: Relay itself was too busy. It counts neither as a failure of the destination nor as an attempt."""

    local = True


class AnswerNotStored(DeliveryError):
    """The request was answered with a file, which could not be stored."""

    sent = True
    local = True


class DeadlinePassed(DeliveryError):
    """No whole answer before the deadline; the request may have arrived."""

    sent = True


class ConnectionLost(DeliveryError):
    """The connection broke or the answer was not HTTP; the request may have arrived."""

    sent = True


class VaultError(RelayError):
    """A sealed value can't be opened: wrong key, wrong owner, or damaged."""


class KeyLost(VaultError):
    """A sealed value can't be opened, because Relay doesn't have the key that sealed it."""


class Busy(RelayError):
    """A workspace asks for more at once than its share; `retry_after` is when it may ask again, in seconds."""

    def __init__(self, message: str, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CallFailed(RelayError):
    """A service did not do what Relay asked of it outside of a run.

    `status`: of its answer, 0 without one. `refused`: it refuses the credential.
    """

    def __init__(self, message: str, *, status: int = 0, refused: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.refused = refused


class TokenRefused(RelayError):
    """A service gives no access token, and asking again is of no use: a person has to act."""


class TokenDelayed(RelayError):
    """A service gives no access token now, because of a fault that may pass."""


class ConnectionMissing(RelayError):
    """A step names a connection that the workspace doesn't have."""


class SetupError(RelayError):
    """Relay can't start, or a command can't run, as asked."""
