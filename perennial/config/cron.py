"""A cron line of five fields: would it ever come, and can the scheduler read it?

What lives here: the check of a line as written in perennial.yml. What does not: when it comes (Dagster's arithmetic).
Names, ranges, lists and steps are taken; the extensions of single programs (@daily, L, #) are not.
"""

from __future__ import annotations

import re

_ITEM = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/(\d{1,4}))?", re.ASCII)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}  # days of a month, where it is not 31
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)


def cron_problem(line: str) -> str | None:
    """What is wrong with a cron line and what to write instead; none where it can be used."""
    words = line.split()
    if len(words) != len(_FIELDS):
        return "write five fields, such as 0 3 * * *"
    values = []
    for word, (name, first, last, names) in zip(words, _FIELDS, strict=True):
        found = _values(word, first, last, names)
        if not found:
            return f"its {name} is not usable; write *, numbers from {first} to {last}, or a range from low to high"
        values.append(found)
    days, months = values[2], values[3]
    if all(min(days) > _LONGEST.get(month, 31) for month in months):
        return "no month it names has such a day; correct its day of month"
    return None


def _values(field: str, first: int, last: int, names: dict[str, int]) -> set[int]:
    """The numbers a field stands for; empty where it is wrong."""
    found: set[int] = set()
    for item in field.lower().split(","):
        parts = _ITEM.fullmatch(item)
        if parts is None or (parts[3] is not None and not 1 <= int(parts[3]) <= last):
            return set()
        start = first if parts[1] is None else _number(parts[1], names)
        is_open = parts[1] is None or (parts[2] is None and parts[3] is not None)  # 5/10: from 5 on
        stop = last if is_open else _number(parts[2] or parts[1], names)
        if start is None or stop is None or not first <= start <= stop <= last:
            return set()
        found |= set(range(start, stop + 1, int(parts[3] or 1)))
    return found


def _number(word: str, names: dict[str, int]) -> int | None:
    return names.get(word, int(word) if word.isdecimal() else None)
