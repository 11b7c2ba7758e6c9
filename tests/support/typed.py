"""People as they are typed twice, with errors: for tests of probable links.

What lives here: the people, made up from one seed, and what somebody else makes of them. What does not: what is expected of a model.
"""

from __future__ import annotations

import importlib.util
import random

import pytest

needs_splink = pytest.mark.skipif(
    importlib.util.find_spec("splink") is None,
    reason="Splink is an extra and is not installed: see requirements-splink.lock",
)
NAMES = "ada ben cleo dan eva finn greta hugo ida jon kira leo mona nils olga paul rosa sven tara uwe"
PLACES = "archer baxter carver dawson ellison fletcher granger harper ingham jarvis keller lawson mercer norton"
FIRST, LAST = NAMES.split(" "), PLACES.split(" ")
Record = dict[str, str | None]


def people(count: int) -> list[Record]:
    drawn = random.Random(11)
    made: list[Record] = []
    for number in range(count):
        first, last = drawn.choice(FIRST), f"{drawn.choice(LAST)}{drawn.choice(['', 's', 'son', 'man', 'ley'])}"
        born = f"{drawn.randint(1940, 2005)}-{drawn.randint(1, 12):02}-{drawn.randint(1, 28):02}"
        street = f"{drawn.randint(1, 200)} {drawn.choice(LAST)} {drawn.choice(['road', 'lane', 'street'])}"
        made.append(
            {"record_id": f"{number}-a", "first_name": first.title(), "last_name": last, "birth_on": born,
             "street": street, "city": drawn.choice(LAST) + "ton", "postcode": f"{drawn.randint(1000, 9999)}",
             "email": f"{first}.{last}{number}@example.com", "phone": f"+4420{drawn.randint(10**7, 10**8)}"}
        )  # fmt: skip
    return made


def disturbed(record: Record, seed: int) -> Record:
    """The same person as somebody else would type it: one column missing, one with a letter doubled, names shouted."""
    drawn = random.Random(seed)
    other = dict(
        record, record_id=str(record["record_id"]).replace("-a", "-b"), last_name=str(record["last_name"]).upper()
    )
    columns = [name for name in record if name != "record_id"]
    lost, wrong = drawn.sample(columns, 2)
    other[lost] = None
    text = str(record[wrong])
    place = drawn.randrange(1, len(text))
    other[wrong] = text[:place] + text[place - 1] + text[place:]
    return other
