"""What a change of rules does: who moves, which audiences they join and leave, which published figures change.

What lives here: questions to the two builds, and what they come to against a budget. What does not: building
(impact_builds.py), and how it is told (impact_page.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from perennial.audiences.definition import from_manifest, pairs
from perennial.config.settings import Settings
from perennial.lifecycle import rules
from perennial.report.impact_builds import Build
from perennial.warehouse import comparison, restatements
from perennial.warehouse.duck import connect, name, quote

TOP = 10
# shares of all people of a model, of an audience, of a value; and a number of messages
DEFAULT_BUDGET = {"stage_changes": 0.05, "audience_turnover": 0.1, "kpi_shift": 0.05, "new_messages": 1000.0}


@dataclass(frozen=True)
class StageModel:
    """Old stage × new stage of one model at as_of. None: that side has no such person, or no such model."""

    name: str
    people: int
    versions: tuple[str | None, str | None]
    moves: tuple[tuple[str | None, str | None, int], ...]

    @property
    def is_on_both_sides(self) -> bool:
        return None not in self.versions

    @property
    def moved(self) -> int:
        return sum(people for old, new, people in self.moves if old != new)


@dataclass(frozen=True)
class Audience:
    """One audience on both sides; to: the channels its joins would be sent to."""

    name: str
    old_size: int
    new_size: int
    joins: int
    leaves: int
    to: tuple[str, ...] = ()

    @property
    def turnover(self) -> float:
        return (self.joins + self.leaves) / max(self.old_size, self.new_size, 1)


@dataclass(frozen=True)
class Figure:
    """A final figure that reads otherwise."""

    table: str
    figure: str
    row_key: str
    old: float | None
    new: float | None


@dataclass(frozen=True)
class Impact:
    """All that a change of rules does to one set of data at one time."""

    as_of: datetime
    people: int
    models: tuple[StageModel, ...] = ()
    labels: tuple[tuple[str, str, str | None, str | None], ...] = ()  # stage model, stage, old label, new label
    actions: tuple[tuple[str, str, str | None, str | None], ...] = ()  # the same of next actions
    audiences: tuple[Audience, ...] = ()
    figures: Mapping[str, int] = field(default_factory=dict)  # table.figure → rows that read otherwise
    shifts: tuple[Figure, ...] = ()  # the headline values that move most, greatest first
    triggers: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # newly due, no longer due
    settings: tuple[tuple[str, str, str], ...] = ()  # variable, old, new

    @property
    def messages(self) -> int:
        """How many would be sent that would not have been."""
        joins = sum(audience.joins * len(audience.to) for audience in self.audiences)
        return joins + sum(new for new, _gone in self.triggers.values())

    def measures(self) -> dict[str, float]:
        """What the budget speaks of; the worst case of each."""
        shares = [model.moved / max(model.people, 1) for model in self.models if model.is_on_both_sides]
        return {
            "stage_changes": max(shares, default=0.0),
            "audience_turnover": max((audience.turnover for audience in self.audiences), default=0.0),
            "kpi_shift": max((shift_of(each) for each in self.shifts), default=0.0),
            "new_messages": float(self.messages),
        }

    def over(self, budget: Mapping[str, float]) -> list[str]:
        return [measure for measure, value in self.measures().items() if value > budget[measure]]


def shift_of(figure: Figure) -> float:
    """By how much of its old value a figure moves; one that comes or goes moves by all of it."""
    if not figure.old:
        return 1.0 if figure.new else 0.0
    return abs((figure.new or 0) - figure.old) / abs(figure.old)


def compare(old: Build, new: Build, settings: Settings, as_of: datetime) -> Impact:
    """Both builds read once, side by side."""
    with connect(None, memory_limit=settings.engine.memory_limit, threads=settings.engine.threads) as connection:
        for side, built in (("old", old), ("new", new)):
            connection.execute(f"attach {quote(str(built.file))} as {side} (read_only)")
        watched = rules.watched(new.manifest)
        edition = restatements.Edition("", as_of, as_of, {restatements.TIME_ZONE: settings.business.time_zone})
        comparison.compare(connection, watched, restatements.business_day(edition), "old", "new")
        return Impact(
            as_of=as_of,
            people=_one(connection, "select count(*) from new.customer.customers"),
            models=_models(connection),
            labels=tuple(_rows(connection, _wording("stage_label"))),
            actions=tuple(_rows(connection, _wording("next_action"))),
            audiences=_audiences(connection, new, settings),
            figures={row[0]: row[1] for row in _rows(connection, _FIGURES)},
            shifts=tuple(Figure(*row) for row in _rows(connection, _SHIFTS)),
            triggers=_triggers(connection),
            settings=_settings(old, new),
        )


_MOVES = """
    select stage_model, old.stage, new.stage, count(*)
    from (from old.lifecycle.customer_stages where not contains(stage_model, '@')) as old
    full join (from new.lifecycle.customer_stages where not contains(stage_model, '@')) as new
        using (stage_model, customer_id)
    group by all order by stage_model, count(*) desc, old.stage, new.stage
"""
_FIGURES = "select table_name || '.' || figure, count(*) from temp.moved group by all order by all"
# months of the whole business: what people quote
_SHIFTS = f"""
    select table_name, figure, row_key, old_value, new_value from temp.moved
    where table_name = 'kpis.kpi_values' and figure = 'value'
        and contains(row_key, '"dimension":"all"') and contains(row_key, '"grain":"month"')
    order by
        case when old_value <> 0 then abs(coalesce(new_value, 0) - old_value) / abs(old_value)
            when new_value <> 0 then 1 else 0 end desc,
        row_key
    limit {TOP}
"""


def _models(connection: duckdb.DuckDBPyConnection) -> tuple[StageModel, ...]:
    versions = {
        side: dict(_rows(connection, f"select distinct stage_model, rule_version from {side}.lifecycle.stage_history"))
        for side in ("old", "new")
    }
    moves: dict[str, list[tuple[str | None, str | None, int]]] = {}
    for model, was, is_now, people in _rows(connection, _MOVES):
        moves.setdefault(model, []).append((was, is_now, people))
    return tuple(
        StageModel(
            model,
            sum(people for *_, people in each),
            (versions["old"].get(model), versions["new"].get(model)),
            tuple(each),
        )
        for model, each in moves.items()
    )


def _wording(column: str) -> str:
    """Stage model, stage, what the column said and says, where somebody is in the stage on both sides."""
    side = f"(select distinct stage_model, stage, {column} as said from {{}}.lifecycle.customer_stages)"
    return f"""
        select stage_model, stage, old.said, new.said
        from {side.format("old")} as old join {side.format("new")} as new using (stage_model, stage)
        where not contains(stage_model, '@') and old.said is distinct from new.said
        order by all
    """


def _audiences(connection: duckdb.DuckDBPyConnection, new: Build, settings: Settings) -> tuple[Audience, ...]:
    chosen, _notes = pairs(from_manifest(new.manifest), settings.destinations)
    found = []
    for audience in sorted(_tables(connection, "old", "audiences") | _tables(connection, "new", "audiences")):
        members = {
            side: f"select distinct customer_id from {side}.audiences.{name(audience)}"
            if audience in _tables(connection, side, "audiences")
            else "select null::varchar as customer_id where false"
            for side in ("old", "new")
        }
        ((was, is_now, both),) = _rows(
            connection,
            f"select count(old.customer_id), count(new.customer_id), count(old.customer_id || new.customer_id)"
            f" from ({members['old']}) as old full join ({members['new']}) as new on old.customer_id = new.customer_id",
        )
        to = tuple(pair.destination for pair in chosen if pair.audience == audience)
        found.append(Audience(audience, was, is_now, is_now - both, was - both, to))
    return tuple(found)


def _triggers(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """Per trigger: how many of its messages are due by the new rules alone, and by the old ones alone."""
    if not all("trigger_events" in _tables(connection, side, "lifecycle") for side in ("old", "new")):
        return {}
    due = {side: f"select * from {side}.lifecycle.trigger_events where status = 'due'" for side in ("old", "new")}
    rows = _rows(
        connection,
        "select trigger_name, count(*) filter (old.event_key is null), count(*) filter (new.event_key is null)"
        f" from ({due['old']}) as old full join ({due['new']}) as new using (trigger_name, event_key)"
        " group by all having count(*) > count(old.event_key || new.event_key) order by all",
    )
    return {trigger: (fresh, gone) for trigger, fresh, gone in rows}


def _settings(old: Build, new: Build) -> tuple[tuple[str, str, str], ...]:
    """Other variables that differ."""
    were, are = rules.variables(old.project), rules.variables(new.project)
    names = sorted(({*were, *are}) - {rules.STAGE_MODELS})
    return tuple(
        (each, rules.told(were.get(each)), rules.told(are.get(each)))
        for each in names
        if were.get(each) != are.get(each)
    )


def _tables(connection: duckdb.DuckDBPyConnection, side: str, schema: str) -> set[str]:
    rows = _rows(
        connection,
        "select table_name from information_schema.tables"
        f" where table_catalog = {quote(side)} and table_schema = {quote(schema)}",
    )
    return {row[0] for row in rows if "__dbt_" not in row[0]}


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple]:
    return connection.execute(sql).fetchall()


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(_rows(connection, sql)[0][0])
