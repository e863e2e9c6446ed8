"""Finds out how a template uses secret names, as far as its source shows."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Literal

from jinja2 import nodes

from relay.templating.faults import parse
from relay.templating.leaves import has_template
from relay.templating.shapes import static_keys

Use = Literal["none", "placed", "worked"]

# Nodes that insert a value unchanged. Any other node may transform it.
_PLACES = (nodes.Template, nodes.Output, nodes.Concat, nodes.Dict, nodes.Pair, nodes.List)
_PLACING_FILTERS = frozenset({"to_json", "tojson"})


@lru_cache(maxsize=2048)
def use_of(source: str, root: str, names: frozenset[str]) -> Use:
    """How a template uses the names under a root, such as `key` in `vars.key`.

    `placed`: it only inserts them, so that a mask can replace them. `worked`: it may transform them. Raises
    TemplateFault, TemplateLimit.
    """
    if root not in source or not has_template(source):
        return "none"
    tree = parse(source)
    if not _uses(tree, root, names):
        return "none"
    return "placed" if _places(tree, root, names) else "worked"


def _uses(node: nodes.Node, root: str, names: Collection[str]) -> bool:
    base, keys = static_keys(node) if isinstance(node, nodes.Expr) else (node, ())
    if isinstance(base, nodes.Name):
        # Without a constant name, it may be any of them.
        return base.name == root and (not keys or keys[0] in names)
    return any(_uses(child, root, names) for child in base.iter_child_nodes())


def _places(node: nodes.Node, root: str, names: Collection[str]) -> bool:
    """Whether a node only inserts the names, or doesn't use them."""
    if not _uses(node, root, names):
        return True
    if isinstance(node, nodes.Getattr | nodes.Getitem):
        base, keys = static_keys(node)
        return isinstance(base, nodes.Name) and len(keys) == 1
    if isinstance(node, nodes.If | nodes.CondExpr):
        transforming, inserting = [node.test], node.iter_child_nodes(exclude=("test",))
    elif isinstance(node, nodes.For):
        transforming = [node.iter, node.target, *([node.test] if node.test else [])]
        inserting = node.iter_child_nodes(exclude=("iter", "target", "test"))
    elif isinstance(node, nodes.Filter) and node.name in _PLACING_FILTERS:
        transforming, inserting = [*node.args, *node.kwargs], node.iter_child_nodes(exclude=("args", "kwargs"))
    elif isinstance(node, _PLACES):
        transforming, inserting = [], node.iter_child_nodes()
    else:
        return False
    return not any(_uses(child, root, names) for child in transforming) and all(
        _places(child, root, names) for child in inserting
    )
