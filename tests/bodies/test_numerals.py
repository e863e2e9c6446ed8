"""Numbers keep the digits that their sender wrote, and calculate as floats."""

from __future__ import annotations

import ast
import copy
import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relay import conditions, templating
from relay.bodies import numerals, payloads
from relay.bodies.numerals import Numeral
from relay.errors import PayloadError, TemplateLimit
from tests.support.examples import examples


def _holds(text: str) -> bool:
    """Whether JSON can hold the number: not 1e400."""
    return abs(float(text)) < float("inf")


literals = (
    st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,3})?", fullmatch=True)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.builds("{}.{}".format, st.integers(-(10**11), 10**11), st.from_regex(r"[0-9]{1,12}", fullmatch=True))
).filter(_holds)


def _wanted(text: str) -> str:
    """The text as it arrives: -0 is the whole number 0."""
    return str(int(text)) if re.fullmatch("-?[0-9]+", text) else text


@given(literals, st.sampled_from(["%s", "[%s]", '{"a":%s}', '[1.5,%s,"1.50"]', "[[%s],2]", '{"b":[true,%s]}']))
@examples(500)
def test_every_number_is_encoded_as_it_was_decoded(text: str, body: str) -> None:
    assert numerals.encode(numerals.decode(body % text)) == (body % _wanted(text)).encode()
    assert numerals.encode(numerals.decode(f" {body % text}\r\n")) == (body % _wanted(text)).encode()


@given(literals)
@examples(200)
def test_a_number_passes_through_the_templates_of_a_body(text: str) -> None:
    context = {"body": payloads.parse(b'{"n": %s, "in": [{"n": %s}]}' % (text.encode(), text.encode()), "")}
    tree = templating.compile_tree(
        {
            "path": "{{ body.n }}",
            "whole": "{{ body }}",
            "expression": "{{ [body.n, {'a': body['in'][0].n}] }}",
            "default": "{{ body.n | default(1) }}",
            "first": "{{ body['in'] | map(attribute='n') | first }}",
            "json": "{{ {'n': body.n} | tojson }}",
        }
    )

    sent = numerals.encode(tree.render(context)).decode()

    n = _wanted(text)
    assert sent == (
        f'{{"path":{n},"whole":{{"n":{n},"in":[{{"n":{n}}}]}},"expression":[{n},{{"a":{n}}}],"default":{n},"first":{n},'
        f'"json":"{{\\"n\\": {n}}}"}}'
    )


@given(literals)
@examples(200)
def test_it_is_the_same_value_as_before(text: str) -> None:
    value = numerals.decode(text)

    assert value == msgspec.json.decode(text)
    assert hash(value) == hash(msgspec.json.decode(text))
    assert numerals.canonical({"b": value, "a": 1}) == numerals.canonical({"a": 1, "b": msgspec.json.decode(text)})
    assert numerals.loads(numerals.dumps([value])) == [value]


SENT = b'{"p": 19.90, "q": 2.50, "long": 1234567890123456.78, "tiny": 0.1000000000000000055511, "e": 1E5, "z": -0.0}'


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ p }}!", "19.90!"),
        ("{{ long }} {{ tiny }} {{ e }} {{ z }}", "1234567890123456.78 0.1000000000000000055511 1E5 -0.0"),
        ("{{ p ~ ' EUR' }}", "19.90 EUR"),
        ("{{ p | string }}", "19.90"),
        ("{{ [p, q] | join(', ') }}", "19.90, 2.50"),
        ("{{ '%s' | format(p) }}", "19.90"),
        ("{% set x = p %}{% for one in [x, q] %}{{ one }};{% endfor %}", "19.90;2.50;"),
        ("{{ {'a': [p]} | tojson }}", '{"a": [19.90]}'),
        ("{{ {'a': p} | tojson(2) }}!", '{\n  "a": 19.90\n}!'),
        ("{{ '[1.10, 2]' | parse_json }}", "[1.10, 2]"),
        ("{{ {'a': p} | query_string }}", "a=19.90"),
        ("{{ [q, p] | max }}-{{ [q, p] | sort | first }}", "19.90-2.50"),
    ],
)
def test_what_nobody_computed_with_is_put_out_as_it_came(source: str, text: str) -> None:
    found = templating.compile_leaf(source).render(numerals.decode(SENT))

    assert (found if isinstance(found, str) else numerals.dumps(found)) == text


@pytest.mark.parametrize(
    "source",
    [
        "p * 2",
        "p + 0.5",
        "-p",
        "p // 1",
        "p ** 2",
        "2 - p",
        "p % 3",
        "p | round(1)",
        "p | round",
        "long | round(1)",
        "p | int",
        "p | float",
        "p | abs",
        "p | ceil",
        "p | money('EUR')",
        "(long / 1000) | thousands(3)",
        "p | thousands",
        "p | percent",
        "p | units_to_cents",
        "'%.1f' | format(p)",
        "[p, q] | sum",
        "[p, q] | average",
        "p > 19.8",
        "p == 19.9",
        "p in [19.9]",
        "19.9 in [p]",
        "p is number",
        "p is float",
        "p is divisibleby(3)",
        "{p: 1}",
        "{p: 1} == {19.9: 1}",
        "[p, 19.9, q, 2.5] | unique | length",
        "[{'n': p}, {'n': 19.9}] | unique | length",
        "[{'n': p}, {'n': 19.9}] | groupby('n') | length",
        "[{'n': p}, {'n': 19.9}] | group('n') | length",
        "p | lookup({'19.9': 'found'})",
        "[p, 20, q] | sort | map('float') | list",
        "[e, z, tiny] | map('float') | list",
    ],
)
def test_calculations_give_the_same_as_with_ordinary_floats(source: str) -> None:
    leaf = templating.compile_leaf(f"{{{{ {source} }}}}")

    ours, plain = leaf.render(numerals.decode(SENT)), leaf.render(msgspec.json.decode(SENT))

    assert (ours, repr(ours), msgspec.json.encode(ours)) == (plain, repr(plain), msgspec.json.encode(plain))


@pytest.mark.parametrize(
    ("op", "right", "holds"),
    [
        ("equals", 19.9, True),
        ("equals", "19.9", True),
        ("equals", "19.90", True),
        ("equals", 19.91, False),
        ("greater_than", 19.8, True),
        ("less_than", "{{ q }}", False),
        ("in", [1, 19.9], True),
        ("in", "1, 19.9", True),
        ("exists", None, True),
        ("is_empty", None, False),
        ("is_true", None, True),
        ("contains", "9.90", True),
    ],
)
def test_conditions_compare_the_number(op: str, right: Any, holds: bool) -> None:
    rule = {"left": "{{ p }}", "op": op, **({} if right is None else {"right": right})}

    assert conditions.compile_condition(rule).holds(numerals.decode(SENT)) is holds


def test_a_numeral_is_kept_by_copies() -> None:
    value = numerals.decode(SENT)

    for other in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert numerals.encode(other) == numerals.encode(value)
    assert type(numerals.plain(value)["p"]) is float


def test_ordinary_numbers_are_ordinary_floats() -> None:
    found = numerals.decode('[1.5, 0.0, -19.95, 1717171717.123, 0.001, 52.520008, "2026-01-01T10:00:00.000Z", "1.50"]')

    assert {type(one) for one in found} == {float, str}


def test_numbers_that_are_as_long_as_a_text_are_not_kept() -> None:
    most, more = (f"0.{'1' * count}" for count in (numerals.MAX_CHARACTERS - 2, numerals.MAX_CHARACTERS - 1))

    kept, cut = numerals.decode(f"[{most},{more}]")

    assert (str(kept), type(cut)) == (most, float)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1.50e400", "1" * 400 + ".5"])
def test_numbers_past_all_floats_are_refused_as_before(number: str) -> None:
    with pytest.raises(PayloadError, match="a number in it is too large"):
        payloads.parse(f'{{"a": {number}}}'.encode(), "application/json")


@pytest.mark.parametrize("options", [{}, {"indent": 2}, {"ensure_ascii": False}, {"separators": (",", ":")}])
def test_dumps_is_that_of_json(options: dict[str, Any]) -> None:
    value = {"é": ["\ud800", 10**30, 0.5, True, None], '"': {"a": []}}

    assert numerals.dumps(value, **options) == json.dumps(value, **options)
    assert numerals.dumps([numerals.read("1.50"), value], **options) == json.dumps([1.5, value], **options).replace(
        "1.5", "1.50"
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1e22)
@example(1e-7)
@example(0.00001)
def test_dumps_writes_numbers_as_encode_does(number: float) -> None:
    assert numerals.dumps([number]) == numerals.encode([number]).decode()


def test_texts_that_look_like_numbers_stay_texts() -> None:
    assert numerals.dumps([numerals.read("1.50"), "1.50", '"1.50"']) == '[1.50, "1.50", "\\"1.50\\""]'


def test_what_is_no_json_is_refused_as_before() -> None:
    with pytest.raises(TypeError, match="Encoding objects of type object is unsupported"):
        numerals.encode({"a": object()})


def test_a_numeral_counts_as_long_as_it_is() -> None:
    value = [numerals.read(f"0.{'1' * 4_000}")] * 1_100
    leaf = templating.compile_leaf("{{ [x, 1] }}")

    with pytest.raises(TemplateLimit, match="values would be larger"):
        leaf.render({"x": value})


RELAY = Path(numerals.__file__).parents[1]
# These read and write JSON that senders' numbers are not in: documents, headers, forms, secrets, texts of records, what
# is only compared or only checked.
WITHOUT_NUMERALS = {
    "vault.py",
    "masking.py",
    "connectors/handwritten.py",
    "connectors/syntax_checks.py",
    "engine/alerts/alerts.py",
    "engine/settle/step_state.py",
    "engine/intake/event_data.py",
    "engine/walk/action_request.py",
    "engine/settle/failure_cause.py",
    "engine/preview/document_check.py",
    "engine/dry_run/dry_walk.py",
    "engine/upkeep/body_retention.py",
    "engine/intake/event_json.py",
    "engine/runs/run_excerpts.py",
    "engine/dry_run/dry_run_context.py",
    "engine/intake/request_verification.py",
    "engine/walk/answer_masking.py",
    "engine/configuration/flow_lifecycle.py",
    "engine/configuration/recipes.py",
    "engine/intake/sample_events.py",
    "engine/configuration/schedules.py",
    "engine/configuration/samples.py",
    "engine/walk/size_limits.py",
    "engine/intake/internal_events.py",
    "engine/preview/render_task.py",
    "ingest/inbound_request.py",
    "models/fields.py",
    "models/json_layout.py",
    "supervision/reexec.py",
    "templating/values.py",
    "queues/shared_counters.py",
    "management/lookups.py",
    "management/commands/outbound.py",
    "management/commands/recipes.py",
    "management/commands/secret.py",
    "management/commands/template.py",
    "web/workspace/audit_log.py",
    "web/editor/trigger_form.py",
    "web/editor/draft_edits.py",
    "web/editor/steps/step_text.py",
    "web/editor/simple_forms.py",
    "web/flows/recipe_pages.py",
    "web/runs/resend.py",
    "web/editor/draft_saving.py",
    "web/editor/form_fields.py",
    "web/editor/form_parser.py",
    "web/ui/payload_tree.py",
    "engine/files/event_files.py",
    "outbound/mail.py",
    "connectors/curl/bodies.py",
    "connectors/oauth_requests.py",
    "engine/walk/inbox_posting.py",
}
WITHOUT_NUMERALS |= {f"flows/{name}.py" for name in ("diff", "document", "loading", "checks/requests")}


def _json_calls(path: Path) -> Iterator[str]:
    """What a file calls of `json` and of `msgspec.json`, but for decoding that names a type."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = ast.unparse(node.func)
            is_typed = any(one.arg == "type" for one in node.keywords)
            if re.fullmatch(r"json\.(loads?|dumps?)|msgspec\.json\.(encode|decode|Encoder|Decoder)", name):
                yield from () if is_typed else (name,)


def test_senders_numbers_are_read_and_written_in_one_place() -> None:
    found = {
        str(path.relative_to(RELAY))
        for path in RELAY.rglob("*.py")
        if any(_json_calls(path)) and path.relative_to(RELAY).parts[0] not in ("migrations", "signatures", "recipes")
    }

    assert found - {"bodies/numerals.py"} == WITHOUT_NUMERALS


def test_a_numeral_tells_itself() -> None:
    assert isinstance(numerals.read("19.90"), Numeral)
    assert f"{numerals.read('19.90')}" == "19.90"
