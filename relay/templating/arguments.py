"""Arguments of filters, checked when a template is saved: how many there are, and their names."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import nodes

from relay.errors import TemplateFault
from relay.templating.faults import locate, parse
from relay.templating.filters import FILTERS


@lru_cache(maxsize=1024)
def check_arguments(source: str) -> None:
    """Raises TemplateFault where a filter can't take what stands in its brackets."""
    if "|" not in source:
        return
    for node in parse(source).find_all(nodes.Filter):
        named, names = FILTERS[node.name], [str(one.key) for one in node.kwargs]
        if not named.takes_these(len(node.args), names):
            message = f"'{node.name}' doesn't take these arguments; an example: {named.example}"
            raise locate(TemplateFault(message, line=node.lineno), source)
