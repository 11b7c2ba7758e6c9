"""Figures in sentences that people read.

What lives here: a number with its noun, so that nobody reads of 1 records. What does not: the sentences.
"""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """`1 record`, `9,000 records`, `no order` as `0 orders`; many where an s does not make the plural."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
