"""Klaviyo's error answers: JSON:API error objects with its codes and titles.

What lives here: one function per error that a reader can meet. What does not: when they are given (api.py).
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping

from perennial.sandbox.core import Answer

CONTENT_TYPE = "application/vnd.api+json"


def error(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    parameter: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    source = {"pointer": "/data/"} if parameter is None else {"parameter": parameter}
    body = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{status} {code} {detail}")),
        "status": status, "code": code, "title": title, "detail": detail, "source": source, "links": {}, "meta": {},
    }  # fmt: skip
    return Answer(status, {"errors": [body]}, headers or {}, CONTENT_TYPE)


def invalid(detail: str, parameter: str | None = None) -> Answer:
    return error(400, "invalid", "Invalid input.", detail, parameter=parameter)


def not_authenticated() -> Answer:
    return error(
        401, "not_authenticated", "Authentication credentials were not provided.", "Missing or invalid private key."
    )


def not_found(detail: str = "The requested resource was not found.") -> Answer:
    return error(404, "not_found", "Not found.", detail)


def method_not_allowed(method: str) -> Answer:
    return error(405, "method_not_allowed", "Method not allowed.", f'Method "{method}" not allowed.')


def not_acceptable() -> Answer:
    return error(406, "not_acceptable", "Not acceptable.", "Could not satisfy the request Accept header.")


def missing_revision() -> Answer:
    return error(400, "invalid", "Invalid input.", "The revision header is required.", parameter="revision")


def retired_revision(revision: str) -> Answer:
    return error(410, "gone", "Revision retired.", f"The revision {revision} is retired.", parameter="revision")


def unknown_revision() -> Answer:
    return error(404, "not_found", "Not found.", "No valid revisions found for method.", parameter="revision")


def throttled(seconds: float) -> Answer:
    """The only refusal that says when to come again: in whole seconds, in a header."""
    wait = max(math.ceil(seconds), 1)
    return error(
        429, "throttled", "Request was throttled.", f"Request was throttled. Expected available in {wait} second(s).",
        headers={"Retry-After": str(wait)},
    )  # fmt: skip


def unavailable(status: int) -> Answer:
    return error(
        status, "service_unavailable", "Service unavailable.", "The service is not available. Try again later."
    )
