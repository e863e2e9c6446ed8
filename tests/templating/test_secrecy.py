"""Tests how templates use secret names: inserted, where a mask can replace them, or transformed."""

import pytest

from relay.errors import TemplateFault
from relay.templating import use_of

SECRET = frozenset({"k", "other"})


@pytest.mark.parametrize(
    "source",
    [
        "",
        "vars.k",
        "{{ event.body.id }}",
        "{{ vars.plain }}",
        "{{ vars.plain | upper }}",
        "{{ 'vars.k' }}",
        "{# vars.k #}",
        "{{ event.vars.k }}",
        "{{ constants.k[vars.plain] }}",
    ],
)
def test_what_uses_none(source: str) -> None:
    assert use_of(source, "vars", SECRET) == "none"


@pytest.mark.parametrize(
    "source",
    [
        "{{ vars.k }}",
        "{{ vars['k'] }}",
        "Bearer {{ vars.k }}!",
        "{{ vars.k }}{{ vars.other }} {{ event.body.id | upper }}",
        "{{ 'Bearer ' ~ vars.k ~ event.body.id }}",
        "{{ {'a': [vars.k]} }}",
        "{{ {vars.k: event.body} | tojson }}",
        "{{ vars.k | to_json }}",
        "{% if event.body.a %}{{ vars.k }}{% elif event.body.b %}{{ vars.other }}{% else %}-{% endif %}",
        "{% for one in event.body.list %}{{ one }}={{ vars.k }}{% endfor %}",
        "{{ vars.k if event.body.a else 'none' }}",
    ],
)
def test_what_puts_them_somewhere(source: str) -> None:
    assert use_of(source, "vars", SECRET) == "placed"


@pytest.mark.parametrize(
    "source",
    [
        "{{ vars.k | upper }}",
        "{{ vars.k }} {{ vars.k | upper }}",
        "{{ vars.k[:3] }}",
        "{{ vars.k[0] }}",
        "{{ vars.k.name }}",
        "{{ vars.k + 'x' }}",
        "{{ vars.k == 'guess' }}",
        "{{ 'a' if vars.k else 'b' }}",
        "{{ vars.k is defined }}",
        "{{ vars.k | default('x') }}",
        "{{ vars.k | tojson | upper }}",
        "{{ {'a': vars.k}.a }}",
        "{{ [vars.k][0] }}",
        "{{ {'a': vars.k} | length }}",
        "{{ event.body[vars.k] }}",
        "{{ vars[event.body.name] }}",
        "{{ vars['k' ~ ''] }}",
        "{{ vars }}",
        "{{ vars | tojson }}",
        "{% set v = vars %}{{ v.k }}",
        "{% set a = vars.k %}{{ a }}",
        "{% set x %}{{ vars.k }}{% endset %}{{ x[0] }}",
        "{% with a = vars.k %}{{ a }}{% endwith %}",
        "{% filter upper %}{{ vars.k }}{% endfilter %}",
        "{% macro m() %}{{ vars.k }}{% endmacro %}{{ m()[0] }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(vars.k) }}",
        "{% macro m() %}{{ caller() | upper }}{% endmacro %}{% call m() %}{{ vars.k }}{% endcall %}",
        "{% if vars.k == 'a' %}1{% endif %}",
        "{% if event.body.a %}1{% elif vars.k %}2{% endif %}",
        "{% for letter in vars.k %}{{ letter }}{% endfor %}",
        "{% for one in event.body.list if one == vars.k %}{{ one }}{% endfor %}",
        "{% for one in event.body.list %}{{ loop.changed(vars.k) }}{% endfor %}",
        "{{ [vars.k] | tojson(indent=vars.k) }}",
        "{{ [1] | tojson(vars.k) }}",
        "{% filter tojson %}{{ vars.k }}{% endfilter %}",
    ],
)
def test_what_works_on_them(source: str) -> None:
    assert use_of(source, "vars", SECRET) == "worked"


def test_what_is_no_template_is_refused() -> None:
    with pytest.raises(TemplateFault):
        use_of("{{ vars.k | }}", "vars", SECRET)
