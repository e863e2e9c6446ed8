"""Defines connectors: what their actions share, and the calls that serve their forms."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from relay.connectors.definition.actions import Action, Call, Inquiry, Reply
from relay.connectors.definition.auth import Auth, BasicAuth, NoAuth, OAuth2, QueryAuth, headers_of
from relay.connectors.definition.fields import Field, check_values
from relay.connectors.definition.presets import Preset

Made = TypeVar("Made", Action, Call)
_NO_AUTH, _BY_STATUS = NoAuth(), Reply()


@dataclass(frozen=True, slots=True, eq=False)
class ConnectionTest:
    """A call that shows whether a connection works.

    `identity`: a template over `body` and `connection`, without its secrets: whom it is connected as. `says`: one over
    `status` and `connection`: the result in words, instead of whom it is connected as. `needs`: the key of a field of
    the connection without which there is nothing to test.
    """

    call: Call
    identity: str = ""
    says: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Paging:
    """How the next page of a list is asked for.

    `cursor`: the path in the body of the value that `parameter` takes in the next call; the last page has none.
    `link`: the path in the body of the next page's whole URL, or "header" for a `Link` header with rel="next".
    `page`: `parameter` is a page number, which counts from `first`; the last page has fewer than `size` rows.
    """

    cursor: str = ""
    link: str = ""
    parameter: str = ""
    first: int = 1
    size: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class OptionSource:
    """A list of values that the service knows, such as its channels, offered where a person would look up an id.

    `call`: its templates see `connection`, `inputs` (those of `needs`) and `search`, which is missing if nobody
    searches. `rows`: the path of the list in the body; "" if the body is the list. `value` and `label`: templates over
    `row`. `needs`: the keys of the inputs that must have a value first, such as the board of a list. `searches`:
    whether the service filters by `search`; otherwise Relay filters the rows that it has fetched. `keeps`: seconds for
    which the rows are cached.
    """

    key: str
    call: Call
    rows: str = ""
    value: str = "{{ row.id }}"
    label: str = "{{ row.name }}"
    needs: tuple[str, ...] = ()
    searches: bool = False
    paging: Paging | None = None
    keeps: int = 60


@dataclass(frozen=True, slots=True, eq=False)
class Connector:
    """One service.

    `hosts`: the only hosts to which a connection's values may be sent, by https. If the connection names the host, it
    is a template: `{{ connection.shop }}.example.com`, or `{{ connection.url }}` for the origin of that URL. Empty for
    connectors that send no value of their connection.
    `presets`: how the service sends events to triggers; a service that only sends has no actions.

    `base_url`: before the URLs of calls that begin with a slash. `headers` and `query`: of every call, unless the call
    has one of that name. `auth`: how every call authenticates. `reply`: how answers are read, unless the call says.
    All of this is added to the actions and calls when the connector is made, so that each is complete by itself.
    `categories`: the jobs that it is found by, such as "crm" or "shipping".
    """

    key: str
    label: str
    actions: tuple[Action, ...] = ()
    presets: tuple[Preset, ...] = ()
    connection: tuple[Field, ...] = ()
    hosts: tuple[str, ...] = ()
    docs: str = ""
    help: str = ""
    base_url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    auth: Auth = _NO_AUTH
    reply: Reply = _BY_STATUS
    test: ConnectionTest | None = None
    sources: tuple[OptionSource, ...] = ()
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        whole = tuple(replace(self.complete(action), before=self._calls(action.before)) for action in self.actions)
        object.__setattr__(self, "actions", whole)
        sources = tuple(replace(source, call=self.complete(source.call)) for source in self.sources)
        object.__setattr__(self, "sources", sources)
        if self.test is not None:
            object.__setattr__(self, "test", replace(self.test, call=self.complete(self.test.call)))
        object.__setattr__(self, "presets", tuple(map(self._complete_preset, self.presets)))

    @property
    def needs_connection(self) -> bool:
        return self.oauth is not None or any(field_.required for field_ in self.connection)

    @property
    def has_connection(self) -> bool:
        """Whether there are connections to it at all."""
        return bool(self.connection) or self.oauth is not None

    @property
    def oauth(self) -> OAuth2 | None:
        """The authentication, if a person connects it by OAuth 2.0."""
        return self.auth if isinstance(self.auth, OAuth2) else None

    @property
    def auth_kind(self) -> str:
        """How calls authenticate, in a word. `connection`: a value of the connection that is no credential as such."""
        if isinstance(self.auth, NoAuth):
            return "connection" if self.connection else "none"
        return type(self.auth).__name__.removesuffix("Auth").lower()

    def source(self, key: str) -> OptionSource | None:
        return next((source for source in self.sources if source.key == key), None)

    def check_connection(self, values: dict[str, Any]) -> dict[str, str]:
        """The faults of a connection's values, by field."""
        return check_values(self.connection, values)

    def _calls(self, calls: tuple[Call, ...]) -> tuple[Call, ...]:
        return tuple(map(self.complete, calls))

    def _complete_preset(self, preset: Preset) -> Preset:
        calls = preset.subscription
        if calls is None:
            return preset
        whole = replace(
            calls,
            subscribe=self.complete(calls.subscribe),
            unsubscribe=self.complete(calls.unsubscribe),
            renew=calls.renew and self.complete(calls.renew),
            existing=calls.existing and self.complete(calls.existing),
            before=self._calls(calls.before),
        )
        return replace(preset, subscription=whole)

    def complete(self, made: Made) -> Made:
        """An action or a call with what all calls of the connector share."""
        return replace(
            made,
            url=self._url(made.url),
            headers=_shared(self.headers | headers_of(self.auth), made.headers),
            query=_shared(self._query, made.query),
            basic=made.basic or self._basic,
            reply=self.reply if made.reply is None else made.reply,
            inquiry=made.inquiry and self._inquiry(made.inquiry),
        )

    def _inquiry(self, inquiry: Inquiry) -> Inquiry:
        return replace(inquiry, url=self._url(inquiry.url), query=_shared(self._query, inquiry.query))

    def _url(self, url: str) -> str:
        return self.base_url + url if url.startswith("/") else url

    @property
    def _query(self) -> dict[str, str]:
        return self.query | (self.auth.parameters if isinstance(self.auth, QueryAuth) else {})

    @property
    def _basic(self) -> tuple[str, str] | None:
        return (self.auth.user, self.auth.password) if isinstance(self.auth, BasicAuth) else None


def _shared(shared: dict[str, str], own: Any) -> Any:
    """The shared entries before the call's own. An input that is all of the headers or the query takes none."""
    return {**shared, **own} if isinstance(own, dict) else own
