"""The single values of perennial.yml: durations, time zones, currencies, countries, names, memory sizes.

What lives here: checked types for pydantic. What does not: the models that use them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

import pycountry
from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from perennial.config.countries import country_code
from perennial.config.cron import cron_problem
from perennial.config.problems import closest, quoted

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smhdw])")
_NAME = re.compile(r"[a-z0-9_]{1,64}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")
_MEMORY = re.compile(r"\d+(?:\.\d+)?\s?(?:[KMGT]i?B)", re.IGNORECASE)


def parse_duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or float(found[1]) == 0:
        raise ValueError(
            f"{quoted(value)} is not a duration; write a number and a unit of s, m, h, d or w, such as 36h"
        )
    return timedelta(**{_UNITS[found[2]]: float(found[1])})


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        known = {name.lower(): name for name in available_timezones()}
        guess = closest(value, known)
        remedy = f"did you mean {known[guess]}?" if guess else "write an IANA name such as Europe/London"
        raise ValueError(f"{quoted(value)} is not a time zone; {remedy}") from None
    return value


def _currency(value: str) -> str:
    known = pycountry.currencies.get(alpha_3=value) is not None  # in any letter case
    if not known or value != value.upper():
        upper = value.upper()
        remedy = f"did you mean {upper}?" if known else "write three capital letters, such as GBP"
        raise ValueError(f"{quoted(value)} is not an ISO 4217 currency; {remedy}")
    return value


def _country(value: str) -> str:
    code = country_code(value)
    if code is None:
        raise ValueError(f"{quoted(value)} is not a country; write its two-letter ISO code, such as GB")
    return code


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(f"{quoted(value)} is not a usable name; use lower-case letters, digits and _ only, at most 64")
    return value


def _variable(value: str) -> str:
    # The value is not repeated: somebody may have pasted the secret itself.
    if not _VARIABLE.fullmatch(value):
        raise ValueError(
            "is not the name of an environment variable; secrets are never written in this file, write the name of the"
            " variable that holds it (capital letters, digits and _), such as CRM_DATABASE_URL"
        )
    return value


def _memory(value: str) -> str:
    if not _MEMORY.fullmatch(value):
        raise ValueError(f"{quoted(value)} is not a memory size; write a number and a unit, such as 2GB or 512MB")
    return value


def _cron(value: str) -> str:
    problem = cron_problem(value)
    if problem is not None:
        raise ValueError(f"{quoted(value)} is not a cron line; {problem}")
    return value


def _path(value: Any, info: ValidationInfo) -> str:
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("is not text; write a folder, in quotes")
    if not value.strip() or "\0" in value:
        raise ValueError("is empty; write a folder, relative to this file or absolute")
    base = (info.context or {}).get("folder")
    return str((Path(base) / value) if base else Path(value))


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]


def _rule_version(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{8,32}", value):
        raise ValueError("write the first 8 letters or more of a rule_version, between quotes")
    return value


TimeZone = Annotated[str, AfterValidator(_time_zone)]
Currency = Annotated[str, AfterValidator(_currency)]
Country = Annotated[str, AfterValidator(_country)]
Name = Annotated[str, AfterValidator(_name)]
Variable = Annotated[str, AfterValidator(_variable)]
MemorySize = Annotated[str, AfterValidator(_memory)]
Cron = Annotated[str, AfterValidator(_cron)]
RuleVersion = Annotated[str, BeforeValidator(_rule_version)]
Folder = Annotated[Path, BeforeValidator(_path)]
