"""Checks the number and names of filters' arguments when a template is saved."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import nodes

from relay.errors import TemplateFault
from relay.templating.faults import parse, with_column
from relay.templating.filters import FILTERS


@lru_cache(maxsize=1024)
def check_arguments(source: str) -> None:
    """Raises TemplateFault if a filter doesn't accept the arguments that it is given."""
    if "|" not in source:
        return
    for node in parse(source).find_all(nodes.Filter):
        filter_, keywords = FILTERS[node.name], [str(keyword.key) for keyword in node.kwargs]
        if not filter_.accepts(len(node.args), keywords):
            message = f"'{node.name}' doesn't take these arguments; an example: {filter_.example}"
            raise with_column(TemplateFault(message, line=node.lineno), source)
