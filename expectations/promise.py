"""What a promise at a border is, and what came of checking it: plain objects, so that the suites need no library.

What lives here: Promise and Finding. What does not: the promises themselves (arriving/,
departing/) and checking them (runner.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PART_ROWS = 100_000  # the most rows a check sees at once: memory stays bounded whatever arrives


@dataclass(frozen=True)
class Promise:
    """One promise about one column. `kind` is the name of a Great Expectations expectation class.

    `mostly` is the share of the filled values that must keep it, over all parts together.
    """

    sentence: str
    column: str
    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)
    mostly: float = 1.0


@dataclass(frozen=True)
class Finding:
    """What came of one promise: counts only, never the values, since they may be somebody's."""

    promise: Promise
    checked_count: int
    broken_count: int
    problem: str | None = None  # the promise could not be checked at all

    @property
    def is_kept(self) -> bool:
        if self.problem is not None:
            return False
        allowed = self.checked_count * (1 - self.promise.mostly)
        return self.broken_count <= allowed + 1e-6  # 1 - 0.9 is not quite 0.1

    @property
    def sentence(self) -> str:
        if self.problem is not None:
            return f"{self.promise.sentence}: could not be checked: {self.problem}"
        text = f"{self.promise.sentence}: {self.broken_count} of {self.checked_count} values break it"
        return text if self.promise.mostly == 1.0 else f"{text} ({self.promise.mostly:.0%} must keep it)"


def failures(findings: list[Finding]) -> list[str]:
    """The broken promises, one sentence each."""
    return [finding.sentence for finding in findings if not finding.is_kept]


def filled(column: str) -> Promise:
    return Promise(f"{column} is filled", column, "ExpectColumnValuesToNotBeNull")


def shaped(column: str, sentence: str, pattern: str, mostly: float = 1.0) -> Promise:
    return Promise(sentence, column, "ExpectColumnValuesToMatchRegex", {"regex": pattern}, mostly)


def between(column: str, sentence: str, low: Any, high: Any, mostly: float = 1.0) -> Promise:
    return Promise(sentence, column, "ExpectColumnValuesToBeBetween", {"min_value": low, "max_value": high}, mostly)


def within(column: str, words: tuple[str, ...]) -> Promise:
    sentence = f"{column} is one of the words the contract knows"
    return Promise(sentence, column, "ExpectColumnValuesToBeInSet", {"value_set": list(words)})
