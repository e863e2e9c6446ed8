"""The filters of templates: an allow-list, as data."""

from relay.templating.filters import choosing, lists, markup, numbers, ordering, texts
from relay.templating.filters.definition import GUARDED, Filter, guard

_MODULES = (texts, markup, numbers, lists, ordering, choosing)
FILTERS: dict[str, Filter] = dict(sorted(pair for module in _MODULES for pair in module.FILTERS.items()))
GUARDED.update({name: guard(name, filter_) for name, filter_ in FILTERS.items()})

__all__ = ["FILTERS", "GUARDED", "Filter"]
