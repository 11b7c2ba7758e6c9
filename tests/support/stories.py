"""Stories of people, as somebody would tell them, and the stages that they must lead to: see docs/lifecycle.md, "Testing your own rules".

What lives here: reading stories, and the rows of the input contract that they are. What does not: building from the
rows and asking where people were (told.py), the stories (tests/stories/<stage model>.txt).
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/London")
NOON = time(12)
INSTANT = timedelta(microseconds=1)
LINE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?: (?P<clock>\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?(?P<what> .*?)??(?:\s*-> (?P<stage>[a-z][a-z0-9_]*))?\s*"
)
# what an address is, by the number of its story: numbers that are reserved for drama
EMAIL, PHONE = "{key}@people.example", "+44207946{number:04}"


class StoryError(Exception):
    """A story cannot be read: says where, and what would do."""


@dataclass(frozen=True)
class Step:
    """One line: when, what happens then, and the stage that must be held: right then, or at the end of the day where no time is given."""

    at: datetime
    seen_at: datetime
    what: str | None
    stage: str | None
    where: str


@dataclass(frozen=True)
class Story:
    """One person's story. `key` is their id in every system."""

    title: str
    key: str
    stage_model: str
    steps: tuple[Step, ...]


class Rows(NamedTuple):
    """What one story's person leaves in the systems: rows by source and table."""

    story: Story
    tables: dict[tuple[str, str], list[dict[str, Any]]]

    def add(self, source: str, table: str, **row: Any) -> None:
        self.tables[source, table].append(row)

    def next(self, table: str) -> str:
        """An id that no other row bears."""
        return f"{self.story.key}_{sum(len(rows) for (_, other), rows in self.tables.items() if other == table)}"


def read_all(folder: Path) -> list[Story]:
    """The stories of every file of a folder, each with a key of its own."""
    stories: list[Story] = []
    for path in sorted(folder.glob("*.txt")):
        stories += read_stories(path, len(stories) + 1)
    return stories


def read_stories(path: Path, numbered_from: int = 1) -> list[Story]:
    """A file's stories: a title at the margin, its lines indented below; `#` begins a comment. The file is named after the stage model."""
    told: list[tuple[str, list[Step]]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text, where = line.split("#")[0].rstrip(), f"{path.name}, line {number}"
        if not text:
            continue
        if text == text.lstrip():
            told.append((text, []))
        elif not told:
            raise StoryError(f"{where}: begin with a title at the margin")
        else:
            told[-1][1].append(_step(text.strip(), where))
    stories = []
    for number, (title, steps) in enumerate(told, numbered_from):
        if not steps or any(later.at < earlier.at for earlier, later in pairwise(steps)):
            raise StoryError(f"{path.name}, {title}: its lines must be in order of time, and there must be one")
        stories.append(Story(title, f"story{number:04}", path.stem, tuple(steps)))
    return stories


def _step(text: str, where: str) -> Step:
    found = LINE.fullmatch(text)
    if found is None or not (found["what"] or found["stage"]):
        raise StoryError(
            f"{where}: {text!r}: write `2024-02-01 14:30  orders 40.00 -> conversion`; time, event or stage may be left out"
        )
    day, clock = datetime.fromisoformat(found["day"]).date(), found["clock"]
    at = datetime.combine(day, time.fromisoformat(clock) if clock else NOON, ZONE).astimezone(UTC)
    end_of_day = datetime.combine(day + timedelta(days=1), time(), ZONE).astimezone(UTC) - INSTANT
    what = (found["what"] or "").strip() or None
    if what is not None and not any(pattern.fullmatch(what) for pattern in EVENTS):
        raise StoryError(f"{where}: nobody knows what {what!r} means; known: {', '.join(KNOWN)}")
    return Step(at, at if clock else end_of_day, what, found["stage"], where)


def rows_of(story: Story) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The rows by which three systems tell the story: the shop, the newsletter's list (addresses), and the desk where people talk."""
    rows = Rows(story, defaultdict(list))
    first = story.steps[0].at
    rows.add("shop", "shop_customers", customer_id=story.key, created_at=first)
    for step in story.steps:
        for pattern, tell in EVENTS.items():
            if step.what is not None and (match := pattern.fullmatch(step.what)):
                tell(rows, step.at, match)
    if any(source == "desk" for source, _ in rows.tables):
        rows.add("desk", "crm_contacts", contact_id=story.key, created_at=first)
    return rows.tables


def write_stories(stories: Iterable[Story], folder: Path) -> dict[str, Any]:
    """CSV files of the input contract, and the `sources:` of a perennial.yml that read them."""
    tables: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for story in stories:
        for place, rows in rows_of(story).items():
            tables[place] += rows
    for (source, table), rows in tables.items():
        (folder / source).mkdir(parents=True, exist_ok=True)
        with (folder / source / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, sorted({column for row in rows for column in row}))
            writer.writeheader()
            writer.writerows(rows)
    shared = {"shop": {}, "list": {"shares_ids_with": "shop"}, "desk": {"shares_ids_with": "shop"}}
    told = {source for source, _ in tables}
    return {
        source: {"kind": "files", "path": str(folder / source), **more}
        for source, more in shared.items()
        if source in told
    }


def _nothing(_rows: Rows, _at: datetime, _match: re.Match[str]) -> None:
    """The person's own record tells it."""


def _address(rows: Rows, at: datetime, match: re.Match[str]) -> None:
    key = rows.story.key
    address = (
        {"email": EMAIL.format(key=key)}
        if match["kind"] == "e-mail address"
        else {"phone": PHONE.format(number=int(key[5:]))}
    )
    rows.add("list", "crm_contacts", contact_id=key, created_at=at, **address)


def _order(rows: Rows, at: datetime, match: re.Match[str]) -> None:
    rows.add(
        "shop", "shop_orders", order_id=rows.next("shop_orders"), customer_id=rows.story.key, ordered_at=at, currency="GBP",
        subtotal_amount=match["amount"], total_amount=match["amount"], status=match["status"] or "paid",
    )  # fmt: skip


def _conversation(rows: Rows, at: datetime, _match: re.Match[str]) -> None:
    rows.add(
        "desk",
        "conversations",
        conversation_id=rows.next("conversations"),
        opened_at=at,
        channel="whatsapp",
        **_contact(rows),
    )


def _message(rows: Rows, at: datetime, match: re.Match[str]) -> None:
    direction = "inbound" if match[0] == "writes" else "outbound"
    rows.add(
        "desk",
        "messages",
        message_id=rows.next("messages"),
        sent_at=at,
        channel="whatsapp",
        direction=direction,
        **_contact(rows),
    )


def _stage(rows: Rows, at: datetime, match: re.Match[str]) -> None:
    rows.add(
        "desk", "crm_stage_changes", change_id=rows.next("crm_stage_changes"), contact_id=rows.story.key, changed_at=at,
        to_stage=match["stage"] if match["stage"] != "nothing" else None, changed_by=match["who"] or "human", reason=match["why"],
    )  # fmt: skip


def _deal(rows: Rows, at: datetime, match: re.Match[str]) -> None:
    deals = rows.tables["desk", "crm_deals"]
    if match["state"] == "opened":
        rows.add(
            "desk", "crm_deals", deal_id=rows.next("crm_deals"), contact_id=rows.story.key, status="open", created_at=at
        )
    elif not deals:
        raise StoryError(f"{rows.story.title}: a deal is {match['state']} that was never opened")
    else:
        deals[-1].update(status=match["state"], closed_at=at)


def _praise(rows: Rows, at: datetime, match: re.Match[str]) -> None:
    kind = {"refers": "referral", "reviews": "review", "scores": "nps", "joins": "loyalty_join"}[match[0].split()[0]]
    score = match["score"] or match["stars"]
    rows.add(
        "desk",
        "advocacy_events",
        event_id=rows.next("advocacy_events"),
        event_type=kind,
        score=score,
        occurred_at=at,
        **_contact(rows),
    )


def _contact(rows: Rows) -> dict[str, str]:
    return {"contact_ref": rows.story.key, "contact_ref_type": "contact_id"}


Tell = Callable[[Rows, datetime, re.Match[str]], None]
KNOWN: dict[str, tuple[str, Tell]] = {
    "is first seen": (r"is first seen", _nothing),
    "signs up with an e-mail address (or a phone number)": (r"signs up with an? (?P<kind>e-mail address|phone number)", _address),
    "orders 40.00 (, pending or another status)": (r"orders (?P<amount>\d+(?:\.\d+)?)(?:, (?P<status>[a-z_]+))?", _order),
    "opens a conversation": (r"opens a conversation", _conversation),
    "writes": (r"writes", _message),
    "is answered": (r"is answered", _message),
    "is called Hot lead (by agent) (: why)": (r"is called (?P<stage>[^:]+?)(?: by (?P<who>human|agent|rule|event))?(?:: (?P<why>.+))?", _stage),
    "a deal is opened (won, lost)": (r"a deal is (?P<state>opened|won|lost)", _deal),
    "refers a friend, reviews with 5 stars, scores 9, joins the club": (
        r"(?:refers a friend|reviews with (?P<stars>[1-5]) stars|scores (?P<score>\d+)|joins the club)", _praise,
    ),
}  # fmt: skip
EVENTS: dict[re.Pattern[str], Tell] = {re.compile(pattern): tell for pattern, tell in KNOWN.values()}
