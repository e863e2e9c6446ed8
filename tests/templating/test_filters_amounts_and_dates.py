"""Tests filters of numbers, money, dates and time zones with valid and invalid values."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from babel import localedata

from relay.errors import FilterFault
from relay.templating import compile_leaf

CONTEXT: dict[str, Any] = {"big": 10**5_000, "infinite": float("inf")}
NOW = 1_706_697_000  # 2024-01-31T10:30:00Z, a Wednesday


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ 5 | money('eur', 'de') }}", "5,00\xa0€"),
        ("{{ '12.50' | money('USD') }}", "$12.50"),
        ("{{ 2.675 | money('USD') }}", "$2.68"),
        ("{{ 1.005 | money('USD') }}", "$1.01"),
        ("{{ 1234.5 | money('JPY') }}", "¥1,235"),
        ("{{ 12.5 | money('USD', digits=0) }}", "$13"),
        ("{{ -1 | money('USD', 'pt-BR') }}", "-US$\xa01,00"),
        ("{{ 1234567 | thousands }}", "1,234,567"),
        ("{{ 1234567.891 | thousands }}", "1,234,567.891"),
        ("{{ '1234567.5' | thousands(locale='de') }}", "1.234.567,5"),
        ("{{ 0.125 | percent }}", "13%"),
        ("{{ 0.125 | percent(1, 'de') }}", "12,5\xa0%"),
        ("{{ 1999 | cents_to_units('JPY') }}", 1999),
        ("{{ '1999' | cents_to_units('KWD') }}", 1.999),
        ("{{ 2000 | cents_to_units }}", 20),
        ("{{ 1.005 | units_to_cents }}", 101),
        ("{{ '€ 1,234.50' | parse_number }}", 1234.5),
        ("{{ '1 234,5' | parse_number('fr') }}", 1234.5),
        ("{{ '-3' | parse_number }}", -3),
        ("{{ '−3,5' | parse_number('de') }}", -3.5),
        ("{{ '1.234,50- €' | parse_number('de') }}", -1234.5),
        ("{{ '(5.00)' | parse_number }}", -5),
        ("{{ '.5' | parse_number }}", 0.5),
        ('{{ "CHF 1\'234.50" | parse_number }}', 1234.5),
        ("{{ '7.25' | round(1) }}", 7.3),
        ("{{ 1.005 | round(2) }}", 1.01),
        ("{{ -2.5 | round }}", -3.0),
        ("{{ 1250 | round(-2) }}", 1300.0),
        ("{{ 5e-324 | round(323) }}", 1e-323),
        ("{{ 1e300 | round(400) }}", 1e300),
        ("{{ -0.001 | money('USD') }}", "$0.00"),
        ("{{ -0.001 | percent }}", "0%"),
        ("{{ '2.1' | ceil }}", 3),
        ("{{ -2.1 | floor }}", -3),
        ("{{ [0.1, 0.2, '1.5'] | sum }}", 1.8),
        ("{{ [1, 2] | average }}", 1.5),
    ],
)
def test_numbers_and_money(source: str, value: Any) -> None:
    assert compile_leaf(source).render(CONTEXT) == value


@pytest.mark.parametrize(
    ("value", "iso"),
    [
        ("'2024-01-31'", "2024-01-31"),
        ("'20240131'", "2024-01-31"),
        ("'2024-01-31 10:30'", "2024-01-31T10:30:00Z"),
        ("'2024-01-31T10:30:00.123+02:00'", "2024-01-31T10:30:00.123+02:00"),
        ("'20240131103000'", "2024-01-31T10:30:00Z"),
        ("'Wed Jan 31 2024 10:30:00 GMT+0100 (Central European Standard Time)'", "2024-01-31T10:30:00+01:00"),
        ("'31 Jan 2024 10:30 UTC-5'", "2024-01-31T10:30:00-05:00"),
        ("'2024-01-31 10:30:00 GMT'", "2024-01-31T10:30:00Z"),
        ("'31.01.2024'", "2024-01-31"),
        ("'01.02.2024 10:00'", "2024-02-01T10:00:00Z"),
        ("'1/2/2024'", "2024-01-02"),
        ("'31 Jan'", "2024-01-31"),
        ("'March 2025'", "2025-03-01"),
        ("'10:30 pm'", "2024-01-31T22:30:00Z"),
        ("'Wed, 31 Jan 2024 10:30:00 +0200'", "2024-01-31T10:30:00+02:00"),
        ("'Wed, 31 Jan 2024 10:30:00 GMT'", "2024-01-31T10:30:00Z"),
        ("'Jan 31, 2024 10:30 PST'", "2024-01-31T10:30:00-08:00"),
        ("1706697000", "2024-01-31T10:30:00Z"),
        ("1706697000.5", "2024-01-31T10:30:00.500Z"),
        ("'1706697000123'", "2024-01-31T10:30:00.123Z"),
        ("'tomorrow'", "2024-02-01"),
        ("'Now'", "2024-01-31T10:30:00Z"),
        ("now()", "2024-01-31T10:30:00Z"),
    ],
)
def test_any_sensible_date_is_read(value: str, iso: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert compile_leaf(f"{{{{ {value} | date_parse }}}}").render({}) == iso


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ '1/2/2024' | date_parse(day_first=true) }}", "2024-02-01"),
        ("{{ '2024-01-31 10:30' | date_parse(zone='Europe/Paris') }}", "2024-01-31T10:30:00+01:00"),
        ("{{ '31. März 2024' | date_parse(locale='de') }}", "2024-03-31"),
        ("{{ '12 mars 2024 à 10h30' | date_parse(locale='fr') }}", "2024-03-12T10:30:00Z"),
        ("{{ '2024-01-31' | date_format }}", "Jan 31, 2024"),
        ("{{ '2024-01-31T10:00Z' | date_format('short', 'de', 'America/New_York') }}", "31.01.24, 05:00"),
        ("{{ '2024-01-31T10:00Z' | date_format('long date', 'fr') }}", "31 janvier 2024"),
        ("{{ '2024-01-31' | date_format('%A %-d. %B %Y', 'de') }}", "Mittwoch 31. Januar 2024"),
        ("{{ '2024-01-31T10:30Z' | date_format(\"%H:%M o'clock 100%%\") }}", "10:30 o'clock 100%"),
        ("{{ '2024-01-31' | date_add(days=1, hours=2) }}", "2024-02-01T02:00:00Z"),
        ("{{ '2024-02-29' | date_add(-1, 'years') }}", "2023-02-28"),
        ("{{ '2024-01-31' | date_add(1, 'month') }}", "2024-02-29"),
        ("{{ '2024-01-31' | date_add(2, 'hour') }}", "2024-01-31T02:00:00Z"),
        ("{{ '2024-01-31' | date_diff('2024-02-01', 'day') }}", 1),
        ("{{ '2024-05-31' | date_start('quarter') }}", "2024-04-01"),
        ("{{ '2024-12-31T10:30Z' | date_start('quarters') }}", "2024-10-01T00:00:00Z"),
        ("{{ '2024-02-02' | date_add(1, 'workdays') }}", "2024-02-05"),
        ("{{ '2024-02-05' | date_add(-1, 'workdays') }}", "2024-02-02"),
        ("{{ '2024-03-30T23:30' | date_zone('Europe/Paris') | date_add(1, 'hours') }}", "2024-03-31T01:30:00+01:00"),
        ("{{ '2024-01-01' | date_diff('2024-03-15', 'months') }}", 2),
        ("{{ '2024-01-15' | date_diff('2024-01-01', 'workdays') }}", -10),
        ("{{ '2024-01-01T00:00Z' | date_diff('2024-01-01T01:30Z', 'hours') }}", 1.5),
        ("{{ now() | date_diff('2023-01-31T10:30Z', 'years') }}", -1),
        ("{{ '2024-02-03T10:30Z' | date_age }}", "in 3 days"),
        ("{{ '2024-01-31T10:25Z' | date_age(locale='de') }}", "vor 5 Minuten"),
        ("{{ '2024-01-31' | date_zone('Europe/Paris') }}", "2024-01-31T00:00:00+01:00"),
        ("{{ '2024-01-31T10:30Z' | date_start('week') }}", "2024-01-29T00:00:00Z"),
        ("{{ '2024-01-31T23:30Z' | date_start('day', 'Europe/Paris') }}", "2024-02-01T00:00:00+01:00"),
        ("{{ '2024-01-31T10:30Z' | date_unix('milliseconds') }}", 1706697000000),
        ("{{ '2024-01-31' | is_date }}", True),
    ],
)
def test_dates(source: str, value: Any) -> None:
    with time_machine.travel(NOW, tick=False):
        assert compile_leaf(source).render({}) == value


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ 'abc' | money('EUR') }}", "`money` needs a number, but got the text 'abc'"),
        ("{{ none | money('EUR') }}", "`money` needs a number, but got null; | default(0, true) takes 0"),
        ("{{ [1] | money('EUR') }}", "`money` needs a number, but got a list"),
        ("{{ 5 | money('XXQ') }}", "`money` needs a currency like EUR, USD or JPY, but got the text 'XXQ'"),
        ("{{ 5 | money('EUR', 'xx_YY') }}", "`money` needs a locale like en, de or pt_BR, but got the text 'xx_YY'"),
        ("{{ 5 | money('EUR', '../de') }}", "`money` needs a locale like"),
        ("{{ 5 | money('EUR', digits=100) }}", "`money` needs digits as a whole number from 0 to 6, but got"),
        ("{{ 1e300 | money('EUR') }}", "`money` needs a number below 10^15"),
        ("{{ big | thousands }}", "`thousands` needs a number below 10^15, but got a number of very many digits"),
        ("{{ infinite | percent }}", "`percent` needs a number, but got the number inf"),
        ("{{ 'nan' | round }}", "`round` needs a number, but got the text 'nan'"),
        ("{{ '1e999999999' | money('EUR') }}", "`money` needs a number"),
        ("{{ '1e3' | parse_number }}", "`parse_number` needs a number as it is written in en"),
        ("{{ '5 of 7' | parse_number }}", "`parse_number` needs a number as it is written in en"),
        ("{{ 'abc' | parse_number('fr') }}", "`parse_number` needs a number as it is written in fr"),
        ("{{ [] | average }}", "an empty list has no average"),
        ("{{ 'hello' | date_parse }}", "`date_parse` needs a date, but got the text 'hello'"),
        ("{{ '12' | date_parse }}", "`date_parse` needs a date, but got the text '12'"),
        ("{{ '' | date_parse }}", "`date_parse` needs a date, but got the text ''; | default(now(), true)"),
        ("{{ '2024-02-30' | date_parse }}", "`date_parse` needs a date"),
        ("{{ '99999-01-01' | date_parse }}", "`date_parse` needs a date"),
        ("{{ 5e14 | date_parse }}", "`date_parse` needs a date of the years 1 to 9999"),
        ("{{ infinite | date_parse }}", "`date_parse` needs a date as seconds since 1970"),
        ("{{ '31 Jan 2024 10:30 XYZ' | date_parse }}", "a time zone like +02:00, UTC or CET, but got the text 'XYZ'"),
        ("{{ now() | date_zone('Europe/Pariss') }}", "`date_zone` needs a time zone like Europe/Paris, but got"),
        ("{{ now() | date_zone('../../etc/passwd') }}", "`date_zone` needs a time zone like Europe/Paris or UTC"),
        ("{{ now() | date_format('%Q') }}", "`date_format` needs a format like 'short'"),
        ("{{ now() | date_format('qqqqqqqqqq') }}", "`date_format` needs a format like 'short'"),
        ("{{ now() | date_add(5, 'fortnights') }}", "`date_add` needs a unit (seconds, minutes"),
        ("{{ now() | date_add(10 ** 9, 'weeks') }}", "the date would be outside of the years 1 to 9999"),
        ("{{ now() | date_add(10 ** 6, 'workdays') }}", "`date_add` needs workdays as a whole number from -2000"),
        ("{{ '9999-12-31' | date_add(1) }}", "the date would be outside of the years 1 to 9999"),
    ],
)  # fmt: skip
def test_what_can_not_be_an_amount_or_date_is_said(source: str, message: str) -> None:
    with pytest.raises(FilterFault) as caught:
        compile_leaf(source).render(CONTEXT)

    assert message in str(caught.value)
    assert str(caught.value).startswith("line 1: ")


def test_few_locales_stay_in_memory() -> None:
    leaf = compile_leaf("{{ 1 | money('EUR', name) }}")

    for name in "de fr it es pt_BR nl pl sv da fi ja zh ar he tr cs el".split() * 2:
        assert leaf.render({"name": name})

    assert len(localedata._cache) < 24
