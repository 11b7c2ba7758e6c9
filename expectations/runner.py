"""The one door to Great Expectations: opens an ephemeral context, checks frames part by part, returns plain findings.

What lives here: the context, the translation of a Promise, adding up the parts. What does not: what is promised. The
library is imported on first use: it costs some six CPU seconds, so only the steps that check pay for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from expectations.promise import PART_ROWS, Finding, Promise

if TYPE_CHECKING:
    import pandas as pd

# counts only: no sample of broken values leaves the library, they may be somebody's address
_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}


def check(parts: Iterable[pd.DataFrame], promises: Sequence[Promise]) -> list[Finding]:
    """Check every promise on every part and add the parts up. No part at all keeps every promise."""
    checked = [0] * len(promises)
    broken = [0] * len(promises)
    problems: list[str | None] = [None] * len(promises)
    for part in parts:
        if len(part) > PART_ROWS:
            raise ValueError(f"a part holds {len(part)} rows; hand over at most {PART_ROWS} at a time")
        for place, (seen, unexpected, problem) in enumerate(_check_part(part, promises)):
            checked[place] += seen
            broken[place] += unexpected
            problems[place] = problems[place] or problem
    return [Finding(*counts) for counts in zip(promises, checked, broken, problems, strict=True)]


def _check_part(part: pd.DataFrame, promises: Sequence[Promise]) -> list[tuple[int, int, str | None]]:
    batch = _batch_definition().get_batch(batch_parameters={"dataframe": part})
    result = batch.validate(_suite(tuple(promises)), result_format=_COUNTS_ONLY)
    by_place = {each.expectation_config.meta["place"]: each for each in result.results}
    return [_counts(by_place[place]) for place in range(len(promises))]


def _counts(result: Any) -> tuple[int, int, str | None]:
    found = result.result or {}
    if "unexpected_count" not in found:
        return 0, 0, _problem(result.exception_info)
    return found["element_count"] - found.get("missing_count", 0), found["unexpected_count"], None


def _problem(information: dict[str, Any]) -> str:
    """The library's message, one line; it names columns and types, not values."""
    if "exception_message" in information:
        return str(information["exception_message"]).strip()
    messages = {str(each.get("exception_message")).strip() for each in information.values()}
    return "; ".join(sorted(messages)) or "no result"


@cache
def _library() -> Any:
    import great_expectations

    return great_expectations


@cache
def _batch_definition() -> Any:
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = _library().get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("parts")
    return source.add_dataframe_asset("part").add_batch_definition_whole_dataframe("whole")


def _suite(promises: tuple[Promise, ...]) -> Any:
    library = _library()
    return library.ExpectationSuite(
        name="promises",
        expectations=[_expectation(library, place, promise) for place, promise in enumerate(promises)],
    )


def _expectation(library: Any, place: int, promise: Promise) -> Any:
    kind = getattr(library.expectations, promise.kind)
    return kind(column=promise.column, meta={"place": place}, **promise.arguments)
