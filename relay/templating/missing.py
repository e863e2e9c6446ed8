"""Looks up paths in values, and represents names that don't exist."""

from __future__ import annotations

from typing import Any, NoReturn

from jinja2.runtime import LoopContext, Undefined
from jinja2.utils import Namespace
from jinja2.utils import missing as absent

from relay.errors import MissingName
from relay.templating.kinds import Group, kind
from relay.templating.suggestions import near_keys, or_words

KEYS = (str, int, float, bool, type(None))
# The start of a path that begins with no name.
VALUE, ELEMENT = "(value)", "(element)"
# Replaces a computed key in a path.
HIDDEN = object()
LOOP_NAMES = frozenset(
    [
        "index",
        "index0",
        "first",
        "last",
        "length",
        "revindex",
        "revindex0",
        "previtem",
        "nextitem",
        "depth",
        "depth0",
        "cycle",
        "changed",
    ]
)
_HINT_PATHS = {"there is no previous item": "loop.previtem", "there is no next item": "loop.nextitem"}


def raise_missing(self: Missing, *_: Any, **_names: Any) -> NoReturn:
    raise MissingName(self.path[:200], hint=self.hint()[:200])


class Missing(Undefined):
    """A name that doesn't exist. Any use except `default` and `is defined` raises MissingName with its path."""

    __slots__ = ("_base", "_keys", "_reached", "_why", "_within")

    def __init__(
        self,
        hint: str | None = None,
        name: Any = None,
        *,
        base: str = "",
        keys: tuple[Any, ...] = (),
        within: Any = None,
        reached: int = -1,
        why: str = "",
    ) -> None:
        """Jinja passes the first two. Otherwise `keys` start at `base`, and `reached` of them lead to `within`."""
        self._base = base or (str(name) if name is not None else _HINT_PATHS.get(hint or "", VALUE))
        self._keys = keys
        self._within = within
        self._reached = reached
        self._why = why

    @property
    def path(self) -> str:
        return spell(self._base, self._keys)

    def hint(self) -> str:
        """The kind of value that is there instead, or similar names that exist; "" without a hint."""
        if self._why or self._reached < 0:
            return self._why
        reached, key = spell(self._base, self._keys[: self._reached]), self._keys[self._reached]
        if not isinstance(self._within, dict):
            return f"{reached} is {kind(self._within)}"
        if isinstance(why := self._within.get(f"{key}_error"), str):
            return why  # such as an answer's body that was cut: see connectors/response_rules.py
        near = near_keys(key, self._within) if isinstance(key, str) else []
        return f"did you mean {or_words([spell(reached, (name,)) for name in near])}?" if near else ""

    def further(self, keys: tuple[Any, ...]) -> Missing:
        """The same missing name, with a longer path."""
        return Missing(
            base=self._base, keys=self._keys + keys, within=self._within, reached=self._reached, why=self._why
        )

    def __getattr__(self, name: str) -> Any:
        if name[:2] == "__":
            raise AttributeError(name)
        raise_missing(self)

    def __getitem__(self, key: Any) -> Missing:  # type: ignore[override]
        if not isinstance(key, KEYS):
            raise_missing(self)
        return self.further((key,))

    def __repr__(self) -> str:
        return f"<Missing {self.path}>"

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = raise_missing
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = raise_missing
    __pow__ = __rpow__ = __pos__ = __neg__ = __call__ = __int__ = __float__ = __complex__ = raise_missing
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __hash__ = __bool__ = raise_missing
    __str__ = __len__ = __iter__ = __contains__ = __index__ = raise_missing
    _fail_with_undefined_error = raise_missing


def spell(base: str, keys: tuple[Any, ...]) -> str:
    """A path as a person writes it: event.headers['x-id'], event.body.items[0].name."""
    parts = [base]
    for key in keys:
        if isinstance(key, str) and key.isidentifier():
            parts.append(f".{key}")
        else:
            parts.append(f"[{str(key)!r}]" if isinstance(key, str) else f"[{key}]" if isinstance(key, int) else "[...]")
    return "".join(parts)


def walk(value: Any, base: str, keys: tuple[Any, ...]) -> Any:
    """Follows `keys` into dicts and lists. Returns a Missing with the whole path if a key doesn't exist."""
    item = value
    try:
        for key in keys:
            item = item[key]
    except (KeyError, TypeError, IndexError):
        return trace(value, base, keys)
    return item


def trace(value: Any, base: str, keys: tuple[Any, ...]) -> Any:
    """Like `walk`, but also follows the names of `loop`, `namespace()` and groups."""
    for position, key in enumerate(keys):
        if isinstance(value, Missing):
            return value.further(keys[position:])
        item = _step(value, key)
        if item is absent:
            return Missing(base=base, keys=keys, within=value, reached=position)
        value = item
    return value


def take(value: Any, base: str, key: Any) -> Any:
    """Looks up one computed key."""
    if isinstance(key, Missing):
        raise_missing(key)
    if isinstance(value, Missing):
        return value.further((HIDDEN,))
    item = _step(value, key)
    # The key may be a secret, or long, so no message shows it.
    return Missing(base=base, keys=(HIDDEN,), why=_unfit(base, value)) if item is absent else item


def _unfit(base: str, value: Any) -> str:
    return "" if isinstance(value, dict) else f"{base} is {kind(value)}"


def _step(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return _from_dict(value, key)
    if isinstance(value, Group) and key in ("grouper", "list"):
        return value[0] if key == "grouper" else value[1]
    if isinstance(value, (list, tuple, str, range)):
        return _from_sequence(value, key)
    if isinstance(value, LoopContext):
        return getattr(value, key) if key in LOOP_NAMES else absent
    if isinstance(value, Namespace):
        return value._Namespace__attrs.get(key, absent)
    return absent


def _from_dict(value: dict[Any, Any], key: Any) -> Any:
    if not isinstance(key, KEYS):
        return absent
    item = value.get(key, absent)
    return value.get(str(key), absent) if item is absent and isinstance(key, int) else item


def _from_sequence(value: Any, key: Any) -> Any:
    if isinstance(key, bool) or not isinstance(key, int) or not -len(value) <= key < len(value):
        return absent
    return value[key]
