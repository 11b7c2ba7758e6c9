"""Phone numbers as delivered → E.164, kept as a table that SQL joins.

What lives here: normalise() and refresh(). What does not: deciding whether a number identifies anybody
(models/identity), keeping the table (lookups.py).

The join: phone_numbers.phone = the row's phone exactly as landed, and phone_numbers.country = coalesce(the row's
country, its source's `country` setting, ''). A row's country is the landed `country` of shop_customers and
crm_contacts; every other table has none of its own. Numbers stand in the column `phone`, and in `contact_ref` where
contact_ref_type = 'phone'.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

import phonenumbers

from perennial.config.countries import country_code
from perennial.config.home import Home
from perennial.config.identifiers import visible
from perennial.config.settings import Settings
from perennial.landing import lookups
from perennial.landing.contract import DIRECT_KINDS, Table, tables_of
from perennial.landing.load_ids import split_name
from perennial.warehouse.duck import path_list, quote

_RULES = 2  # raised with every change of what normalise() and has_extension() return
_LONGEST = 60  # characters; nobody's number is longer


def normalise(phone: str, country: str = "") -> str | None:
    """The E.164 form of a number, or none: no number, not valid there, or national and without a country."""
    number = _parsed(phone, country)
    return None if number is None else phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def has_extension(phone: str, country: str = "") -> bool:
    """Whether a number leads to a switchboard: everybody behind it has the same E.164 number.

    The number stays what it is, so that somebody can be called; models/identity has it identify nobody, since it
    would make one person of a whole office. Who is known by number and extension is known by their e-mail too.
    """
    number = _parsed(phone, country)
    return number is not None and bool(number.extension)


@lru_cache(maxsize=4)
def _parsed(phone: str, country: str) -> phonenumbers.PhoneNumber | None:
    if len(phone) > _LONGEST:
        return None
    text = "".join(_plain_digit(character) for character in visible(phone))
    region = _code(country)
    number = _valid(text, region) if text else None
    if number is None and text.startswith("00"):
        # 00 is what most of the world dials before a country; where it is not, a number of that country comes first
        number = _valid("+" + text[2:], None)
    return number


def _valid(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _plain_digit(character: str) -> str:
    """Arabic, Indian and full-width digits are digits."""
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


@lru_cache(maxsize=4096)
def _code(country: str) -> str | None:
    return country_code(country) if country else None


def refresh(home: Home, settings: Settings) -> int:
    """Add every (phone, country) of files not looked at before that is not known yet; returns how many were added."""
    return lookups.refresh(home, settings, _NUMBERS)


def _row(phone: str, country: str) -> dict[str, str | bool | None]:
    return {"e164": normalise(phone, country), "has_extension": has_extension(phone, country)}


# what tables call a number and the country it is read in; staging may take either of several
_COLUMNS = ("phone", "mobile_phone")
_COUNTRIES = ("country", "country_code")
# what points at somebody by an address of some kind, and the column that says which kind
_REFERENCES = (("contact_ref", "contact_ref_type"), ("identifier", "identifier_type"))


def _pairs(path: Path, country: str) -> str:
    """The distinct pairs of one landed file."""
    table = tables_of(path.parent.parent.name)[path.parent.name]
    names = table.column_names
    rows = f"from read_parquet({path_list([path])})"
    numbers = [column for column in _COLUMNS if column in names]
    places = [f"coalesce({column}, {quote(country)})" for column in _COUNTRIES if column in names]
    if not places or path.parent.parent.name not in DIRECT_KINDS:
        # a vendor's messages point at somebody by the number alone, where no country stands beside it
        places.append(quote(country))
    selects = [
        f"select distinct {number} as phone, {place} as country {rows} where {number} is not null"
        for number in numbers
        for place in places
    ]
    selects += [
        f"select distinct {reference} as phone, {quote(country)} as country {rows}"
        f" where {kind} = 'phone' and {reference} is not null"
        for reference, kind in _REFERENCES
        if kind in names
    ]
    return " union ".join(selects)


def _has_phones(table: Table) -> bool:
    return bool({*_COLUMNS, *(kind for _, kind in _REFERENCES)} & set(table.column_names))


def _country_of(settings: Settings, path: Path) -> str:
    """The default country of the source that delivered a file; a source that is no longer configured has none."""
    named = split_name(path.name)
    source = settings.sources.get(named[1]) if named else None
    return (source.country or "") if source else ""


_NUMBERS = lookups.Lookup(
    table="phone_numbers",
    key=("phone", "country"),
    made_with=f"rules {_RULES}, phonenumbers {phonenumbers.__version__}",
    reads=_has_phones,
    read_as=_country_of,
    keys=_pairs,
    work_out=_row,
)
