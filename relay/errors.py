"""Every error that crosses a module border of Relay.

RelayError
├── DocumentFaults        a flow document is not valid; one Fault a place
├── PayloadError          a body is not what its content type says
├── TemplateError         a template can't be compiled or rendered
│   ├── TemplateFault         its text is wrong: line and column
│   │   └── FilterFault           a filter can't work with what it got: which filter
│   ├── MissingName           it names something that isn't there: the path
│   └── TemplateLimit         it ran out of fuel: which limit
├── DeliveryError         a request was not answered
│   ├── RequestRefused        never sent, and never will be: address, header or URL   permanent
│   ├── ConnectFailed         never sent: no connection
│   ├── DeadlinePassed        sent perhaps; no whole answer in time
│   └── ConnectionLost        sent perhaps; the answer never came whole
├── VaultError            a sealed value can't be opened
│   └── KeyLost               since the key that sealed it isn't here: it opens when that is back
├── ConnectionMissing     a step names a connection that isn't there
└── SetupError            Relay can't start or a command can't run as asked: exit code 2
"""

from __future__ import annotations

from dataclasses import dataclass


class RelayError(Exception):
    """The root. `str(error)` is a sentence for people, without secrets."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a flow document: where (`steps[2].inputs.text`) and what is wrong."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DocumentFaults(RelayError):
    """A flow document is not valid; `faults` says every place."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class PayloadError(RelayError):
    """A body is not what its content type says, or is past a limit."""


class TemplateError(RelayError):
    """A template can't be compiled or rendered."""


class TemplateFault(TemplateError):
    """The text of a template is wrong. `line` and `column` count from 1; 0 where unknown."""

    def __init__(self, message: str, *, line: int = 0, column: int = 0) -> None:
        where = f"line {line}: " if line else ""
        super().__init__(f"{where}{message}")
        self.line = line
        self.column = column


class FilterFault(TemplateFault):
    """A filter can't work with what it got; `filter` names it."""

    def __init__(self, message: str, *, filter: str, line: int = 0, column: int = 0) -> None:  # noqa: A002
        super().__init__(message, line=line, column=column)
        self.message = message
        self.filter = filter


class MissingName(TemplateError):
    """A template names something that isn't there; `path` is the name as written."""

    def __init__(self, path: str, *, hint: str = "") -> None:
        super().__init__(f"{path} is missing" + (f" ({hint})" if hint else ""))
        self.path = path
        self.hint = hint


class TemplateLimit(TemplateError):
    """A template ran out of fuel; `limit` names which (`work`, `output size`, `number size`...)."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(f"{message} (limit: {limit})")
        self.limit = limit


class DeliveryError(RelayError):
    """A request was not answered. `permanent`: never try again. `sent`: it may have arrived."""

    permanent = False
    sent = False


class RequestRefused(DeliveryError):
    """Never sent and never will be: the address, a header or the URL is not allowed."""

    permanent = True


class ConnectFailed(DeliveryError):
    """Never sent: name unknown, connection refused, TLS failed."""


class DeadlinePassed(DeliveryError):
    """No whole answer before the deadline; the request may have arrived."""

    sent = True


class ConnectionLost(DeliveryError):
    """The connection broke or the answer was not HTTP; the request may have arrived."""

    sent = True


class VaultError(RelayError):
    """A sealed value can't be opened: wrong key, wrong owner, or damaged."""


class KeyLost(VaultError):
    """A sealed value can't be opened for now: Relay doesn't have the key that sealed it."""


class ConnectionMissing(RelayError):
    """A step names a connection that the workspace doesn't have."""


class SetupError(RelayError):
    """Relay can't start, or a command can't run, as asked."""
