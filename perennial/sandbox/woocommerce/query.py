"""What a list request asks for, checked as WordPress checks it: bounds, closed lists, dates. Unknown names are ignored.

What lives here: the parameters of each list and the refusal of a wrong one. What does not: choosing records (lists.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from perennial.sandbox.woocommerce.shapes import ORDER_STATUSES, PRODUCT_STATUSES, TRASH

MAX_PER_PAGE = 100
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}(:\d{2})?)?")
_DATES = ("after", "before", "modified_after", "modified_before")
_TRUE, _FALSE = ("1", "true"), ("0", "false", "")
# Parameters a real store honours and this one does not: refused aloud, where ignoring them would mislead a test.
_NOT_PLAYED = (
    "search", "product", "parent", "parent_exclude", "slug", "sku", "category", "tag", "type", "created_via", "dp",
    "consumer_key", "consumer_secret",
)  # fmt: skip
ROLES = ("all", "administrator", "editor", "author", "contributor", "subscriber", "customer", "shop_manager")


class Refused(Exception):
    """An answer in WordPress's own form."""

    def __init__(self, status: int, code: str, message: str, **data: Any) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.data = status, code, message, data

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "data": {"status": self.status, **self.data}}


@dataclass(frozen=True)
class Rules:
    """What one list accepts."""

    orderby: tuple[str, ...]
    default_orderby: str
    default_order: str
    has_dates: bool = True
    statuses: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


_POSTS = ("date", "id", "include", "title", "slug", "modified")
RULES = {
    "orders": Rules(_POSTS, "date", "desc", statuses=("any", TRASH, *ORDER_STATUSES)),
    "products": Rules(
        (*_POSTS, "price", "popularity", "rating", "menu_order"), "date", "desc",
        statuses=("any", "future", TRASH, *PRODUCT_STATUSES),
    ),
    "refunds": Rules(_POSTS, "date", "desc"),
    "customers": Rules(("id", "include", "name", "registered_date"), "name", "asc", has_dates=False, roles=ROLES),
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """One list request, checked."""

    page: int
    per_page: int
    offset: int | None
    order: str
    orderby: str
    include: tuple[int, ...]
    exclude: tuple[int, ...]
    dates: Mapping[str, str]
    dates_are_gmt: bool
    statuses: tuple[str, ...]
    role: str
    customer: int | None
    email: str | None
    fields: tuple[str, ...]
    same_list: tuple[tuple[str, str], ...] = field(default=(), compare=False)  # the query without its place in the list

    @property
    def start(self) -> int:
        return (self.page - 1) * self.per_page if self.offset is None else self.offset


def read(collection: str, query: str) -> Wanted:
    """The list request of a query string. Raises Refused."""
    rules = RULES[collection]
    given = _given(query)
    wrong: dict[str, str] = {}

    def one(name: str, default: str) -> str:
        return given.get(name, [default])[-1]

    def checked(name: str, default: Any, check: Callable[[str], Any]) -> Any:
        if name not in given:
            return default
        try:
            return check(one(name, ""))
        except ValueError as problem:
            wrong[name] = str(problem)
            return default

    wanted = Wanted(
        page=checked("page", 1, lambda text: _whole("page", text, 1)),
        per_page=checked("per_page", 10, lambda text: _whole("per_page", text, 1, MAX_PER_PAGE)),
        offset=checked("offset", None, lambda text: _whole("offset", text, 0)),
        order=checked("order", rules.default_order, lambda text: _one_of("order", text, ("asc", "desc"))),
        orderby=checked("orderby", rules.default_orderby, lambda text: _one_of("orderby", text, rules.orderby)),
        include=_ids(given.get("include", []), "include", wrong),
        exclude=_ids(given.get("exclude", []), "exclude", wrong),
        dates={name: checked(name, "", _date) for name in _DATES if name in given and rules.has_dates},
        dates_are_gmt=rules.has_dates and checked("dates_are_gmt", False, _boolean),
        statuses=_statuses(given.get("status", []), rules, wrong),
        role=checked("role", "customer", lambda text: _one_of("role", text, rules.roles)) if rules.roles else "all",
        customer=checked("customer", None, lambda text: _whole("customer", text, 0)),
        email=one("email", "") or None,
        fields=tuple(name.strip() for name in one("_fields", "").split(",") if name.strip()),
        same_list=tuple(sorted((name, ",".join(texts)) for name, texts in given.items() if name not in _PLACE)),
    )
    if wrong:
        raise Refused(400, "rest_invalid_param", f"Invalid parameter(s): {', '.join(wrong)}", params=wrong)
    _refuse_what_is_not_played(given)
    return wanted


_PLACE = ("page", "offset")


def _given(query: str) -> dict[str, list[str]]:
    """Name → texts; `status[]=a&status[]=b`, `status[0]=a` and `status=a,b` are all lists."""
    given: dict[str, list[str]] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        given.setdefault(re.sub(r"\[\d*\]$", "", name), []).append(text)
    return given


def _refuse_what_is_not_played(given: Mapping[str, list[str]]) -> None:
    missing = [name for name in _NOT_PLAYED if name in given]
    if given.get("context", ["view"])[-1] != "view":
        missing.append("context")
    if missing:
        raise Refused(501, "sandbox_not_played", f"The sandbox does not play: {', '.join(missing)}")


def _whole(name: str, text: str, low: int, high: int | None = None) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError(f"{name} is not of type integer.")
    number = int(text)
    if high is not None and not low <= number <= high:
        raise ValueError(f"{name} must be between {low} (inclusive) and {high} (inclusive)")
    if number < low:
        raise ValueError(f"{name} must be greater than or equal to {low}")
    return number


def _one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise ValueError(f"{name} is not one of {', '.join(allowed)}.")
    return text


def _date(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError("Invalid date.")
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("Invalid date.") from None
    return text


def _boolean(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError("dates_are_gmt is not of type boolean.")


def _parts(texts: list[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _ids(texts: list[str], name: str, wrong: dict[str, str]) -> tuple[int, ...]:
    parts = _parts(texts)
    if not all(re.fullmatch(r"[0-9]{1,18}", part) for part in parts):
        wrong[name] = f"{name}[0] is not of type integer."
        return ()
    return tuple(int(part) for part in parts)


def _statuses(texts: list[str], rules: Rules, wrong: dict[str, str]) -> tuple[str, ...]:
    parts = _parts(texts) if rules.statuses else []
    for place, part in enumerate(parts):
        if part not in rules.statuses:
            wrong["status"] = f"status[{place}] is not one of {', '.join(rules.statuses)}."
            return ()
    return tuple(parts)
