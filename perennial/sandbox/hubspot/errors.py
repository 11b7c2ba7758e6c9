"""Answers of the HubSpot sandbox that are no success, in HubSpot's own form.

What lives here: error bodies, statuses and the armed faults that are nothing but an answer. What does not: deciding
when one is due (api.py and its parts).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from perennial.sandbox.core import Answer, Asked
from perennial.sandbox.hubspot.schema import singular

_numbers = itertools.count(1)

# Faults that need no record to be played: name → (status, category, message, policy)
_POLICIES = {
    "ten_secondly": ("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit."),
    "secondly": ("SECONDLY", "You have reached your secondly limit."),
    "daily": ("DAILY", "You have reached your daily limit."),
}


class Refused(Exception):
    """Raised inside a handler to answer with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def error(status: int, category: str, message: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
    """HubSpot's error body; `more` are its optional parts (context, errors, links, policyName …)."""
    number = f"00000000-0000-4000-8000-{next(_numbers):012d}"
    body = {"status": "error", "message": message, "correlationId": number, "category": category, **more}
    return Answer(status, body, headers or {})


def refuse(status: int, category: str, message: str, **more: Any) -> Refused:
    return Refused(error(status, category, message, **more))


def invalid(message: str, code: str | None = None, **context: Sequence[str]) -> Refused:
    """400 VALIDATION_ERROR."""
    inner: dict[str, Any] = {"message": message}
    if code:
        inner["code"] = code
    return refuse(400, "VALIDATION_ERROR", message, errors=[inner], context=dict(context))


def rate_limited(name: str, headers: Mapping[str, str] | None = None) -> Answer:
    policy, message = _POLICIES[name]
    return error(429, "RATE_LIMITS", message, headers=headers, errorType="RATE_LIMIT", policyName=policy)


def not_authenticated() -> Answer:
    return error(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication.",
    )


def not_found(asked: Asked) -> Answer:
    return error(404, "OBJECT_NOT_FOUND", f"No resource at {asked.path}")


def missing_objects(kind: str, ids: Sequence[str], category: str = "OBJECT_NOT_FOUND") -> dict[str, Any]:
    """One entry of the `errors` of a batch answer."""
    message = f"Could not get some {singular(kind).upper()} objects"
    if category == "OBJECT_NOT_FOUND":
        message += ", they may be deleted or not exist. Check that ids are valid."
    return {
        "status": "error",
        "category": category,
        "message": message,
        "context": {"ids": list(ids)},
        "errors": [],
        "links": {},
    }


def played(asked: Asked) -> Answer | None:
    """The answer of an armed fault that is nothing but an answer."""
    if asked.fault is None:
        return None
    name, options = asked.fault.name, asked.fault.options
    if name in _POLICIES:
        return rate_limited(name)
    if name == "invalid_authentication":
        return not_authenticated()
    if name == "missing_scopes":
        scopes = list(options.get("scopes", ["crm.objects.contacts.read"]))
        return error(
            403,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call.",
            errors=[
                {"message": "One or more of the following scopes are required.", "context": {"requiredScopes": scopes}}
            ],
            links={"scopes": "https://developers.hubspot.com/scopes"},
        )
    if name == "locked":
        return error(423, "LOCKED", "A large number of writes is under way for this resource. Try again in 2 seconds.")
    if name == "migrating":
        wait = str(options.get("seconds", 2))
        return error(477, "MIGRATION_IN_PROGRESS", "This account is being migrated.", headers={"retry-after": wait})
    return None
