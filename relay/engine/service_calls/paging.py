"""Finds the next page of a list in an answer, and makes the action that asks for it."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from relay.connectors.definition import Action, Paging
from relay.connectors.input_coercion import as_text
from relay.connectors.response_rules import value_at
from relay.engine.service_calls.service_call import CallAnswer

# The name under which the templates of a page's request see its cursor, number or URL.
PAGE = "page"
MAX_LINK_CHARACTERS = 8_000
_link_of = re.compile(r'<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)').finditer
_is_next = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?![\w-]))', re.IGNORECASE).search


@dataclass(frozen=True, slots=True)
class PageCall:
    """The action that asks for a page. `page`: its cursor, number or URL; None for the first page."""

    action: Action
    page: str | int | None = None

    @property
    def names(self) -> dict[str, Any]:
        return {} if self.page is None else {PAGE: self.page}


def first(action: Action, paging: Paging | None) -> PageCall:
    """The call for the first page of a list."""
    if paging is None or not paging.parameter:
        return PageCall(action)
    is_number = not paging.cursor and not paging.link
    return PageCall(_with_parameter(action, paging), paging.first if is_number else None)


def following(last: PageCall, own: Action, paging: Paging | None, answer: CallAnswer, count: int) -> PageCall | None:
    """The call for the page after one with `count` rows; None after the last page. `own`: the action of the list."""
    if paging is None:
        return None
    if paging.link:
        return _linked(last, own, paging, answer)
    if paging.cursor:
        cursor = value_at(answer.body, paging.cursor)
        is_new = cursor not in (None, "", False) and as_text(cursor) != last.page
        return replace(last, page=as_text(cursor)) if is_new else None
    if not paging.parameter or not count or count < paging.size:
        return None
    return replace(last, page=int(last.page or 0) + 1)


def _linked(last: PageCall, own: Action, paging: Paging, answer: CallAnswer) -> PageCall | None:
    link = (
        _header_link(answer.headers.get("link", "")) if paging.link == "header" else value_at(answer.body, paging.link)
    )
    if not isinstance(link, str) or not link or len(link) > MAX_LINK_CHARACTERS:
        return None
    # A link may be relative; the parameters that it lacks, such as those of the credential, are sent as before.
    url = urljoin(answer.url, link)
    has = {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    lacks = frozenset(own.query) - has if isinstance(own.query, dict) else frozenset()
    return PageCall(_at_link(own, lacks), url) if url != last.page else None


def _header_link(header: str) -> str:
    """The URL with rel="next" of a Link header (RFC 8288); "" without one."""
    return next((match[1] for match in _link_of(header[:MAX_LINK_CHARACTERS]) if _is_next(match[2])), "")


@functools.lru_cache(maxsize=512)
def _with_parameter(action: Action, paging: Paging) -> Action:
    """The action with the page as a parameter of its query, which is left out for the first page of a cursor."""
    query = action.query if isinstance(action.query, dict) else {}
    return replace(action, query={**query, paging.parameter: f"{{{{ {PAGE} }}}}"})


@functools.lru_cache(maxsize=512)
def _at_link(action: Action, lacks: frozenset[str]) -> Action:
    query = {name: value for name, value in action.query.items() if name in lacks} if lacks else {}
    return replace(action, url=f"{{{{ {PAGE} }}}}", query=query)
