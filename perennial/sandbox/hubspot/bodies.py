"""Reading what a request to the HubSpot sandbox says: JSON bodies, query parameters, batch inputs.

What lives here: checks that every route shares. What does not: what is done with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from perennial.sandbox.core import JSON, Asked, iso
from perennial.sandbox.hubspot.errors import invalid, refuse


def body_of(asked: Asked) -> dict[str, Any]:
    """The body as a JSON object."""
    if not asked.headers.get("content-type", "").lower().startswith(JSON):
        raise refuse(415, "VALIDATION_ERROR", "The content type must be application/json")
    try:
        body = asked.json()
    except ValueError:
        raise invalid("Invalid input JSON") from None
    if not isinstance(body, dict):
        raise invalid("Invalid input JSON: an object is expected")
    return body


def texts(body: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts in a body; none where it is left out."""
    value = body.get(name) or []
    if not isinstance(value, list) or any(not isinstance(each, str) for each in value):
        raise invalid(f"{name} is a list of texts")
    return value


def listed(asked: Asked, name: str) -> list[str]:
    """A query parameter that may hold commas and may come more than once."""
    given = parse_qs(asked.query).get(name, [])
    return [part.strip() for value in given for part in value.split(",") if part.strip()]


def limit_of(asked: Asked, most: int, default: int) -> int:
    text = asked.params.get("limit", str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise invalid(f"limit must be between 1 and {most}")
    return int(text)


def flag(asked: Asked, name: str) -> bool:
    text = asked.params.get(name, "false").lower()
    if text not in ("true", "false"):
        raise invalid(f"{name} is neither true nor false")
    return text == "true"


def inputs_of(body: Mapping[str, Any], most: int) -> list[Any]:
    inputs = body.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise invalid("inputs is a list that holds something")
    if len(inputs) > most:
        raise invalid(f"inputs holds {len(inputs)}, more than {most}")
    return inputs


def input_ids(body: Mapping[str, Any], most: int) -> list[str]:
    """The ids of `inputs`: [{id}]. The same id twice refuses the batch."""
    ids: list[str] = []
    for each in inputs_of(body, most):
        if not isinstance(each, dict) or not isinstance(each.get("id"), str):
            raise invalid("every input has an id, a text")
        ids.append(each["id"])
    twice = sorted({each for each in ids if ids.count(each) > 1})
    if twice:
        raise invalid("Duplicate IDs found in batch input", ids=twice)
    return ids


def batch(asked: Asked, results: list[Any], errors: list[Any]) -> dict[str, Any]:
    """The frame of a batch answer."""
    at = iso(asked.now, milliseconds=True)
    content: dict[str, Any] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
    if errors:
        content |= {"numErrors": len(errors), "errors": errors}
    return content
