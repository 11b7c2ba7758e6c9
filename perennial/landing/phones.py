"""Phone numbers as delivered → E.164, kept as a table that SQL joins.

What lives here: normalise() and refresh(). What does not: deciding whether a number identifies anybody
(models/identity).

The join: phone_numbers.phone = the row's phone exactly as landed, and phone_numbers.country = coalesce(the row's
country, its source's `country` setting, ''). A row's country is the landed `country` of shop_customers and
crm_contacts; every other table has none of its own. Numbers stand in the column `phone`, and in `contact_ref` where
contact_ref_type = 'phone'.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import duckdb
import phonenumbers
import pyarrow as pa
import pyarrow.parquet as pq

from perennial.config.countries import country_code
from perennial.config.files import beside, make_folder, put_in_place, write_atomically
from perennial.config.home import Home
from perennial.config.settings import Settings
from perennial.landing.contract import DIRECT_KINDS, OWN_TABLES, Table, kinds, tables_of
from perennial.landing.empty import arrow_schema
from perennial.landing.load_ids import split_name
from perennial.warehouse.duck import connect, path_list, quote

_BATCH = 20_000
_LONGEST = 60  # characters; nobody's number is longer
_SEEN_FILE = "_seen.json"


def normalise(phone: str, country: str = "") -> str | None:
    """The E.164 form of a number, or none: no number, not valid there, or national and without a country."""
    text = phone.strip()
    if not text or len(text) > _LONGEST:
        return None
    region = _code(country)
    if region is None and text.startswith("00"):
        text = "+" + text[2:]
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@lru_cache(maxsize=4096)
def _code(country: str) -> str | None:
    return country_code(country) if country else None


def refresh(home: Home, settings: Settings) -> int:
    """Add every (phone, country) of files not looked at before that is not known yet; returns how many were added."""
    seen = _read_seen(home)
    files = {path: _country_of(settings, path) for path in _files_with_phones(home)}
    new = {path: country for path, country in files.items() if seen.get(_label(home, path)) != country}
    if not new:
        return 0
    added = _append(home, settings, new)
    _write_seen(home, files)
    return added


def _append(home: Home, settings: Settings, files: dict[Path, str]) -> int:
    """Write the known pairs and the new ones next to the table, and put the whole in its place."""
    path = home.own_table("phone_numbers")
    make_folder(path.parent)
    temporary, fresh = beside(path), beside(path)
    limit = settings.engine.memory_limit
    try:
        with connect(
            None, memory_limit=limit, threads=settings.engine.threads, temp_directory=home.spill
        ) as connection:
            added = _write_new(connection, files, path, fresh)
            if added:
                known = [each for each in (path, fresh) if each.exists()]
                connection.execute(
                    f"copy (select phone, country, e164 from read_parquet({path_list(known)}))"
                    f" to {quote(str(temporary))} (format parquet, codec 'zstd')"
                )
                put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        fresh.unlink(missing_ok=True)
    return added


def _write_new(connection: duckdb.DuckDBPyConnection, files: dict[Path, str], known: Path, target: Path) -> int:
    pairs = " union ".join(_pairs(path, country) for path, country in files.items())
    missing = f"select * from ({pairs})"
    if known.exists():
        missing += f" except select phone, country from read_parquet({path_list([known])})"
    schema = arrow_schema(OWN_TABLES["phone_numbers"])
    result = connection.execute(f"select phone, country from ({missing}) order by all")
    count = 0
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        while batch := result.fetchmany(_BATCH):
            rows = [{"phone": phone, "country": country, "e164": normalise(phone, country)} for phone, country in batch]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            count += len(rows)
    return count


# what tables call a number and the country it is read in; staging may take either of several
_NUMBERS = ("phone", "mobile_phone")
_COUNTRIES = ("country", "country_code")


def _pairs(path: Path, country: str) -> str:
    """The distinct pairs of one landed file."""
    table = tables_of(path.parent.parent.name)[path.parent.name]
    names = table.column_names
    rows = f"from read_parquet({path_list([path])})"
    numbers = [column for column in _NUMBERS if column in names]
    places = [f"coalesce({column}, {quote(country)})" for column in _COUNTRIES if column in names]
    if not places or path.parent.parent.name not in DIRECT_KINDS:
        # a vendor's messages point at somebody by the number alone, where no country stands beside it
        places.append(quote(country))
    if numbers:
        return " union ".join(
            f"select distinct {number} as phone, {place} as country {rows} where {number} is not null"
            for number in numbers
            for place in places
        )
    return (
        f"select distinct contact_ref as phone, {quote(country)} as country {rows}"
        f" where contact_ref_type = 'phone' and contact_ref is not null"
    )


def _has_phones(table: Table) -> bool:
    return "phone" in table.column_names or "contact_ref_type" in table.column_names


def _files_with_phones(home: Home) -> Iterator[Path]:
    for kind in kinds():
        for table in tables_of(kind).values():
            if _has_phones(table):
                found = home.landed_table(kind, table.name).glob("*.parquet")
                yield from sorted(path for path in found if split_name(path.name) is not None)


def _country_of(settings: Settings, path: Path) -> str:
    """The default country of the source that delivered a file; a source that is no longer configured has none."""
    named = split_name(path.name)
    source = settings.sources.get(named[1]) if named else None
    return (source.country or "") if source else ""


def _label(home: Home, path: Path) -> str:
    return str(path.relative_to(home.landing))


def _known_rows(home: Home) -> int:
    path = home.own_table("phone_numbers")
    return int(pq.read_metadata(path).num_rows) if path.exists() else 0


def _write_seen(home: Home, files: dict[Path, str]) -> None:
    content = {"rows": _known_rows(home), "files": {_label(home, path): country for path, country in files.items()}}
    write_atomically(home.own_table("phone_numbers").with_name(_SEEN_FILE), json.dumps(content, indent=0))


def _read_seen(home: Home) -> dict[str, str]:
    """File → the country it was read with. Where this or the table was lost, every file is looked at again."""
    path = home.own_table("phone_numbers").with_name(_SEEN_FILE)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return dict(content["files"]) if content["rows"] == _known_rows(home) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
