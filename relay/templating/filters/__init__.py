"""The filters of templates: an allow-list, as data."""

from dataclasses import replace

from relay.templating.filters import (
    choosing,
    codes,
    contacts,
    lists,
    markup,
    matching,
    money,
    mrkdwn,
    notation,
    numbers,
    ordering,
    picking,
    texts,
    times,
    wording,
)
from relay.templating.filters.definition import GUARDED, Filter, guard

_MODULES = (
    texts,
    wording,
    matching,
    markup,
    mrkdwn,
    numbers,
    money,
    times,
    lists,
    ordering,
    choosing,
    picking,
    notation,
    codes,
    contacts,
)
FILTERS: dict[str, Filter] = {
    name: filter_ if filter_.group else replace(filter_, group=module.GROUP)
    for name, filter_, module in sorted(
        ((name, filter_, module) for module in _MODULES for name, filter_ in module.FILTERS.items()),
        key=lambda found: found[0],
    )
}
GUARDED.update({name: guard(name, filter_) for name, filter_ in FILTERS.items()})

__all__ = ["FILTERS", "GUARDED", "Filter"]
