"""What a call to Klaviyo asks for, read from its query and checked against what the endpoint allows.

What lives here: page size, cursor, sort, filter, sparse fields, inclusion, additional fields. What does not: finding
and handing over what was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perennial.sandbox.core import Asked
from perennial.sandbox.klaviyo.endpoints import CHANNELS, ENDPOINTS, Endpoint
from perennial.sandbox.klaviyo.filters import BadFilter, Condition, Kind, conditions


class BadQuestion(Exception):
    """The call cannot be answered: why, and which parameter is to blame."""

    def __init__(self, detail: str, parameter: str | None = None) -> None:
        super().__init__(detail)
        self.detail, self.parameter = detail, parameter


@dataclass(frozen=True)
class Question:
    """One call, read. `fields` are the attributes wanted per type; a type that is not in it is wanted whole."""

    sort: str
    descending: bool
    size: int
    cursor: str | None
    filter: str
    conditions: tuple[Condition, ...]
    include: tuple[str, ...]
    additional: tuple[str, ...]
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def direction(self) -> str:
        return f"-{self.sort}" if self.descending else self.sort


def question(endpoint: Endpoint, asked: Asked, single: bool) -> Question:
    """Raises BadQuestion for whatever the endpoint does not allow."""
    params = asked.params
    _check_names(endpoint, params, single)
    sort = params.get("sort", endpoint.default_sort)
    if "sort" in params and sort.removeprefix("-") not in endpoint.sorts:
        raise BadQuestion(f"Sorting by this is not supported; {_listed(endpoint.sorts)} are.", "sort")
    return Question(
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        size=_size(endpoint, params),
        cursor=params.get("page[cursor]"),
        filter=params.get("filter", ""),
        conditions=() if single else _conditions(endpoint, params),
        include=_chosen(params, "include", tuple(endpoint.includes)),
        additional=_chosen(params, f"additional-fields[{endpoint.type}]", endpoint.additional),
        fields={
            name[7:-1]: frozenset(filter(None, value.split(",")))
            for name, value in params.items()
            if name.startswith("fields[")
        },
        params=params,
    )


def _check_names(endpoint: Endpoint, params: Mapping[str, str], single: bool) -> None:
    known = {f"fields[{endpoint.type}]"}
    known |= {f"fields[{_type(collection)}]" for collection in endpoint.includes.values()}
    if endpoint.includes:
        known.add("include")
    if endpoint.additional:
        known.add(f"additional-fields[{endpoint.type}]")
    if not single:
        known |= {"filter", "page[cursor]"}
        known |= {"sort"} if endpoint.sorts else set()
        known |= {"page[size]"} if endpoint.takes_size else set()
    for name in params:
        if name not in known:
            raise BadQuestion(f"{name} is not a supported query parameter of this endpoint.", name)


def _type(collection: str) -> str:
    return ENDPOINTS[collection].type if collection in ENDPOINTS else collection.removesuffix("s")


def _size(endpoint: Endpoint, params: Mapping[str, str]) -> int:
    text = params.get("page[size]", str(endpoint.page_default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= endpoint.page_max:
        raise BadQuestion(f"Page size must be an integer between 1 and {endpoint.page_max}.", "page[size]")
    return int(text)


def _chosen(params: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    chosen = tuple(filter(None, params.get(name, "").split(",")))
    if not set(chosen) <= set(allowed):
        raise BadQuestion(f"{name} allows {_listed(allowed)}.", name)
    return chosen


def _conditions(endpoint: Endpoint, params: Mapping[str, str]) -> tuple[Condition, ...]:
    def kind(field: str) -> Kind:
        if field not in endpoint.filters:
            raise BadFilter(f"filtering by {field} is not supported")
        return endpoint.kinds[field]

    try:
        read = tuple(conditions(params["filter"], kind)) if params.get("filter") else ()
        for each in read:
            if each.operator not in endpoint.filters[each.field]:
                raise BadFilter(f"{each.field} allows {_listed(endpoint.filters[each.field])}")
            if each.field == "messages.channel" and each.value not in CHANNELS:
                raise BadFilter(f"the channel is one of {_listed(CHANNELS)}")
    except BadFilter as error:
        raise BadQuestion(f"Invalid filter provided: {error}.", "filter") from error
    if endpoint.must_filter and endpoint.must_filter not in {each.field for each in read}:
        raise BadQuestion("A channel filter is required to list campaigns.", "filter")
    return read


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"
