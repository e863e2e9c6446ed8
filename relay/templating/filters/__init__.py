"""Lists the filters that templates may use."""

from dataclasses import replace

from relay.templating.filters import (
    choosing,
    exchange,
    hashing,
    lists,
    markup,
    matching,
    money,
    mrkdwn,
    numbers,
    ordering,
    phone_email,
    picking,
    serialization,
    slugs,
    texts,
    times,
)
from relay.templating.filters.definition import GUARDED, Filter, guard

_MODULES = (
    texts,
    slugs,
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
    serialization,
    hashing,
    phone_email,
    exchange,
)
FILTERS: dict[str, Filter] = {
    name: filter_ if filter_.group else replace(filter_, group=module.GROUP)
    for name, filter_, module in sorted(
        ((name, filter_, module) for module in _MODULES for name, filter_ in module.FILTERS.items()),
        key=lambda item: item[0],
    )
}
GUARDED.update({name: guard(name, filter_) for name, filter_ in FILTERS.items()})

__all__ = ["FILTERS", "GUARDED", "Filter"]
