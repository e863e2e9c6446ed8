"""Tests filters of lists, objects, texts, codes and contacts with valid and invalid values."""

from __future__ import annotations

from typing import Any

import pytest

from relay.errors import FilterFault, MissingName
from relay.templating import compile_leaf

CONTEXT: dict[str, Any] = {
    "rows": [{"p": "12.50", "n": 1, "s": "paid", "by": {"c": "DE"}}, {"p": 3, "n": 2}, {"n": 3, "s": "open"}],
    "spaced": " x " * 2_000,
    "markdown": "# Title\n- **one** & <two>\n> said _he_\n```py\na < b\n```",
}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ rows | pluck('n') }}", [1, 2, 3]),
        ("{{ rows | pluck('by.c', '?') }}", ["DE", "?", "?"]),
        ("{{ rows | pluck('p', 0) | sum }}", 15.5),
        ("{{ rows | where('s') | pluck('n') }}", [1, 3]),
        ("{{ rows | where('s', 'open') | pluck('n') }}", [3]),
        ("{{ rows | where('n', 'ge', 2) | pluck('n') }}", [2, 3]),
        ("{{ [{'n': none}, {'n': 3}, {}] | where('n', 'gt', 2) }}", [{"n": 3}]),
        ("{{ [{'n': none}, {'n': 3}] | where('n', 'ne', 3) }}", [{"n": None}]),
        ("{{ rows | where('by.c', 'in', ['DE']) | pluck('n') }}", [1]),
        ("{{ rows | sort('n', reverse=true) | pluck('n') }}", [3, 2, 1]),
        ("{{ rows | max('n') | pick('n') }}", {"n": 3}),
        ("{{ rows | min(attribute='n') | pick('n') }}", {"n": 1}),
        ("{{ ['a', 'A'] | max(true) }}", "a"),
        ("{{ [{'k': 1, 'n': 1}, {'k': 1, 'n': 2}] | unique('k') | pluck('n') }}", [1]),
        ("{{ rows | group('s', 'none') | keys }}", ["paid", "none", "open"]),
        ("{{ rows | pick('n', 's') | last }}", {"n": 3, "s": "open"}),
        ("{{ rows | omit(['n', 'p', 'by']) | first }}", {"s": "paid"}),
        ("{{ [3, 1] | first(5) }}", [3, 1]),
        ("{{ 'abc' | first(2) }}", "ab"),
        ("{{ 'abc' | last(2) }}", "bc"),
        ("{{ [1, 2] | last(0) }}", []),
        ("{{ 'abc' | skip(1) }}", "bc"),
        ("{{ {'a': none, 'b': ' ', 'c': 0} | compact }}", {"c": 0}),
        ("{{ 1 | lookup({'1': 'x'}) }}", "x"),
        ("{{ 'q' | lookup({}, none) }}", None),
        ("{{ {'a': 1} | merge({'b': 2}) | values }}", [1, 2]),
        ("{{ 'Ärger & Öl ß' | slug }}", "arger-ol-ss"),
        ("{{ 'Hello World' | slug('_') }}", "hello_world"),
        ("{{ 'Привет мир' | slug }}", "привет-мир"),
        ("{{ '--' | slug }}", ""),
        ("{{ 'Ω é' | ascii }}", "? e"),
        ("{{ 'abc' | after('x') }}", ""),
        ("{{ 'a1 b22' | regex_find('[a-z]([0-9]+)') }}", "1"),
        ("{{ 'a1 b22' | regex_find('b([0-9])([0-9])', 0) }}", "b22"),
        ("{{ 'abc' | regex_find('x') | default('none') }}", "none"),
        ("{{ 'é1 b22' | regex_find_all('([^ ]+?)([0-9]+)', 2) }}", ["1", "22"]),
        ("{{ 'a  b' | regex_replace(' +', ' ') }}", "a b"),
        ("{{ 'aaa' | regex_replace('a', 'b', 2) }}", "bba"),
        ("{{ 'Lee, Ann' | regex_replace('(?P<last>.+), (.+)', '\\\\2 \\\\g<last>') }}", "Ann Lee"),
        ("{{ 'abc' | regex_replace('', '-') }}", "-a-b-c-"),
        ("{{ spaced | regex_replace('x', '') | length }}", 4000),
        ("{{ 'SKU-1' | regex_matches('^[0-9]') }}", False),
        ("{{ '<b>a</b> b' | strip_tags }}", "a b"),
        ("{{ '<p>a</p><p>b<br/>c</p>d<i>e</i>' | strip_tags }}", "a b c de"),
        ("{{ '<style>p {}</style>a<SCRIPT>1 < 2</SCRIPT><!-- x -->b' | strip_tags }}", "a b"),
        ("{{ 'a<script>1' | strip_tags }}", "a 1"),
        ("{{ markdown | markdown_to_slack }}", "*Title*\n• *one* &amp; &lt;two&gt;\n> said _he_\n```\na &lt; b\n```"),
        ("{{ '***a*** __b__ ~~c~~ `**d**` \\\\*e\\\\*' | markdown_to_slack }}", "*_a_* *b* ~c~ `**d**` *e*"),
        ("{{ 'snake_case 2*3*4 **open' | markdown_to_slack }}", "snake_case 2*3*4 **open"),
        (
            "{{ '[a **b**](http://x.y?a=1&b=2) ![i](http://i) <https://z>' | markdown_to_slack }}",
            "<http://x.y?a=1&amp;b=2|a b> <http://i|i> <https://z>",
        ),
        ("{{ {'a': 1} | to_json }}", '{"a": 1}'),
        ("{{ 'a=1&a=2&b' | parse_query }}", {"a": ["1", "2"], "b": ""}),
        ("{{ 'a b' | url_encode | url_decode }}", "a b"),
        ("{{ 'hi' | hmac('k', encoding='base64') }}", "Iz+OmhPyePGXWKAV2C9R5uJ5ZvHvwp0s/7XRpFrp3Ew="),
        ("{{ 'é' | base64_encode | base64_decode }}", "é"),
        ("{{ 'a??>' | base64_encode(url=true) }}", "YT8_Pg"),
        ("{{ 'YT8_Pg' | base64_decode }}", "a??>"),
        ("{{ 'example.com' | uuid5('dns') }}", "cfbff0d1-9375-5685-968c-48ce8b15ae17"),
        ("{{ '+1 (202) 555-0123' | phone }}", "+12025550123"),
        ("{{ '020 7946 0018' | phone('gb', 'international') }}", "+44 20 7946 0018"),
        ("{{ '020 7946 0018' | phone('GB', 'link') }}", "tel:+44-20-7946-0018"),
        ("{{ 'mailto:Ann.Lee@Example.COM?subject=x' | email }}", "ann.lee@example.com"),
        ("{{ 'ann@bücher.de.' | email }}", "ann@xn--bcher-kva.de"),
        ("{{ 'ann+x@example.co.uk' | is_email }}", True),
        ("{{ 'DEU' | country('fr') }}", "Allemagne"),
        ("{{ '276' | country }}", "Germany"),
        ("{{ 'Germany' | country_code('fr') }}", "DE"),
        ("{{ 'usa' | country_code }}", "US"),
        ("{{ 'U.K.' | country_code }}", "GB"),
        ("{{ 'Czech Republic' | country_code }}", "CZ"),
        ("{{ 'Turkey' | country_code('tr') }}", "TR"),
        ("{{ 'Korea, Republic of' | country_code }}", "KR"),
        ("{{ 'usd' | currency_name('de') }}", "US-Dollar"),
    ],
)  # fmt: skip
def test_filters(source: str, value: Any) -> None:
    assert compile_leaf(source).render(CONTEXT) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ 'ES' | lookup({'DE': 1}) }}", "the table of `lookup` has no entry for the text 'ES'; a default"),
        ("{{ 'deu' | lookup({'DEU': 1}) }}", "(did you mean DEU?)"),
        ("{{ 'ES' | lookup('DE') }}", "`lookup` needs a table like {'a': 1}, but got the text 'DE'"),
        ("{{ 'a' | regex_replace('a', '\\\\2') }}", "`regex_replace` needs groups that the pattern has, but got"),
        ("{{ 'a' | regex_find('(?=a)') }}", "not a regular expression of RE2"),
        ("{{ 5 | pick('a') }}", "`pick` needs an object, or a list of objects, but got the number 5"),
        ("{{ none | slug }}", "`slug` needs a text, but got null; | default('', true)"),
        ("{{ '{\"a\":' | parse_json }}", "`parse_json` needs JSON text"),
        ("{{ '[NaN]' | parse_json }}", "`parse_json` needs JSON text"),
        ("{{ 'hi' | hmac('k', 'sha3') }}", "`hmac` needs an algorithm (sha256, sha1, sha512 or md5)"),
        ("{{ '/w==' | base64_decode }}", "`base64_decode` needs base64 of a text"),
        ("{{ 'a' | uuid5('b') }}", "`uuid5` needs a namespace (dns, url, oid, x500 or a UUID)"),
        ("{{ '020 7946 0018' | phone }}", "name the country it is from: phone('DE')"),
        ("{{ '12' | phone('DE') }}", "`phone` needs a phone number, but got the text '12'"),
        ("{{ '020' | phone('XX') }}", "`phone` needs a country like DE, US or GB"),
        ("{{ 'a..b@example.com' | email }}", "`email` needs an e-mail address"),
        ("{{ 'Atlantis' | country_code }}", "`country_code` needs a country's name or code"),
        ("{{ 'ZZ' | country }}", "`country` needs a country's code"),
        ("{{ 'https://x:99999/' | url_parts }}", "`url_parts` needs an address like"),
        ("{{ ('a' * 40001) | markdown_to_slack }}", "`markdown_to_slack` needs a text of up to 40000 characters"),
    ],
)
def test_what_can_not_be_used_is_said(source: str, message: str) -> None:
    with pytest.raises(FilterFault) as caught:
        compile_leaf(source).render(CONTEXT)

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        "{{ rows | sum('p') }}",
        "{{ rows | pluck('s') }}",
        "{{ rows | group('s') }}",
        "{{ zz | money('EUR') }}",
        "{{ 'a' | regex_find('b') }}",
    ],
)
def test_a_missing_name_stays_missing(source: str) -> None:
    with pytest.raises(MissingName):
        compile_leaf(source).render(CONTEXT)
