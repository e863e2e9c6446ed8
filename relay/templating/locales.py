"""Writes and reads numbers, dates and names by language. The only module that uses Babel, imported at first use."""

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

# Each locale takes about 1 MB and 5 ms, and a payload may name any.
_MAX_LOCALES = 8
# Regions of CLDR that are not countries.
_GROUPINGS = frozenset(("EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"))
_NAME = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{4})?([-_]([A-Za-z]{2}|\d{3}))?")

_MINUS = "-\u2212"
_APOSTROPHES = "'\u2019"
# Further names of countries, in shops, forms and the lists of ISO and the UN.
_FURTHER_COUNTRY_NAMES = {
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
    """Imports Babel, which takes 40 ms and 5 MB, once."""
    import babel.dates
    import babel.numbers  # noqa: F401

    locale("en")


@lru_cache(maxsize=_MAX_LOCALES)
def _locale(name: str) -> Locale | None:
    from babel import Locale, UnknownLocaleError, localedata

    charge(25_000)
    if len(localedata._cache) > 2 * _MAX_LOCALES:
        localedata._cache.clear()
    try:
        locale_ = Locale.parse(name)
        locale_.territories  # noqa: B018 - loads its data
    except (UnknownLocaleError, ValueError, LookupError):
        return None
    return locale_


def locale(name: Any) -> Locale:
    """The locale of a language (`de`), or of a language and country (`pt_BR`, `pt-BR`)."""
    locale_ = _locale(name.replace("-", "_")) if isinstance(name, str) and _NAME.fullmatch(name) else None
    if locale_ is None:
        raise Unfit("a locale like en, de or pt_BR", name)
    return locale_


@lru_cache(maxsize=1)
def _currencies() -> frozenset[str]:
    from babel.numbers import list_currencies

    return frozenset(list_currencies())


def currency(code: Any) -> str:
    """The code of a currency in upper case."""
    upper = code.strip().upper() if isinstance(code, str) and len(code) < 10 else ""
    if upper not in _currencies():
        raise Unfit("a currency like EUR, USD or JPY", code)
    return upper


def digits_of(code: str) -> int:
    """The number of decimal digits of a currency: 2 for EUR, 0 for JPY."""
    from babel.numbers import get_currency_precision

    return get_currency_precision(code)


def currency_name(code: str, language: Any) -> str:
    from babel.numbers import get_currency_name

    return get_currency_name(code, locale=locale(language))


def currency_symbol(code: str, language: Any) -> str:
    from babel.numbers import get_currency_symbol

    return get_currency_symbol(code, locale=locale(language))


def as_money(amount: Decimal, code: str, digits: int, language: Any) -> str:
    locale_ = locale(language)
    return _applied(locale_.currency_formats["standard"], amount, locale_, (digits, digits), code)


def as_percent(amount: Decimal, digits: int, language: Any) -> str:
    locale_ = locale(language)
    return _applied(locale_.percent_formats[None], amount, locale_, (digits, digits))


def as_decimal(amount: Decimal, digits: tuple[int, int], language: Any) -> str:
    """A number with a minimum and maximum of decimal digits."""
    locale_ = locale(language)
    return _applied(locale_.decimal_formats[None], amount, locale_, digits)


def _applied(
    pattern: NumberPattern, amount: Decimal, locale_: Locale, digits: tuple[int, int], code: str | None = None
) -> str:
    own_pattern = copy(pattern)
    own_pattern.frac_prec = digits
    text: str = own_pattern.apply(amount, locale_, currency=code, currency_digits=False)
    return text


def read_decimal(text: str, language: Any) -> Decimal | None:
    """The number that a text is in a language (`1.234,50` in German), or None."""
    from babel.numbers import NumberFormatError, get_decimal_symbol, get_group_symbol, parse_decimal

    locale_ = locale(language)
    group, point = get_group_symbol(locale_), get_decimal_symbol(locale_)
    before, core, behind = _around(text, point)
    digits = "".join(sign for sign in core if not (sign.isspace() or sign in _APOSTROPHES) or sign == group)
    if digits.count(point) > 1 or group in digits.partition(point)[2] or not 0 < len(digits) < 30:
        return None
    if any(not sign.isdecimal() and sign not in (group, point) for sign in digits):
        return None
    try:
        amount = parse_decimal(digits, locale=locale_)
    except NumberFormatError:
        return None
    return -amount if _is_negative(before, behind) else amount


def _around(text: str, point: str) -> tuple[str, str, str]:
    """Splits text before its first digit (or a point right before it), and after its last digit."""
    indexes = [index for index, sign in enumerate(text) if sign.isdecimal()]
    if not indexes:
        return text, "", ""
    start, end = indexes[0], indexes[-1] + 1
    start -= text[:start].endswith(point)
    return text[:start], text[start:end], text[end:]


def _is_negative(before: str, behind: str) -> bool:
    """Whether a number is negative: -5, 5-, or (5) as in accounting."""
    minus = any(sign in before for sign in _MINUS) or behind.strip()[:1] in (*_MINUS,)
    return minus or ("(" in before and ")" in behind)


def as_date(moment: datetime, pattern: str, language: Any) -> str:
    """Writes a moment by a pattern of CLDR (`d MMMM yyyy`). Raises ValueError or LookupError for a bad pattern."""
    from babel.dates import format_datetime

    return format_datetime(moment, pattern, locale=locale(language), tzinfo=moment.tzinfo)


def date_pattern(style: str, part: str, language: Any) -> str:
    """The pattern of a style (short, medium, long, full) for the date, the time, or both."""
    locale_ = locale(language)
    day, clock = str(locale_.date_formats[style]), str(locale_.time_formats[style])
    both = str(locale_.datetime_formats[style]).replace("{0}", clock).replace("{1}", day)
    return {"date": day, "time": clock}.get(part, both)


def as_age(length: timedelta, language: Any) -> str:
    from babel.dates import format_timedelta

    return format_timedelta(length, add_direction=True, locale=locale(language))


def month_names(language: Any) -> dict[str, int]:
    """The long and short names of months, in lower case without points."""
    months = locale(language).months["format"]
    return {
        name.lower().rstrip("."): number for width in ("wide", "abbreviated") for number, name in months[width].items()
    }


def country_name(code: str, language: Any) -> str | None:
    name: str | None = locale(language).territories.get(code)
    return name


def country(code: str) -> str | None:
    """The two-letter code of a country, from a code of two letters, three letters or three digits, or None."""
    from babel.core import get_global

    upper = code.upper()
    aliases = get_global("territory_aliases").get(upper, [upper])
    return aliases[0] if len(aliases) == 1 and _is_country(aliases[0]) else None


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isalpha() and code not in _GROUPINGS and code in locale("en").territories


@lru_cache(maxsize=_MAX_LOCALES)
def country_codes(language: str) -> dict[str, str]:
    """Codes by names in lower case, in a language; in English also by former and alternative names."""
    charge(5_000)
    own = {name.casefold(): code for code, name in locale(language).territories.items() if _is_country(code)}
    return {**_FURTHER_COUNTRY_NAMES, **own} if language == "en" else own
