"""Defines the sandboxed Jinja environment: the functions that templates may call, and how they are compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from io import StringIO
from types import FunctionType, MethodType
from typing import Any

from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator
from jinja2.nodes import EvalContext
from jinja2.runtime import LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.utils import missing as absent

from relay.errors import TemplateError, TemplateLimit
from relay.templating.filters import GUARDED
from relay.templating.filters.lists import elements
from relay.templating.fuel import Descent, charge, charge_text, charge_value, moment
from relay.templating.kinds import kind
from relay.templating.missing import VALUE, Missing, raise_missing, take, trace, walk
from relay.templating.operators import binary, compare, join, literal, sliced
from relay.templating.predicates import TESTS
from relay.templating.values import context_text, finalize

MAX_RANGE = 100_000


def metered_range(*args: int) -> range:
    """range() for up to 100,000 numbers."""
    numbers = range(*args)
    if numbers and not 0 <= (numbers[-1] - numbers[0]) // numbers.step < MAX_RANGE:
        raise TemplateLimit("work", f"range gives at most {MAX_RANGE} numbers")
    charge(1)
    return numbers


def new_dict(pairs: Any = None, /, **names: Any) -> dict[str, Any]:
    """dict(a=1), or dict() of an object or of pairs."""
    items = list(pairs.items()) if isinstance(pairs, dict) else elements([] if pairs is None else pairs)
    result = {key if isinstance(key, str) else _refuse_key(key): value for key, value in items}
    result.update(names)
    charge(8)
    charge_value(result)
    return result


def _refuse_key(key: Any) -> str:
    raise TemplateError(f"a key of an object has to be text, not {kind(key)}")


def new_namespace(start: Any = None, /, **names: Any) -> Namespace:
    return Namespace(new_dict(start, **names))


def now() -> str:
    """The time as ISO text in UTC, 2026-01-31T08:30:00Z: the same for all templates of a step."""
    return moment().strftime("%Y-%m-%dT%H:%M:%SZ")


GLOBALS: dict[str, Any] = {"range": metered_range, "dict": new_dict, "namespace": new_namespace, "now": now}
_MARKS = dict.fromkeys((0xFDD0, 0xFDD1, 0xFDD2), "\ufffd")
_CALLABLE = frozenset(GLOBALS.values())


def _charge_iterations(value: Any, weight: int) -> Any:
    items = value if isinstance(value, range) else elements(value)
    charge(len(items) * weight)
    return items


def _context_json(value: Any) -> Any:
    """The filter tojson, for a value from the context."""
    text = context_text(value)
    if text is value:
        return GUARDED["tojson"](value)
    charge_text(text)
    return text


def _mark(value: Any, number: int) -> str:
    """A value as text, with the marks of a piece around it (see pieces.py)."""
    return f"\ufdd0{number}\ufdd2{finalize(value).translate(_MARKS)}\ufdd1"


def _concat(parts: Iterable[str]) -> str:
    text = "".join(parts)
    charge_text(text)
    return text


class _Generator(CodeGenerator):
    """Jinja's code generator; outputs go through `finalize` at run time only, constants too.

    `outside`: the first names of the paths that the template reads from its context.
    """

    def __init__(self) -> None:
        self.code = StringIO()
        super().__init__(ENVIRONMENT, None, None, stream=self.code, optimized=False)
        self.outside: set[str] = set()

    def enter_frame(self, frame: Any) -> None:
        super().enter_frame(frame)
        self.outside.update(name for action, name in frame.symbols.loads.values() if action == "resolve" and name)

    def _make_finalize(self) -> CodeGenerator._FinalizeInfo:
        return self._FinalizeInfo(None, "finalize(")

    def write_commons(self) -> None:
        self.writeline("finalize = environment.finalize")
        super().write_commons()

    def _output_child_pre(self, *_: Any) -> None:
        self.write("finalize(")

    def _output_child_post(self, *_: Any) -> None:
        self.write(")")


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%", "**"))
    concat = staticmethod(_concat)

    def call_binop(self, _: Any, operator: str, left: Any, right: Any) -> Any:
        return binary(operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return trace(obj, VALUE, (attribute,))

    def getitem(self, obj: Any, argument: Any) -> Any:
        return take(obj, VALUE, argument)

    def call(self, _: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Calls what templates may call: macros, recursive loops, cycle, changed and the globals."""
        kwargs.pop("_loop_vars", None)
        kwargs.pop("_block_vars", None)
        if isinstance(obj, Missing):
            raise_missing(obj)
        if isinstance(obj, Macro):
            return _call_macro(obj, args, kwargs)
        if isinstance(obj, LoopContext) and len(args) == 1:
            with Descent():
                return obj(_charge_iterations(args[0], 8))
        if isinstance(obj, MethodType) and isinstance(obj.__self__, LoopContext):
            charge_value(args)
            return obj(*args)
        if isinstance(obj, FunctionType) and obj in _CALLABLE:
            return obj(*args, **kwargs)
        raise TemplateError(f"{kind(obj)} can't be called; macros, range, dict, namespace and now can")


def _call_macro(macro: Macro, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    charge(8)
    if macro.catch_varargs:
        charge_value(args)
    if macro.catch_kwargs:
        charge_value(kwargs)
    with Descent():
        return macro(*args, **kwargs)


ENVIRONMENT = _Environment(
    optimized=False,
    autoescape=False,
    undefined=Missing,
    finalize=finalize,
    keep_trailing_newline=True,
    cache_size=0,
)
ENVIRONMENT.globals = {}
ENVIRONMENT.filters = {
    **GUARDED,
    "%charge": charge,
    "%compare": compare,
    "%context": context_text,
    "%context_json": _context_json,
    "%each": _charge_iterations,
    "%join": join,
    "%literal": literal,
    "%mark": _mark,
    "%slice": sliced,
    "%take": take,
    "%trace": trace,
    "%walk": walk,
}
ENVIRONMENT.tests = dict(TESTS)


class _Exports:
    """Receives the names that templates export, which are not used."""

    def add(self, name: str) -> None: ...
    def update(self, names: Iterable[str]) -> None: ...
    def discard(self, name: str) -> None: ...
    def difference_update(self, names: Iterable[str]) -> None: ...


_EXPORTS = _Exports()
_PLAIN = EvalContext(ENVIRONMENT)


class Names:
    """The part of a Jinja context that generated code needs."""

    __slots__ = ("_values", "vars")

    eval_ctx = _PLAIN
    exported_vars = _EXPORTS

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.vars: dict[str, Any] = {}

    def resolve_or_missing(self, name: str) -> Any:
        if name in self.vars:
            return self.vars[name]
        try:
            return self._values[name]
        except KeyError:
            return GLOBALS.get(name, absent)


def build(tree: nodes.Template) -> tuple[Callable[[Any], Iterator[str]], set[str]]:
    """Compiles a rewritten template to a function from Names to parts of text, and returns the first names it reads.

    Does not run the template. Raises errors of Jinja and Python.
    """
    tree.set_environment(ENVIRONMENT)
    generator = _Generator()
    generator.visit(tree)
    code = compile(generator.code.getvalue(), "<template>", "exec")
    return Template.from_code(ENVIRONMENT, code, {}).root_render_func, generator.outside
