"""Addresses of databases and web services: which may stand in perennial.yml, and naming one without its secret.

What lives here: finding a password in an address, what a web address is, and the words for a database in messages.
What does not: opening anything, and looking up the variable that holds an address.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

NO_WEB_ADDRESS = "is not a web address; write one that begins with https://, its port, if any, from 1 to 65535"
# What follows the last @ is repeated only where it is plainly host:port/database, and only if no @ comes after a ?.
_DATABASE = re.compile(
    r"(?P<dialect>[a-z0-9]+)(?:\+\w+)?://(?:[^?]*@)?"
    r"(?P<place>(?:[\w.-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[\w./ -]*)?)(?:\?[^@]*)?"
)
_DIALECT = re.compile(r"([a-z0-9]+)(?:\+\w+)?://")
_USER_PASSWORD = re.compile(r"://[^:/]*:[^@]*@")  # as SQLAlchemy reads it: a password may hold / and ?
_OPTION_PASSWORD = re.compile(r"(?:pass|passwd|password|pwd|secret|token)=", re.IGNORECASE)


def database_place(address: str, where: str) -> str:
    """A database in a message: `where` its URL stands (a variable or key), its dialect, host and database."""
    found = _DATABASE.fullmatch(address)
    if found is not None and found["place"]:
        place = found["place"].replace("//", "/")  # sqlite:////srv/shop.db
        return f"{where} ({found['dialect']} at {place})"
    dialect = _DIALECT.match(address)
    return f"{where} ({dialect[1]})" if dialect else where


def has_password(address: str) -> bool:
    """Does a web address hold one?"""
    try:
        return urlsplit(address).password is not None
    except ValueError:
        return True  # cannot be told apart, so better not kept in the file


def database_has_password(address: str) -> bool:
    """Does the URL of a database hold one, before its host or among its options?"""
    in_options = _OPTION_PASSWORD.search(unquote(address)) is not None
    return in_options or _USER_PASSWORD.search(address) is not None or has_password(address)


def is_web_address(address: str) -> bool:
    if re.search(r"\s", address):
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # no such port, or a broken [address]; the text of the error would repeat it
        return False
