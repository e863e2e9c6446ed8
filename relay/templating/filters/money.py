"""Defines filters that write and read amounts."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from relay.templating import locales
from relay.templating.filters.definition import Filter, Unfit
from relay.templating.filters.reading import number, plain, text, whole
from relay.templating.fuel import charge

GROUP = "Numbers and money"
# Units of work for writing a number.
_COST = 300


def _rounded(amount: Decimal, digits: int) -> Decimal:
    # Adding 0 removes the sign of a zero.
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) + 0


def money(value: Any, currency: str, locale: str = "en", digits: Any = None) -> str:
    charge(_COST)
    amount, code = number(value), locales.currency(currency)
    places = locales.digits_of(code) if digits is None else whole(digits, "digits", most=6)
    return locales.as_money(_rounded(amount, places), code, places, locale)


def thousands(value: Any, digits: Any = None, locale: str = "en") -> str:
    charge(_COST)
    amount = number(value)
    if digits is None:
        return locales.as_decimal(_rounded(amount, 6), (0, 6), locale)
    places = whole(digits, "digits", most=6)
    return locales.as_decimal(_rounded(amount, places), (places, places), locale)


def percent(value: Any, digits: Any = 0, locale: str = "en") -> str:
    charge(_COST)
    places = whole(digits, "digits", most=6)
    return locales.as_percent(_rounded(number(value), places + 2), places, locale)


def cents_to_units(value: Any, currency: str = "EUR") -> int | float:
    charge(50)
    return plain(number(value).scaleb(-locales.digits_of(locales.currency(currency))))


def units_to_cents(value: Any, currency: str = "EUR") -> int:
    charge(50)
    return int(_rounded(number(value).scaleb(locales.digits_of(locales.currency(currency))), 0))


def parse_number(value: Any, locale: str = "en") -> int | float:
    charge(_COST)
    if not isinstance(value, str):
        return plain(number(value))
    amount_ = locales.read_decimal(text(value, "a number", most=100), locale)
    if amount_ is None:
        raise Unfit(f"a number as it is written in {locale}", value)
    return plain(number(amount_))


FILTERS = {
    "cents_to_units": Filter(
        function=cents_to_units,
        help="Converts the smallest unit of a currency (cents), in which payment services count, into the currency.",
        example="{{ 1999 | cents_to_units }}",
        result=19.99,
        load=locales.load,
    ),
    "money": Filter(
        function=money,
        help="Writes an amount with its currency, rounded to the currency's digits.",
        example="{{ 1234.5 | money('EUR') }}",
        result="€1,234.50",
        load=locales.load,
    ),
    "parse_number": Filter(
        function=parse_number,
        help="Reads a number as people write it in a language, with or without a currency.",
        example="{{ '1.234,50 EUR' | parse_number('de') }}",
        result=1234.5,
        load=locales.load,
    ),
    "percent": Filter(
        function=percent,
        help="A share as a percentage: 0.25 is 25%.",
        example="{{ 0.256 | percent(1) }}",
        result="25.6%",
        load=locales.load,
    ),
    "thousands": Filter(
        function=thousands,
        help="A number with thousands separators; `digits` fixes the digits after the point.",
        example="{{ 1234567.5 | thousands(2) }}",
        result="1,234,567.50",
        load=locales.load,
    ),
    "units_to_cents": Filter(
        function=units_to_cents,
        help="Converts an amount into the smallest unit of its currency, as payment services expect it.",
        example="{{ '19.99' | units_to_cents('EUR') }}",
        result=1999,
        load=locales.load,
    ),
}
