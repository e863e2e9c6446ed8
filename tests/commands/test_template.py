"""`relay template render`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from relay.errors import RelayError, TemplateLimit
from tests.commands.conftest import Shell
from tests.support.template_attacks import COMPILED, RENDERED


def lines(*asked: dict[str, Any]) -> str:
    return "\n".join(json.dumps(one) for one in asked)


def test_a_template_is_rendered_with_a_context(shell: Shell, tmp_path: Path) -> None:
    context = tmp_path / "context.json"
    context.write_text('{"name": "Ann", "n": [1, 2]}')

    said = shell("template", "render", "-", "--context", str(context), given="Hello {{ name }}\n")
    typed = shell.json("template", "render", "--context", str(context), given="{{ n }}\n")

    assert said == "Hello Ann\n"
    assert typed == [1, 2]


def test_a_template_that_breaks_a_limit_is_an_error(shell: Shell) -> None:
    with pytest.raises(TemplateLimit, match="limit: number size"):
        shell("template", "render", given="{{ 2 ** (2 ** 40) }}")


def test_many_templates_are_answered_each_for_itself(shell: Shell) -> None:
    given = lines(
        {"id": 1, "template": "{{ a }}", "context": {"a": {"b": 2}}},
        {"id": "two", "template": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"},
        {"id": 3, "template": "{{ a }}"},
        {"id": 4, "template": {"text": "{{ a }}!", "n": 1}, "context": {"a": "{{ 7 * 7 }}"}},
    )

    found = shell.json("template", "render", "--json", "-", given=given)

    assert [one["id"] for one in found] == [1, "two", 3, 4]
    assert found[0]["result"] == {"b": 2}
    assert "limit: work" in found[1]["error"]
    assert "a is missing" in found[2]["error"]
    assert found[3]["result"] == {"text": "{{ 7 * 7 }}!", "n": 1}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_json_cannot_hold_spoils_no_other_answer(shell: Shell, number: str) -> None:
    context = f'{{"id": 1, "template": "{{{{ a }}}}", "context": {{"a": [{number}]}}}}'
    template = f'{{"id": 2, "template": {number}}}'
    name = f'{{"id": {number}, "template": "x"}}'

    said = shell(
        "template", "render", "--json", given="\n".join([context, template, name, lines({"id": 4, "template": "x"})])
    )

    found = json.loads(said, parse_constant=pytest.fail)
    assert [one["id"] for one in found] == [1, 2, None, 4]
    assert ["too large for JSON" in one.get("error", "") for one in found] == [True, True, True, False]


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "1",
        "[" * 100_000,
        "\x00",
        "{}",
        '{"template": "a", "context": 5}',
        '{"template": ' + "9" * 5_000 + "}",
    ],
)
def test_a_line_that_asks_nothing_is_an_error_and_the_next_is_rendered(shell: Shell, line: str) -> None:
    found = shell.json("template", "render", "--json", "-", given=line + '\n\n{"id": 2, "template": "{{ 1 + 1 }}"}\n')

    assert [one.get("result") for one in found] == [None, 2]
    assert found[0]["error"]


def test_what_json_can_and_text_cannot_hold_comes_back(shell: Shell) -> None:
    asked = {"id": 1, "template": "{{ a }}", "context": {"a": "\ud800\x00é"}}

    assert shell.json("template", "render", "--json", given=lines(asked))[0]["result"] == "\ud800\x00é"


def test_no_attack_reaches_the_next_template(shell: Shell) -> None:
    attacks = [*COMPILED.values(), *list(RENDERED.values())[::4]]
    asked = [{"id": place, "template": source} for place, source in enumerate(attacks)]
    honest = {"id": "honest", "template": "{{ a }}", "context": {"a": 1}}

    found = shell.json("template", "render", "--json", given=lines(*asked, honest))

    assert found[-1] == {"id": "honest", "result": 1}
    assert len(found) == len(attacks) + 1


def test_no_such_context(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")

    for file, complaint in (("missing.json", "can't be read"), ("list.json", "is not a JSON object")):
        with pytest.raises(RelayError, match=complaint):
            shell("template", "render", "--context", str(tmp_path / file), given="x")
