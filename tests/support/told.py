"""Stories run through the real models, all in one build, and asked where each person was at any time.

What lives here: landing, building, reading stage_history. What does not: reading stories (stories.py).
"""

from __future__ import annotations

import csv
import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import duckdb

from perennial.config.home import Home
from tests.support.installation import installed_in
from tests.support.nights import land_only, run_dbt
from tests.support.stories import INSTANT, ZONE, Story, write_stories

# the history of stages and all that it is made of
BUILD = ("build", "--select", "+stage_history", "+customer_stages", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")  # fmt: skip
PEOPLE = """
    select record_id, stage_model, stage, valid_from, cause_event_id from lifecycle.stage_history
    join customer.customer_identifiers using (customer_id)
    where source_name = 'shop' and record_type = 'shop_customer' order by stage_model, valid_from
"""


@dataclass(frozen=True)
class Held:
    """A stage that was entered, when, and by what."""

    stage: str
    since: datetime
    cause: str


class Told:
    """Every story's person, in every stage model."""

    def __init__(self, held: dict[tuple[str, str], list[Held]]) -> None:
        self._held = held

    def stays(self, story: Story, stage_model: str | None = None) -> list[Held]:
        return self._held.get((story.key, stage_model or story.stage_model), [])

    def at(self, story: Story, at: datetime, stage_model: str | None = None) -> str | None:
        """The stage held at an instant, what happens at it included; None before the story begins."""
        stays = self.stays(story, stage_model)
        place = bisect_right([stay.since for stay in stays], at)
        return stays[place - 1].stage if place else None

    def on(self, story: Story, day: str) -> dict[str, str | None]:
        """The stages held at the end of a business day, by stage model."""
        end = datetime.combine(datetime.fromisoformat(day).date() + timedelta(days=1), time(), ZONE).astimezone(UTC)
        return {model: self.at(story, end - INSTANT, model) for key, model in self._held if key == story.key}

    def otherwise(self, story: Story) -> list[str]:
        """Every line whose stage was not held then, in words; empty where all is as told."""
        return [
            f"{step.where}: {found} and not {step.stage} ({[(h.stage, str(h.since), h.cause) for h in self.stays(story)]})"
            for step in story.steps
            if step.stage is not None and (found := self.at(story, step.seen_at)) != step.stage
        ]


def tell(home: Home, stories: Iterable[Story], folder: Path) -> None:
    """Land what happened."""
    land_only(home, write_stories(stories, folder))


def tell_in_parts(home: Home, stories: Iterable[Story], folder: Path, seed: int, parts: int = 4) -> None:
    """Land the same in several deliveries, each row in a random one: what happened first may well come last."""
    dice = random.Random(seed)
    sources = write_stories(stories, folder)
    files = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*/*.csv"))}
    lines = {path: list(csv.reader(text.splitlines())) for path, text in files.items()}
    part_of = {path: [dice.randrange(parts) for _ in rows] for path, rows in lines.items()}
    for part in range(parts):
        for path, (header, *rows) in lines.items():
            come = [row for row, its in zip(rows, part_of[path], strict=False) if its == part]
            dice.shuffle(come)
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([header, *come])
        land_only(home, sources)


def build(home: Home, as_of: datetime, select: Sequence[str] = ()) -> Told:
    """What the models make of it on a night that looks up to as_of."""
    dbt = installed_in(home).night().dbt
    until = as_of.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    run_dbt(dbt, *BUILD, *select, env={**dbt.env, "PERENNIAL_AS_OF_UTC": until, "PERENNIAL_TIME_ZONE": ZONE.key})
    held: dict[tuple[str, str], list[Held]] = defaultdict(list)
    with duckdb.connect(str(home.build_file), read_only=True) as connection:
        for key, stage_model, stage, since, cause in connection.execute(PEOPLE).fetchall():
            held[key, stage_model].append(Held(stage, since.replace(tzinfo=UTC), cause))
    return Told(dict(held))


def closing(stories: Iterable[Story]) -> datetime:
    """The midnight after the last line of all stories."""
    last = max(step.seen_at for story in stories for step in story.steps).astimezone(ZONE).date()
    return datetime.combine(last + timedelta(days=1), time(), ZONE).astimezone(UTC)
