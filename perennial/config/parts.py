"""The parts of perennial.yml that several kinds of source share.

What lives here: Part, Source, and ApiSource, which every vendor's settings extend (perennial/config/vendors). What does
not: any one kind.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from perennial.config.addresses import NO_WEB_ADDRESS, has_password, is_web_address
from perennial.config.contract import ORDER_STATUSES
from perennial.config.problems import closest, quoted
from perennial.config.values import Country, Duration, Name, TimeZone, Variable


class Part(BaseModel):
    """A part of perennial.yml: fixed once read, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Source(Part):
    """What every source may set, whatever its kind."""

    kind: str
    brand: str | None = None
    time_zone: TimeZone = "UTC"
    stale_after: Duration | None = None
    country: Country | None = None
    treat_accepts_marketing_as: Literal["email"] | None = None
    shares_ids_with: Name | None = None
    status_map: dict[str, str] = {}

    @field_validator("status_map")
    @classmethod
    def _check_words(cls, value: dict[str, str]) -> dict[str, str]:
        words = {source.strip().lower(): word for source, word in value.items()}
        for source, word in words.items():
            if word not in ORDER_STATUSES:
                guess = closest(word, ORDER_STATUSES)
                remedy = f"did you mean `{guess}`?" if guess else f"known words: {', '.join(ORDER_STATUSES)}"
                raise ValueError(f"{quoted(word)} is not an order status; {remedy}")
            if source in ORDER_STATUSES and source != word:
                raise ValueError(f"{source!r} is a word of the contract and always means itself; remove it")
        return words


class ApiSource(Source):
    """What every source over a vendor's API may set. Vendors add how to sign in and change the defaults."""

    holds_withdrawals: ClassVar[bool] = True  # it may know that somebody said no: nobody joins while it cannot be read
    token_env: Variable
    base_url: str | None = None  # none: the vendor's own
    api_version: str
    page_size: int = Field(ge=1)
    requests_per_second: float = Field(gt=0)
    timeout_seconds: float = Field(default=60.0, gt=0, le=600)  # one answer, from the first byte sent to the last read
    call_seconds: float = Field(default=600.0, gt=0, le=7200)  # one call with all its repeats and waits
    overlap: Duration = timedelta(minutes=10)  # how far behind the newest row held a night begins to read
    since: date | None = None  # the first load begins here; none: everything there is
    max_missing: float = Field(default=0.3, ge=0, le=1)  # share of rows held that may be gone at once

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None and has_password(value):
            raise ValueError("holds a password; requests are signed with `token_env`, remove it from the address")
        if value is not None and not is_web_address(value):
            raise ValueError(NO_WEB_ADDRESS)
        return value.rstrip("/") if value is not None else None
