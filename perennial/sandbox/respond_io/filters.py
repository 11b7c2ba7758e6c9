"""The filter of respond.io's contact list: what it may say, and whom it lets through.

What lives here: checking and applying `{search, timezone, filter}`. What does not: paging and HTTP (api.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from perennial.sandbox.core import moment

Contact = Mapping[str, Any]
CATEGORIES = ("contactField", "contactTag", "lifecycle")
OPERATORS = (
    "isEqualTo", "isNotEqualTo", "isTimestampAfter", "isTimestampBefore", "isTimestampBetween", "exists",
    "doesNotExist", "isGreaterThan", "isLessThan", "isBetween", "hasAnyOf", "hasAllOf", "hasNoneOf",
)  # fmt: skip
_WITHOUT_VALUE = ("exists", "doesNotExist")
_BODY_KEYS = {"search", "timezone", "filter"}


class Refused(Exception):
    """The filter is not one the vendor takes: says why."""


class UnknownLifecycle(Exception):
    """The filter names a lifecycle stage that the workspace does not have."""


def wanted(body: Any, lifecycles: Collection[str]) -> Callable[[Contact], bool] | None:
    """Whom the body of a list request asks for; None is everybody. Raises Refused or UnknownLifecycle."""
    if not isinstance(body, dict) or not isinstance(body.get("filter"), dict):
        raise Refused("filter must be an object")
    if unknown := sorted(set(body) - _BODY_KEYS):
        raise Refused(f"property {unknown[0]} should not exist")
    _check_zone(body.get("timezone"))
    joined = {name: body["filter"].get(name, []) for name in ("$and", "$or")}
    if set(body["filter"]) - set(joined) or not all(isinstance(each, list) for each in joined.values()):
        raise Refused("filter must hold $and or $or lists")
    every = [_condition(each, lifecycles) for each in joined["$and"]]
    some = [_condition(each, lifecycles) for each in joined["$or"]]
    search = str(body.get("search") or "").casefold()
    if not (every or some or search):
        return None

    def passes(contact: Contact) -> bool:
        found = not search or any(
            search in str(contact.get(name) or "").casefold() for name in ("firstName", "lastName", "phone", "email")
        )
        return found and all(each(contact) for each in every) and (not some or any(each(contact) for each in some))

    return passes


def _check_zone(name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise Refused("timezone should not be empty")
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise Refused("timezone must be a valid time zone") from error


def _condition(given: Any, lifecycles: Collection[str]) -> Callable[[Contact], bool]:
    if not isinstance(given, dict) or given.get("category") not in CATEGORIES:
        raise Refused(f"category must be one of {', '.join(CATEGORIES)}")
    operator, value = given.get("operator"), given.get("value")
    if operator not in OPERATORS:
        raise Refused(f"operator must be one of {', '.join(OPERATORS)}")
    if operator not in _WITHOUT_VALUE and value in (None, "", []):
        raise Refused("value should not be empty")
    if given["category"] == "lifecycle" and value is not None:
        for name in value if isinstance(value, list) else [value]:
            if name not in lifecycles:
                raise UnknownLifecycle
    read = _reader(given["category"], given.get("field"))
    test = _test(str(operator), value)
    return lambda contact: test(read(contact))


def _reader(category: str, name: Any) -> Callable[[Contact], Any]:
    if category == "contactTag":
        return lambda contact: contact.get("tags") or []
    if category == "lifecycle":
        return lambda contact: contact.get("lifecycle")
    if not isinstance(name, str) or not name:
        raise Refused("field should not be empty")

    def field(contact: Contact) -> Any:
        if name in contact:
            return contact[name]
        return next((each["value"] for each in contact.get("custom_fields") or [] if each["name"] == name), None)

    return field


def _test(operator: str, value: Any) -> Callable[[Any], bool]:
    if operator in ("exists", "doesNotExist"):
        return lambda held: (held in (None, "", [])) == (operator == "doesNotExist")
    if operator in ("isEqualTo", "isNotEqualTo"):
        return lambda held: (_text(held) == _text(value)) == (operator == "isEqualTo")
    if operator.startswith("has"):
        if not isinstance(value, list):
            raise Refused("value must be a list")
        chosen = {_text(each) for each in value}
        return lambda held: _has(
            operator, {_text(each) for each in (held if isinstance(held, list) else [held])}, chosen
        )
    low, high = _bounds(operator, value)
    return lambda held: _between(held, low, high)


def _has(operator: str, held: set[str], chosen: set[str]) -> bool:
    if operator == "hasAllOf":
        return chosen <= held
    return bool(chosen & held) == (operator == "hasAnyOf")


def _as_list(held: Any) -> list[Any]:
    return held if isinstance(held, list) else [held]


def _bounds(operator: str, value: Any) -> tuple[float | None, float | None]:
    if operator in ("isTimestampBetween", "isBetween"):
        if not isinstance(value, dict) or not {"from", "to"} <= set(value):
            raise Refused("value must hold from and to")
        return _number(value["from"]), _number(value["to"])
    bound = _number(value)
    return (bound, None) if operator in ("isTimestampAfter", "isGreaterThan") else (None, bound)


def _between(held: Any, low: float | None, high: float | None) -> bool:
    try:
        number = _number(held)
    except Refused:
        return False
    return (low is None or number > low) and (high is None or number < high)


def _number(value: Any) -> float:
    """A number, or a time as seconds since 1970."""
    if isinstance(value, bool) or value is None:
        raise Refused("value must be a number or a time")
    if isinstance(value, int | float):
        return float(value)
    text = str(value)
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return moment(text).timestamp()
    except ValueError as error:
        raise Refused("value must be a number or a time") from error


def _text(value: Any) -> str:
    return "" if value is None else str(value)
