"""How languages and countries write things: the only door to Babel, which is imported at the first use."""

from __future__ import annotations

import re
from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from relay.templating.filters.definition import Unfit
from relay.templating.fuel import charge

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from decimal import Decimal

    from babel import Locale
    from babel.numbers import NumberPattern

# Each takes about 1 MB and 5 ms, and a payload may name any.
_KEPT = 8
# Regions of CLDR that are no countries.
_GROUPINGS = frozenset(("EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"))
_NAME = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{4})?([-_]([A-Za-z]{2}|\d{3}))?")

_MINUS = "-\u2212"
_APOSTROPHES = "'\u2019"
# Countries as shops, forms and the lists of ISO and the UN call them.
_ALSO = {
    "bolivia, plurinational state of": "BO", "brunei darussalam": "BN", "burma": "MM", "cape verde": "CV",
    "czech republic": "CZ", "cote d'ivoire": "CI", "côte d'ivoire": "CI", "ivory coast": "CI",
    "democratic republic of the congo": "CD", "england": "GB", "great britain": "GB", "northern ireland": "GB",
    "scotland": "GB", "wales": "GB", "holland": "NL", "the netherlands": "NL", "hong kong": "HK", "macau": "MO",
    "macao": "MO", "iran, islamic republic of": "IR", "korea, republic of": "KR", "republic of korea": "KR",
    "macedonia": "MK", "moldova, republic of": "MD", "people's republic of china": "CN", "republic of ireland": "IE",
    "russian federation": "RU", "slovak republic": "SK", "swaziland": "SZ", "syrian arab republic": "SY",
    "taiwan, province of china": "TW", "tanzania, united republic of": "TZ", "turkey": "TR",
    "united states of america": "US", "vatican": "VA", "venezuela, bolivarian republic of": "VE", "viet nam": "VN",
}  # fmt: skip


def load() -> None:
    """Import what the functions here need: 40 ms and 5 MB, once."""
    import babel.dates
    import babel.numbers  # noqa: F401

    locale("en")


@lru_cache(maxsize=_KEPT)
def _locale(name: str) -> Locale | None:
    from babel import Locale, UnknownLocaleError, localedata

    charge(25_000)
    if len(localedata._cache) > 2 * _KEPT:
        localedata._cache.clear()
    try:
        found = Locale.parse(name)
        found.territories  # noqa: B018 - reads its data in
    except (UnknownLocaleError, ValueError, LookupError):
        return None
    return found


def locale(name: Any) -> Locale:
    """The language (`de`) or language and country (`pt_BR`, `pt-BR`) of that name."""
    found = _locale(name.replace("-", "_")) if isinstance(name, str) and _NAME.fullmatch(name) else None
    if found is None:
        raise Unfit("a locale like en, de or pt_BR", name)
    return found


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    from babel.numbers import list_currencies

    return frozenset(list_currencies())


def currency(code: Any) -> str:
    """The code of a currency in large letters."""
    found = code.strip().upper() if isinstance(code, str) and len(code) < 10 else ""
    if found not in _currencies():
        raise Unfit("a currency like EUR, USD or JPY", code)
    return found


def digits_of(code: str) -> int:
    """How many digits the currency has behind its point: 2 for EUR, 0 for JPY."""
    from babel.numbers import get_currency_precision

    return get_currency_precision(code)


def currency_name(code: str, language: Any) -> str:
    from babel.numbers import get_currency_name

    return get_currency_name(code, locale=locale(language))


def currency_symbol(code: str, language: Any) -> str:
    from babel.numbers import get_currency_symbol

    return get_currency_symbol(code, locale=locale(language))


def as_money(amount: Decimal, code: str, digits: int, language: Any) -> str:
    found = locale(language)
    return _applied(found.currency_formats["standard"], amount, found, (digits, digits), code)


def as_percent(amount: Decimal, digits: int, language: Any) -> str:
    found = locale(language)
    return _applied(found.percent_formats[None], amount, found, (digits, digits))


def as_decimal(amount: Decimal, digits: tuple[int, int], language: Any) -> str:
    """With so many digits behind the point, at least and at most."""
    found = locale(language)
    return _applied(found.decimal_formats[None], amount, found, digits)


def _applied(
    pattern: NumberPattern, amount: Decimal, found: Locale, digits: tuple[int, int], code: str | None = None
) -> str:
    mine = copy(pattern)
    mine.frac_prec = digits
    text: str = mine.apply(amount, found, currency=code, currency_digits=False)
    return text


def read_decimal(text: str, language: Any) -> Decimal | None:
    """The number a text is in that language (`1.234,50` in German); None where it is none."""
    from babel.numbers import NumberFormatError, get_decimal_symbol, get_group_symbol, parse_decimal

    found = locale(language)
    group, point = get_group_symbol(found), get_decimal_symbol(found)
    before, core, behind = _around(text, point)
    digits = "".join(sign for sign in core if not (sign.isspace() or sign in _APOSTROPHES) or sign == group)
    if digits.count(point) > 1 or group in digits.partition(point)[2] or not 0 < len(digits) < 30:
        return None
    if any(not sign.isdecimal() and sign not in (group, point) for sign in digits):
        return None
    try:
        amount = parse_decimal(digits, locale=found)
    except NumberFormatError:
        return None
    return -amount if _is_negative(before, behind) else amount


def _around(text: str, point: str) -> tuple[str, str, str]:
    """What stands before the first digit (or a point right before it), from there to the last digit, and behind it."""
    places = [place for place, sign in enumerate(text) if sign.isdecimal()]
    if not places:
        return text, "", ""
    start, end = places[0], places[-1] + 1
    start -= text[:start].endswith(point)
    return text[:start], text[start:end], text[end:]


def _is_negative(before: str, behind: str) -> bool:
    """-5, 5-, and (5) as bookkeepers write it."""
    minus = any(sign in before for sign in _MINUS) or behind.strip()[:1] in (*_MINUS,)
    return minus or ("(" in before and ")" in behind)


def as_date(moment: datetime, pattern: str, language: Any) -> str:
    """A moment by a pattern of CLDR (`d MMMM yyyy`). Raises ValueError, LookupError for a wrong one."""
    from babel.dates import format_datetime

    return format_datetime(moment, pattern, locale=locale(language), tzinfo=moment.tzinfo)


def date_pattern(style: str, part: str, language: Any) -> str:
    """The pattern of a style (short, medium, long, full) for the date, the time, or both."""
    found = locale(language)
    day, clock = str(found.date_formats[style]), str(found.time_formats[style])
    both = str(found.datetime_formats[style]).replace("{0}", clock).replace("{1}", day)
    return {"date": day, "time": clock}.get(part, both)


def as_age(length: timedelta, language: Any) -> str:
    from babel.dates import format_timedelta

    return format_timedelta(length, add_direction=True, locale=locale(language))


def month_names(language: Any) -> dict[str, int]:
    """Names of months, whole and short, in small letters without points."""
    months = locale(language).months["format"]
    return {
        name.lower().rstrip("."): number for width in ("wide", "abbreviated") for number, name in months[width].items()
    }


def country_name(code: str, language: Any) -> str | None:
    name: str | None = locale(language).territories.get(code)
    return name


def country(code: str) -> str | None:
    """The two letters of a country's code of two letters, three letters or three digits; None for others."""
    from babel.core import get_global

    upper = code.upper()
    found = get_global("territory_aliases").get(upper, [upper])
    return found[0] if len(found) == 1 and _is_country(found[0]) else None


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isalpha() and code not in _GROUPINGS and code in locale("en").territories


@lru_cache(maxsize=_KEPT)
def country_codes(language: str) -> dict[str, str]:
    """Codes by names in small letters, in that language; in English by names of former days and of other lists, too."""
    charge(5_000)
    own = {name.casefold(): code for code, name in locale(language).territories.items() if _is_country(code)}
    return {**_ALSO, **own} if language == "en" else own
