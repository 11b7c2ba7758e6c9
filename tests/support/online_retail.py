"""Compares published tables with the independently computed figures of the online_retail_2011 sample. No other test data lives here.

Counts must be equal, money within 0.01, rates within 1e-6. The truth's own definitions are in its DEFINITIONS.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

MONEY = 0.01
RATE = 1e-6

# how many were in which stage as a month began, and whom the month moved out of the lapsed: read from one history
HELD = """
    select count(*) from lifecycle.stage_history where stage_model = $1 and list_contains($2, stage)
        and valid_from <= cast($3 as timestamp) and (valid_to is null or valid_to > cast($3 as timestamp))
"""
RETURNED = """
    select count(*), count(distinct customer_id), count(distinct case when previous_from <= cast($1 as timestamp) then customer_id end)
    from lifecycle.stage_history where stage_model = 'five_stage' and previous_stage = 'lapsed'
        and valid_from >= cast($1 as timestamp) and valid_from < cast($1 as timestamp) + interval 1 month
"""
BUYERS = ["conversion", "retention", "loyalty", "advocacy"]
KPI = """
    select {column} from kpis.kpi_values
    where kpi = '{kpi}' and variant = '{variant}' and grain = '{grain}' and dimension = 'all'
"""


def truth_rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


class Comparison:
    """Collects differences as readable lines; an empty list means equal."""

    def __init__(self, con: duckdb.DuckDBPyConnection, truth: Path) -> None:
        self.con = con
        self.truth = truth
        self.differences: list[str] = []
        self.compared = 0

    def one(self, sql: str, *params: Any) -> Any:
        row = self.con.execute(sql, list(params)).fetchone()
        return None if row is None else row[0]

    def expect(self, what: str, ours: Any, truth: str, tolerance: float = 0.0) -> None:
        self.compared += 1
        if truth == "":
            if ours is not None:
                self.differences.append(f"{what}: {ours} instead of nothing")
        elif ours is None or abs(Decimal(str(ours)) - Decimal(truth)) > Decimal(str(tolerance)):
            self.differences.append(f"{what}: {ours} instead of {truth}")

    def kpi(self, column: str, kpi: str, variant: str, grain: str = "all", start: str | None = None) -> Any:
        sql = KPI.format(column=column, kpi=kpi, variant=variant, grain=grain)
        return self.one(sql + " and period_start_on = ?", start) if start else self.one(sql)

    def overall(self) -> None:
        (row,) = truth_rows(self.truth, "overall")
        self.expect("overall orders", self.kpi("denominator", "aov", "known_customers"), row["orders"])
        self.expect("overall revenue", self.kpi("numerator", "aov", "known_customers"), row["revenue"], MONEY)
        self.expect("overall aov", self.kpi("value", "aov", "known_customers"), row["aov"], MONEY)
        for column, field in (("numerator", "repeat_customers"), ("denominator", "customers")):
            self.expect(field, self.kpi(column, "repeat_purchase_rate", "default"), row[field])
        ours = self.kpi("value", "repeat_purchase_rate", "default")
        self.expect("repeat_purchase_rate", ours, row["repeat_purchase_rate"], RATE)
        gaps = self.con.execute(
            "select count(*) / count(distinct customer_id), avg(case when order_number > 1 then 1 else 0 end),"
            " median(days_since_previous_order), avg(days_since_previous_order),"
            " min(ordered_at)::varchar = ? and max(ordered_at)::varchar = ? from customer.customer_orders",
            [row["first_order"], row["last_order"]],
        ).fetchone()
        assert gaps is not None
        for ours, field in zip(gaps, ("orders_per_customer", "returning_order_share", "median_gap_days"), strict=False):
            self.expect(field, ours, row[field], RATE)
        self.expect("mean_gap_days", gaps[3], row["mean_gap_days"], 1e-4)
        self.expect("first and last order", int(gaps[4]), "1")
        customers = "select count(*) from customer.customers where orders_count > 0"
        self.expect("customers with orders in the 360", self.one(customers), row["customers"])
        self.expect(
            "revenue in the 360", self.one("select sum(revenue_amount) from customer.customers"), row["revenue"], MONEY
        )

    def monthly(self) -> None:
        for row in truth_rows(self.truth, "monthly"):
            month = row["month"]
            self.expect(
                f"{month} orders", self.kpi("denominator", "aov", "known_customers", "month", month), row["orders"]
            )
            ours = self.kpi("numerator", "aov", "known_customers", "month", month)
            self.expect(f"{month} revenue", ours, row["revenue"], MONEY)
            self.expect(f"{month} aov", self.kpi("value", "aov", "known_customers", "month", month), row["aov"], MONEY)
            self.month_of_cohorts(month, row)
            self.month_of_rates(month, row)

    def month_of_cohorts(self, month: str, row: dict[str, str]) -> None:
        active = """select sum(active_count) from kpis.cohort_retention
            where cohort_month_on + months_since * interval 1 month = cast(? as date)"""
        new = "select coalesce(max(cohort_size), 0) from kpis.cohort_retention where cohort_month_on = cast(? as date)"
        self.expect(f"{month} active", self.one(active, month), row["active_customers"])
        self.expect(f"{month} new", self.one(new, month), row["new_customers"])

    def month_of_rates(self, month: str, row: dict[str, str]) -> None:
        retention = ("customer_retention_rate", "period_over_period", "month", month)
        self.expect(f"{month} retained", self.kpi("numerator", *retention), row["retained"])
        self.expect(f"{month} mom_retention", self.kpi("value", *retention), row["mom_retention"], RATE)
        reactivated = ("reactivated_orders", "default", "month", month)
        self.expect(f"{month} reactivated orders", self.kpi("numerator", *reactivated), row["reactivation_orders"])
        people = """select count(distinct customer_id) from customer.customer_orders
            where is_reactivation and date_trunc('month', ordered_on) = cast(? as date)"""
        self.expect(f"{month} reactivated customers", self.one(people, month), row["reactivated_customers"])
        rate = ("reactivation_rate", "observed", "month", month)
        self.expect(f"{month} lapsed at start", self.kpi("denominator", *rate), row["lapsed_at_start"])
        self.expect(f"{month} lapsed who ordered", self.kpi("numerator", *rate), row["lapsed_who_ordered"])
        self.expect(f"{month} reactivation_rate", self.kpi("value", *rate), row["reactivation_rate"], RATE)
        known = (
            "select count(distinct customer_id) from customer.customer_orders where ordered_at < cast(? as timestamp)"
        )
        self.expect(f"{month} known at start", self.one(known, month), row["known_at_start"])

    def cohorts(self) -> None:
        rows = truth_rows(self.truth, "cohort_retention")
        self.expect("cohort rows", self.one("select count(*) from kpis.cohort_retention"), str(len(rows)))
        for row in rows:
            ours = self.con.execute(
                "select cohort_size, active_count, retention from kpis.cohort_retention where cohort_month_on = ? and months_since = ?",
                [row["cohort"], int(row["k"])],
            ).fetchone() or (None, None, None)
            what = f"cohort {row['cohort']}+{row['k']}"
            self.expect(f"{what} size", ours[0], row["cohort_size"])
            self.expect(f"{what} active", ours[1], row["active"])
            self.expect(f"{what} retention", ours[2], row["retention"], RATE)

    def recency(self) -> None:
        buckets = {
            "d1_30": (1, 30),
            "d31_60": (31, 60),
            "d61_90": (61, 90),
            "d91_180": (91, 180),
            "d181_365": (181, 365),
            "d366_plus": (366, 9999),
        }
        for row in truth_rows(self.truth, "recency_snapshots"):
            for bucket, (low, high) in buckets.items():
                sql = """select count(*) from (select date_diff('day', max(ordered_on), cast($1 as date)) as days
                    from customer.customer_orders where ordered_at < cast($1 as timestamp) group by customer_id) where days between $2 and $3"""
                self.expect(f"{row['as_of']} {bucket}", self.one(sql, row["as_of"], low, high), row[bucket])
            if row["as_of"] < "2012":  # the history ends at as_of; later snapshots are read from the orders alone
                self.stages(row["as_of"], {bucket: int(row[bucket]) for bucket in buckets})

    def stages(self, start: str, truth: dict[str, int]) -> None:
        """The recency buckets as stages: every one that a rule tells apart."""
        older = truth["d181_365"] + truth["d366_plus"]
        recent = truth["d1_30"] + truth["d31_60"] + truth["d61_90"]
        for model, stages, expected in (
            ("five_stage", ["lapsed"], truth["d91_180"] + older),
            ("five_stage", BUYERS, recent),
            ("rfm_map", ["at_risk"], truth["d91_180"]),
            ("rfm_map", ["about_to_lose"], older),
            ("retention_programme", ["reactivation"], truth["d91_180"] + older),
            ("retention_programme", ["post_purchase", "engagement", "retention"], recent),
            ("conversation_funnel", ["customer"], sum(truth.values())),
        ):
            self.expect(f"{start} {model} {stages}", self.one(HELD, model, stages, start), str(expected))

    def returns(self) -> None:
        """Who left the lapsed in each month, from the history alone."""
        for row in truth_rows(self.truth, "monthly"):
            month = row["month"]
            found = self.con.execute(RETURNED, [month]).fetchone() or (None, None, None)
            fields = ("reactivation_orders", "reactivated_customers", "lapsed_who_ordered")
            for field, ours in zip(fields, found, strict=True):
                self.expect(f"{month} {field} in stage_history", ours, row[field])
            self.expect(
                f"{month} lapsed_at_start in stage_history",
                self.one(HELD, "five_stage", ["lapsed"], month),
                row["lapsed_at_start"],
            )
            held = self.one(HELD, "five_stage", [*BUYERS, "lapsed"], month)
            self.expect(f"{month} known_at_start in stage_history", held, row["known_at_start"])

    def lapses(self) -> None:
        (row,) = truth_rows(self.truth, "lapse_overall")
        self.expect(
            "reactivation orders", self.kpi("numerator", "reactivated_orders", "default"), row["reactivation_orders"]
        )
        ever = "select count(distinct customer_id) from customer.customer_orders where is_reactivation"
        self.expect("ever reactivated", self.one(ever), row["customers_ever_reactivated"])
        lapsed = "select count(*) from lifecycle.customer_stages where stage_model = 'five_stage' and stage = 'lapsed'"
        self.expect("lapsed at the end", self.one(lapsed), row["customers_lapsed_at_end"])

    def rfm(self) -> None:
        for what, ours, truth, tolerance in self.rfm_pairs():
            self.expect(what, ours, truth, tolerance)

    def rfm_pairs(self) -> Iterator[tuple[str, Any, str, float]]:
        ranges = {"R": "recency", "F": "freq"}
        for row in truth_rows(self.truth, "rfm_scores"):
            method = {"cume": "unsplit", "ntile": "split"}[row["method"]]
            score_column = f"{row['dimension'].lower()}_score"
            ours = self.con.execute(
                f"select count(*), min(recency_days), max(recency_days), min(frequency), max(frequency), sum(monetary_amount)"
                f" from lifecycle.rfm_scores where method = ? and {score_column} = ?",
                [method, int(row["score"])],
            ).fetchone()
            assert ours is not None
            figures = dict(
                zip(("customers", "min_recency", "max_recency", "min_freq", "max_freq", "revenue"), ours, strict=True)
            )
            for field, value in figures.items():
                own_range = field.endswith(ranges.get(row["dimension"], "none"))
                if row["method"] == "cume" or field == "customers" or own_range:
                    what = f"rfm {row['method']} {row['dimension']}{row['score']} {field}"
                    yield what, value, row[field], MONEY if field == "revenue" else 0.0

    def anonymous(self) -> None:
        """The 1,427 orders that name nobody: in the default AOV, in no customer rate."""
        self.expect("all orders", self.kpi("denominator", "aov", "default"), "19959")
        self.expect(
            "anonymous orders", self.one("select count(*) from customer.orders where customer_id is null"), "1427"
        )


def differences(database: Path, truth: Path) -> list[str]:
    """Every figure of the truth folder that the published database does not reproduce."""
    with duckdb.connect(str(database), read_only=True) as con:
        comparison = Comparison(con, truth)
        for compare in ("overall", "monthly", "cohorts", "recency", "returns", "lapses", "rfm", "anonymous"):
            getattr(comparison, compare)()
        assert comparison.compared >= 800, f"only {comparison.compared} figures were compared"
        return comparison.differences
