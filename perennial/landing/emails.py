"""E-mail addresses that SQL cannot compare by itself → their one form, kept as a table that SQL joins.

What lives here: which landed values the table holds, and refresh(). What does not: the form itself
(perennial/config/identifiers.py), keeping the table (lookups.py).

The join: email_addresses.email = the row's address exactly as landed. Absent are those that need no more than
trimming and lower case, which nearly all are, and whatever has no @ in it.
"""

from __future__ import annotations

from pathlib import Path

import idna

from perennial.config.home import Home
from perennial.config.identifiers import AT_SIGNS, PLAIN, RULES, normalise_email
from perennial.config.settings import Settings
from perennial.landing import lookups
from perennial.landing.contract import Table, tables_of
from perennial.warehouse.duck import path_list, quote

# what tables call an address, and what points at somebody by an address of some kind
_COLUMNS = ("email", "address")
_REFERENCES = (("contact_ref", "contact_ref_type"), ("identifier", "identifier_type"))


def refresh(home: Home, settings: Settings) -> int:
    """Add every such address of files not looked at before that is not known yet; returns how many were added."""
    return lookups.refresh(home, settings, _ADDRESSES)


def _places(table: Table) -> list[tuple[str, str]]:
    """Where a table has addresses: the column, and which of its rows."""
    names = table.column_names
    places = [(column, "true") for column in _COLUMNS if column in names]
    return places + [(column, f"{kind} = 'email'") for column, kind in _REFERENCES if kind in names]


def _unusual(path: Path, _state: str) -> str:
    """The distinct addresses of one landed file that are not plain."""
    table = tables_of(path.parent.parent.name)[path.parent.name]
    has_sign = " or ".join(f"contains(email, {quote(sign)})" for sign in AT_SIGNS)
    found = " union all ".join(
        f"select {column} as email from read_parquet({path_list([path])}) where {rows}"
        for column, rows in _places(table)
    )
    return f"select distinct email from ({found}) where not regexp_matches(email, {quote(PLAIN)}) and ({has_sign})"


_ADDRESSES = lookups.Lookup(
    table="email_addresses",
    key=("email",),
    made_with=f"rules {RULES}, idna {idna.__version__}",
    reads=lambda table: bool(_places(table)),
    read_as=lambda _settings, _path: "",
    keys=_unusual,
    work_out=lambda email: {"normalised": normalise_email(email)},
)
