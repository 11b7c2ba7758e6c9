"""No more of a page of Klaviyo's than is needed: the link to the next one, a few items, or their ids.

What lives here: finding these in the text of a page that is built as Klaviyo builds them. What does not: asking
(adapter.py), what lands (lists.py). To parse a page takes longer than to fetch it, and DuckDB parses all of it when it
lands: what is damaged in its middle is found there. A page that begins or ends otherwise, and one whose ids do not add
up, is parsed whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from perennial.sources.api.http import Reply

WATCHED = 20  # items of a page whose shape is looked at
_LONGEST_LINKS = 16 * 1024
_BEGINS = re.compile(rb'\s*\{\s*"data"\s*:\s*\[')
# an object of texts and nulls that ends with the page is the page's own: inside a text its quotation marks are escaped
_LINKS = re.compile(rb'\],"links":(\{(?:"[^"\\]*"|[\s:,a-z])*+\})\}\s*\Z')
# every item has its attributes once, and what it is related to has none
_ATTRIBUTES = b'"attributes":'


@dataclass(frozen=True)
class Glance:
    """A page as it came, how many items it has, and a few of them."""

    content: bytes
    count: int
    watched: Sequence[Any]


# Each of these takes an answer and the type of a list's items, and returns what it made of it and the link to the next
# page. It raises Unusable where the answer is no page.


def whole(reply: Reply, kind: str) -> tuple[Reply, str | None]:
    """A page of which everything is needed."""
    return reply, reply.json()["links"]["next"]


def glance(reply: Reply, kind: str) -> tuple[Glance, str | None]:
    """A page that lands as it is."""
    links = _links(reply)
    items = _first(reply.content, kind, WATCHED) if links is not None else None
    count = reply.content.count(_ATTRIBUTES)
    if links is None or items is None or count != reply.content.count(_beginning(kind)):
        body = reply.json()
        return Glance(reply.content, len(body["data"]), body["data"][:WATCHED]), body["links"]["next"]
    return Glance(reply.content, count, items), links["next"]


def ids(reply: Reply, kind: str) -> tuple[Sequence[str], str | None]:
    """The ids of a page's items."""
    links = _links(reply)
    if links is not None:
        found = re.findall(rb'\{"type":"%s","id":"([^"\\]+)"' % kind.encode(), reply.content)
        if len(found) == reply.content.count(_ATTRIBUTES):
            return [each.decode() for each in found], links["next"]
    body = reply.json()
    return [each["id"] for each in body["data"]], body["links"]["next"]


def _links(reply: Reply) -> dict[str, Any] | None:
    """The links of a page that begins with its items and ends with them; none where it must be parsed."""
    content = reply.content
    if reply.status != 200 or _BEGINS.match(content) is None:
        return None
    found = _LINKS.search(content, max(0, len(content) - _LONGEST_LINKS))
    try:
        links = orjson.loads(found[1]) if found is not None else None
    except orjson.JSONDecodeError:
        return None
    return links if isinstance(links, dict) and "next" in links else None


def _beginning(kind: str) -> bytes:
    """How an item begins."""
    return b'{"type":"%s",' % kind.encode()


def _first(content: bytes, kind: str, most: int) -> list[Any] | None:
    """The first items of a page; none where they do not begin with their type, or are fewer."""
    begins, at = _beginning(kind), 0
    for _ in range(most + 1):
        at = content.find(begins, at + 1)
        if at < 0:
            return None
    try:
        page = orjson.loads(content[:at].rstrip().removesuffix(b",") + b"]}")
    except orjson.JSONDecodeError:
        return None
    return list(page["data"][:most])
