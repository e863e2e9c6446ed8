"""Defines filters that clean phone numbers and e-mail addresses. The only module that uses phonenumbers."""

from __future__ import annotations

import re
from typing import Any

from relay.templating import locales
from relay.templating.filters.definition import Filter, Unfit
from relay.templating.filters.reading import choice, text
from relay.templating.fuel import charge

GROUP = "Contacts and countries"
_FORMATS = {"e164": 0, "international": 1, "national": 2, "link": 3}
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_DOMAIN = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})"
_ADDRESS = re.compile(rf"(?P<local>{_LOCAL})@(?P<domain>{_DOMAIN})")


def load_phones() -> None:
    """Import phonenumbers: 45 ms and 4 MB, once; each country some KB more."""
    import phonenumbers

    phonenumbers.parse("+12025550123")


def phone(value: Any, country: Any = None, format: str = "e164") -> str:  # noqa: A002
    import phonenumbers

    charge(2_000)
    source, form = text(value, "a phone number", most=100), choice(format, "a format", list(_FORMATS))
    region = _region(country)
    try:
        parsed = phonenumbers.parse(source, region)
    except phonenumbers.NumberParseException as error:
        hint = error.error_type == error.INVALID_COUNTRY_CODE and region is None
        raise Unfit("a phone number", value, "; name the country it is from: phone('DE')" if hint else "") from None
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise Unfit("a phone number", value)
    return str(phonenumbers.format_number(parsed, _FORMATS[form]))


def is_phone(value: Any, country: Any = None) -> bool:
    """Whether `phone` accepts the value; an unknown country fails."""
    _region(country)
    try:
        return bool(phone(value, country))
    except Unfit:
        return False


def _region(country: Any) -> str | None:
    import phonenumbers

    if country is None:
        return None
    code = country.strip().upper() if isinstance(country, str) else None
    if code not in phonenumbers.SUPPORTED_REGIONS:
        raise Unfit("a country like DE, US or GB", country)
    return code


def email(value: Any) -> str:
    """The address alone, in lower case, with international domains in their DNS form."""
    source = text(value, "an e-mail address", most=400).strip()
    if source.endswith(">") and "<" in source:
        source = source[source.rindex("<") + 1 : -1]
    source = source.removeprefix("mailto:").removeprefix("MAILTO:").partition("?")[0].strip(" \t.,;\"'").lower()
    local, _, domain = source.rpartition("@")
    match = _ADDRESS.fullmatch(f"{local}@{_ascii_domain(domain)}")
    if match is None or len(match["local"]) > 64 or len(match["domain"]) > 253:
        raise Unfit("an e-mail address", value)
    return match[0]


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return ""


def is_email(value: Any) -> bool:
    try:
        return bool(email(value))
    except Unfit:
        return False


def country(value: Any, locale: str = "en") -> str:
    charge(100)
    code = locales.country(text(value, "a country's code", most=100).strip())
    name = locales.country_name(code, locale) if code else None
    if name is None:
        raise Unfit("a country's code like DE, DEU or 276", value)
    return name


def country_code(value: Any, locale: str = "en") -> str:
    charge(100)
    name = text(value, "a country's name", most=100).strip()
    short = name.replace(".", "")
    known_code = locales.country(short) if len(short) <= 3 else None
    names = [locales.country_codes(language) for language in (locale, "en")]
    code = known_code or next((codes[name.casefold()] for codes in names if name.casefold() in codes), None)
    if code is None:
        raise Unfit("a country's name or code", value)
    return code


def currency_name(value: Any, locale: str = "en") -> str:
    charge(100)
    return locales.currency_name(locales.currency(value), locale)


def currency_symbol(value: Any, locale: str = "en") -> str:
    charge(100)
    return locales.currency_symbol(locales.currency(value), locale)


FILTERS = {
    "country": Filter(
        function=country,
        help="The name of a country, from its code of two or three letters, or three digits.",
        example="{{ 'DE' | country }}",
        result="Germany",
        load=locales.load,
    ),
    "country_code": Filter(
        function=country_code,
        help="The two-letter code of a country, from its name in English or in `locale`, or another code.",
        example="{{ 'Deutschland' | country_code('de') }}",
        result="DE",
        load=locales.load,
    ),
    "currency_name": Filter(
        function=currency_name,
        help="The name of a currency, from its code.",
        example="{{ 'CHF' | currency_name }}",
        result="Swiss Franc",
        load=locales.load,
    ),
    "currency_symbol": Filter(
        function=currency_symbol,
        help="The sign of a currency, from its code.",
        example="{{ 'EUR' | currency_symbol }}",
        result="€",
        load=locales.load,
    ),
    "email": Filter(
        function=email,
        help="A cleaned e-mail address: no name, no mailto:, lower case. Fails if it is none.",
        example="{{ ' Ann Lee <Ann.Lee@Example.COM> ' | email }}",
        result="ann.lee@example.com",
    ),
    "is_email": Filter(
        function=is_email,
        help="Whether a text is an e-mail address.",
        example="{{ 'ann@example' | is_email }}",
        result=False,
    ),
    "is_phone": Filter(
        function=is_phone,
        help="Whether a text can be a phone number; `country` is for numbers without +.",
        example="{{ 'call me' | is_phone('DE') }}",
        result=False,
        load=load_phones,
    ),
    "phone": Filter(
        function=phone,
        help="A cleaned phone number; `country` is for numbers without +; as e164, international, national or link.",
        example="{{ '(030) 901820' | phone('DE') }}",
        result="+4930901820",
        load=load_phones,
    ),
}
