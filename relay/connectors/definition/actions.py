"""Defines actions: the calls that a connector can make, and how their answers are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from relay.connectors.definition.fields import Field, Output

Target = Literal["http", "inbox", "mail"]
Proof = Literal["spec", "real", "recorded", "docs"]


@dataclass(frozen=True, slots=True)
class Wait:
    """A header of a failed answer that says when to try again.

    `unit`: of the number in it: seconds from now, milliseconds from now, or Unix seconds. `only_if`: another header and
    the value that it must have, such as a number of remaining requests that is 0.
    """

    header: str
    unit: Literal["seconds", "milliseconds", "unix"] = "seconds"
    only_if: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """How an answer is read beyond its status.

    `body`: a 2xx answer is a success only if its body is this text. `ok`: the path of a flag that must be true. `says`:
    a path and the value that must be there. `partly`: 2xx statuses that mean that only a part was done. `done`: words
    in a failure below 500 that mean that the action was done before, such as by an earlier try, which is a success;
    only for actions that may be repeated. `error`: the path of the service's error message. `retry` and `permanent`:
    words in the answer of a failure that decide whether it is retried, whatever the status. `refused`: statuses that
    mean that the credential is invalid: runs are held until it is changed. `refusing`: words in a failure of any status
    that mean the same; none that a service could repeat from a request. `meanings`: what words of a failure mean and
    what to do about it, as a sentence without a full stop; each of `refusing` and `permanent` has one. `wait`: headers
    that say when to try again, in order of preference; `Retry-After` is always read, and the later of both counts.
    """

    body: str = ""
    ok: str = ""
    says: tuple[str, Any] | None = None
    partly: tuple[int, ...] = ()
    done: tuple[str, ...] = ()
    error: str = ""
    retry: tuple[str, ...] = ()
    permanent: tuple[str, ...] = ()
    refused: tuple[int, ...] = ()
    refusing: tuple[str, ...] = ()
    meanings: dict[str, str] = field(default_factory=dict)
    wait: tuple[Wait, ...] = ()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A GET request with the action's credential that finds out whether an unanswered action was done.

    `url` and `query`: templates over `inputs`, `connection`, `key`, the action's Idempotency-Key, and in a chain the
    answers of the calls before it, as `calls`. `about`: a path in
    the answer, and a template of the value that is there if the answer concerns this action; otherwise the answer is
    ignored. `made`: a path that exists only if the action was done; if it doesn't, the action is sent again, so `about`
    must be up to date at once, such as an id in the request. `body`: the path of the body that the action would have
    been answered with, "" for all of it.
    """

    url: str
    about: tuple[str, str]
    made: str
    body: str = ""
    query: Any = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One request of a chain, of a test, of an option source or of a subscription.

    `method`, `url`, `headers`, `query`, `json` and `body` are templates as an action's. In a chain, they also see
    `calls`: the parsed bodies of the calls before it as `calls.KEY.body`, their statuses as `calls.KEY.status`, and
    their files, if they answered one, as `calls.KEY.files`. The
    bodies come from the service, so a value in a URL is encoded as one part, and one that must be text is `| string`.
    `key`: up to 12 letters, digits and _. `when`: a template over `inputs`, `connection` and `calls`; if it renders to
    nothing, false or 0, or is one missing name, the call is skipped, and `calls.KEY` is missing.
    `repeatable` and `inquiry` as an action's: a chain that was interrupted continues with the first call that has no
    stored answer. The answer of a call that is not repeatable is stored before anything more is sent; repeatable calls
    after the last stored answer are made again.
    `absent`: statuses that are no failure but mean that the thing does not exist; `body` is null then.
    `example`: in a chain, a parsed body that the service may answer, which serves checks and tests.
    `target`: `mail` signs in to the mail server of the connection, and sends no mail.
    """

    key: str
    label: str
    method: str = "GET"
    url: str = ""
    headers: Any = field(default_factory=dict)
    query: Any = field(default_factory=dict)
    basic: tuple[str, str] | None = None
    json: Any = None
    body: Any = None
    when: str = ""
    reply: Reply | None = None
    absent: tuple[int, ...] = ()
    repeatable: bool = True
    inquiry: Inquiry | None = None
    example: Any = None
    target: Target = "http"


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """A request that a connector can send, described by templates over `inputs` and `connection`.

    `json` is short for a `body` of {"json": ...}; `body` may be {"json": tree}, {"form": {...}} or
    {"text": template, "type": media type}. A key whose template is one missing name is left out.
    `basic`: user name and password for HTTP's Basic scheme. `sign`: a scheme of signing.py, with `signing_secret`.
    `repeatable`: whether sending it twice does no harm. Otherwise, a try with an unknown outcome is held for a person
    to decide, or for the `inquiry`, which must be unambiguous. `key` in a template is the Idempotency-Key.
    `refuse`: a template over `inputs` and `calls` that gives the reason why the action can't be carried out, such as a
    name that the service does not have, as a sentence, or nothing. The run fails with it, and the request is not sent.
    `before`: calls that are made first, in order, so that one action is what a person thinks of as one thing; the
    action's own request is the last, and its templates, those of `inquiry` too, see their answers as `calls`. A step's
    own condition of success, and `outputs` without a `call`, are about the last answer.
    `reply`: None for the connector's. A connector completes its actions with its base URL, shared headers,
    authentication and reply, see Connector.
    `proof`: what the request was checked with: a published description, the real service, a recorded exchange, or
    documentation; `docs`: the address of that description or page.
    """

    key: str
    label: str
    inputs: tuple[Field, ...] = ()
    method: str = "POST"
    url: str = ""
    headers: Any = field(default_factory=dict)
    query: Any = field(default_factory=dict)
    basic: tuple[str, str] | None = None
    sign: str = ""
    signing_secret: str = ""
    json: Any = None
    body: Any = None
    reply: Reply | None = None
    before: tuple[Call, ...] = ()
    refuse: str = ""
    outputs: tuple[Output, ...] = ()
    target: Target = "http"
    repeatable: bool = True
    inquiry: Inquiry | None = None
    help: str = ""
    proof: Proof = "docs"
    docs: str = ""

    def input(self, key: str) -> Field | None:
        return next((field_ for field_ in self.inputs if field_.key == key), None)

    def field_at(self, path: str) -> Field | None:
        """An input, or a part of one in its rows or its object, by the keys on the way: `items.product`."""
        fields, found = self.inputs, None
        for key in path.split("."):
            found = next((field_ for field_ in fields if field_.key == key), None)
            fields = found.fields if found else ()
        return found

    @property
    def headers_input(self) -> str:
        """The key of the input that is the request's headers; "" if the action has its own."""
        return self._input_of(self.headers)

    @property
    def query_input(self) -> str:
        """The key of the input that is the request's query; "" if the action has its own."""
        return self._input_of(self.query)

    @property
    def body_input(self) -> str:
        """The key of the input that is the request's body; "" if the action has its own."""
        return self._input_of(self.body)

    @property
    def sign_input(self) -> str:
        """The key of the input that says whether the request is signed; "" if there is none."""
        return self._input_of(self.sign)

    def _input_of(self, template: Any) -> str:
        return next((field_.key for field_ in self.inputs if template == f"{{{{ inputs.{field_.key} }}}}"), "")
