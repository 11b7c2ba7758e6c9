"""The one door to Great Expectations: counts add up over parts, values stay inside."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from expectations.parts import read_parts
from expectations.promise import PART_ROWS, between, failures, filled, shaped, within
from expectations.runner import check


def test_parts_add_up_before_the_share_is_judged() -> None:
    """One part that breaks a promise by itself is well within the share of the whole."""
    good, bad = pd.DataFrame({"n": [1.0] * 90}), pd.DataFrame({"n": [1.0] * 4 + [999.0] * 10})
    (finding,) = check([good, bad], [between("n", "n is small", 0, 10, mostly=0.9)])
    assert (finding.checked_count, finding.broken_count, finding.is_kept) == (104, 10, True)
    (finding,) = check([good, bad, bad], [between("n", "n is small", 0, 10, mostly=0.9)])
    assert (finding.checked_count, finding.broken_count, finding.is_kept) == (118, 20, False)


def test_a_share_met_exactly_is_kept() -> None:
    part = pd.DataFrame({"n": [1.0] * 90 + [999.0] * 10})
    (finding,) = check([part], [between("n", "n is small", 0, 10, mostly=0.9)])
    assert finding.is_kept


def test_nulls_break_filled_and_nothing_else() -> None:
    part = pd.DataFrame({"word": ["a", None, "b"]})
    is_filled, in_set, has_shape = check(
        [part], [filled("word"), within("word", ("a", "b")), shaped("word", "one", "^.$")]
    )
    assert (is_filled.checked_count, is_filled.broken_count) == (3, 1)
    assert (in_set.checked_count, in_set.broken_count, in_set.is_kept) == (2, 0, True)
    assert has_shape.is_kept


def test_nothing_to_check_breaks_nothing() -> None:
    assert failures(check([], [filled("id")])) == []
    assert failures(check([pd.DataFrame({"id": pd.Series([], dtype="str")})], [filled("id")])) == []


def test_a_missing_column_is_a_broken_promise_and_not_a_crash() -> None:
    (finding,) = check([pd.DataFrame({"a": [1]})], [filled("b")])
    assert not finding.is_kept
    assert "could not be checked" in finding.sentence


def test_no_value_leaves_in_a_finding() -> None:
    """Findings end up in Dagster's storage, alerts and certificates."""
    part = pd.DataFrame({"email": ["someone.real at example dot com", "x@example.com"]})
    (finding,) = check([part], [shaped("email", "email looks like one", r"^[^@\s]+@[^@\s]+$")])
    assert finding.broken_count == 1
    assert "someone" not in finding.sentence
    assert "someone" not in repr(finding)


def test_a_part_above_the_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 100000"):
        check([pd.DataFrame({"n": range(PART_ROWS + 1)})], [filled("n")])


def test_a_large_relation_is_cut_into_bounded_parts() -> None:
    relation = duckdb.sql("select range as n, range::decimal(18,4) as amount, 'unused' as other from range(250000)")
    parts = list(read_parts(relation, ["n", "amount", "not_there"]))
    assert [len(part) for part in parts] == [100_000, 100_000, 50_000]
    assert list(parts[0].columns) == ["n", "amount"]
    assert parts[0]["amount"].dtype == "float64"
