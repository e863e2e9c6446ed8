"""Lets an action say in words why it can't be carried out, before its request is made."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from relay.connectors.definition import Action
from relay.errors import ActionRefused, TemplateError
from relay.templating import Budget, Leaf, compile_leaf

# The reason repeats inputs, which a sender may have written.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@functools.cache
def _reason(action: Action) -> Leaf:
    return compile_leaf(action.refuse)


def check(action: Action, inputs: Mapping[str, Any], names: Mapping[str, Any]) -> None:
    """Raises ActionRefused if the `refuse` of an action gives a reason, for converted inputs.

    `names`: more names that the template sees, such as `calls`. It sees no connection, so the reason has none of its
    secrets; those in inputs are in the reason as they are in `inputs`. A template that fails is a reason too.
    """
    if not action.refuse:
        return
    try:
        with Budget.beside():
            reason = _CONTROL.sub(" ", str(_reason(action).render({**names, "inputs": inputs}))).strip()
    except TemplateError as error:
        raise ActionRefused(str(error)) from error
    if reason:
        raise ActionRefused(reason)
