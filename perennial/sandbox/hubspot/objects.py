"""Reads of CRM objects in the HubSpot sandbox, other than search: lists, one record, batches, links between records.

What lives here: GET lists and single records, batch/read, associations batch/read. What does not: search (search.py).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any
from urllib.parse import urlencode

from perennial.sandbox.core import Answer, Asked, page
from perennial.sandbox.hubspot.bodies import batch, body_of, flag, input_ids, inputs_of, limit_of, listed, texts
from perennial.sandbox.hubspot.errors import invalid, missing_objects, refuse
from perennial.sandbox.hubspot.schema import object_type, singular
from perennial.sandbox.hubspot.store import Record, Store, number

LIST_MAX, BATCH_MAX, HISTORY_MAX = 100, 100, 50
LINK_INPUTS_MAX, LINKS_PAGE = 1_000, 500
URL_MAX = 8_000
_TYPE_IDS = {("deals", "contacts"): 3, ("contacts", "deals"): 4, ("meetings", "contacts"): 200}


def answer_list(store: Store, kind: str, asked: Asked) -> Answer:
    """A page of a list in the order of ids; `after` is the id that the page begins with."""
    with_history = listed(asked, "propertiesWithHistory")
    limit = limit_of(asked, HISTORY_MAX if with_history else LIST_MAX, 10)
    archived = flag(asked, "archived")
    ids = store.ids(kind, archived)
    after = asked.params.get("after", "0")
    if not after.isdigit():
        raise invalid("after is none of this list's")
    start = bisect_left(ids, number(after), key=number)
    found = page(ids, start, limit, asked.fault)
    others = _other_types(asked)
    results = []
    for name in found.items:
        shown = store.cut(kind, store.objects[kind][name], listed(asked, "properties"), with_history)
        links = store.inline_links(kind, name, others)
        results.append(shown | ({"associations": links} if links else {}))
    content: dict[str, Any] = {"results": results}
    if found.next_start is not None:
        content["paging"] = {"next": _next(asked, ids[found.next_start])}
    return Answer(200, content, records=len(results), ids=tuple(found.items))


def _next(asked: Asked, after: str) -> dict[str, str]:
    names = ("limit", "archived")
    kept = [(name, asked.params[name]) for name in names if name in asked.params]
    kept += [
        (name, value)
        for name in ("properties", "propertiesWithHistory", "associations")
        if (value := ",".join(listed(asked, name)))
    ]
    return {"after": after, "link": f"{asked.base_url}{asked.path}?{urlencode([*kept, ('after', after)])}"}


def _other_types(asked: Asked) -> list[str]:
    others = []
    for text in listed(asked, "associations"):
        other = object_type(text)
        if other is None:
            raise invalid(f"Unable to infer object type from: {text}")
        others.append(other)
    return others


def answer_one(store: Store, kind: str, name: str, asked: Asked) -> Answer:
    record = store.find(kind, name, asked.params.get("idProperty"), flag(asked, "archived"))
    if record is None:
        raise refuse(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")
    with_history = listed(asked, "propertiesWithHistory")
    shown = store.cut(kind, record, listed(asked, "properties"), with_history)
    links = store.inline_links(kind, record["id"], _other_types(asked))
    return Answer(200, shown | ({"associations": links} if links else {}), records=1, ids=(record["id"],))


def answer_batch(store: Store, kind: str, asked: Asked, partly: int) -> Answer:
    """batch/read; `partly` is the status where some ids are missing."""
    body = body_of(asked)
    properties, with_history = texts(body, "properties"), texts(body, "propertiesWithHistory")
    names = input_ids(body, HISTORY_MAX if with_history else BATCH_MAX)
    archived, id_property = flag(asked, "archived"), body.get("idProperty")
    broken, errors = _spoiled(kind, names, asked)
    found: list[Record] = []
    missing = []
    for name in names:
        if name in broken:
            continue
        record = store.find(kind, name, id_property, archived)
        if record is None:
            missing.append(name)
        else:
            found.append(record)
    if missing:
        errors.append(missing_objects(kind, missing))
    content = batch(asked, [store.cut(kind, each, properties, with_history) for each in found], errors)
    return Answer(partly if errors else 200, content, records=len(found), ids=tuple(each["id"] for each in found))


def _spoiled(kind: str, names: list[str], asked: Asked) -> tuple[set[str], list[dict[str, Any]]]:
    """The fault mixed_207: every second input fails, though it is there."""
    if asked.fault is None or not asked.has_fault("mixed_207"):
        return set(), []
    broken = names[::2]
    category = str(asked.fault.options.get("category", "INTERNAL_ERROR"))
    return set(broken), [missing_objects(kind, broken, category)]


def answer_links(store: Store, kind: str, other: str, asked: Asked, partly: int) -> Answer:
    """associations batch/read. Whoever is linked to nobody is an error of the batch."""
    inputs = inputs_of(body_of(asked), LINK_INPUTS_MAX)
    results, errors = [], []
    for given in inputs:
        if not isinstance(given, dict) or not isinstance(given.get("id"), str):
            raise invalid("every input has an id, a text")
        name, after = given["id"], str(given.get("after") or "0")
        links = store.links(kind, name, other)
        if not links or not after.isdigit():
            errors.append(_no_links(kind, name, other))
            continue
        found = page(links, int(after), LINKS_PAGE)
        kinds = [{"category": "HUBSPOT_DEFINED", "typeId": _TYPE_IDS.get((kind, other), 1), "label": None}]
        result: dict[str, Any] = {
            "from": {"id": name},
            "to": [{"toObjectId": number(each)[0], "associationTypes": kinds} for each in found.items],
        }
        if found.next_start is not None:
            result["paging"] = {"next": {"after": str(found.next_start)}}
        results.append(result)
    return Answer(partly if errors else 200, batch(asked, results, errors), records=len(results))


def _no_links(kind: str, name: str, other: str) -> dict[str, Any]:
    one, another = singular(kind), singular(other)
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No {another} is associated with {one} {name}.",
        "context": {"fromObjectId": [name], "fromObjectType": [one], "toObjectType": [another]},
    }
