"""What the queries to Shopify are made of.

What lives here: one query with its texts, how ids and money are read. What does not: which fields are asked for
(queries.py, orders.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perennial.config.vendors.shopify import Settings
from perennial.sources.base import Form, Rows

MONEY = {"shopMoney": {"amount": "text", "currencyCode": "text"}}
MONEY_TEXT = "{ shopMoney { amount currencyCode } }"
PAGE_INFO = {"hasNextPage": "boolean", "endCursor": "text"}
PAGE_INFO_TEXT = "pageInfo { hasNextPage endCursor }"
# gid://shopify/Order/1 → 1; split_part does the same at three times the cost, through a list of all parts
_NUMBER = "parse_filename({}, false, 'forward_slash')"


def number(path: str) -> str:
    return _NUMBER.format(path)


def amount(path: str) -> str:
    return f"{path}.shopMoney.amount"


@dataclass(frozen=True)
class Query:
    """One stream: the root field, the node's selection in a page and in a bulk query, and the forms they take.

    more_lines: what to ask for the lines that a page did not show. lists_refunds: its rows are the orders' refunds.
    finds_deleted: the table of whose items it lists all ids, those that are left.
    """

    name: str
    root: str
    table: str
    key: str
    node: str
    forms: Mapping[str, Form]
    sort: str = "UPDATED_AT"
    largest_page: int = 250
    filter: str | None = None
    bulk_node: str | None = None
    more_lines: str | None = None
    lists_refunds: bool = False
    finds_deleted: str | None = None
    metafield: bool = False

    def page_text(self, source: Settings, sort: str) -> str:
        return pages_of(self.root, self._node(self.node, source), sort)

    def bulk_text(self, source: Settings, wanted: str | None) -> str:
        searched = "" if wanted is None else f'(query: "{wanted}")'
        return f"{{ {self.root}{searched} {{ edges {{ node {{ {self._node(str(self.bulk_node), source)} }} }} }} }}"

    def _node(self, node: str, source: Settings) -> str:
        if not self.metafield or source.warranty_metafield is None:
            return node
        namespace, _, key = source.warranty_metafield.partition(".")
        return f'{node} metafield(namespace: "{namespace}", key: "{key}") {{ value }}'


def pages_of(root: str, node: str, sort: str) -> str:
    return (
        f"query($n: Int!, $after: String, $q: String) {{ {root}(first: $n, after: $after, query: $q,"
        f" sortKey: {sort}) {{ edges {{ node {{ {node} }} }} {PAGE_INFO_TEXT} }} }}"
    )


def more_lines_of(kind: str, line: str) -> str:
    """The lines of one record, from a place on."""
    return (
        f"query($id: ID!, $after: String) {{ node(id: $id) {{ ... on {kind} {{ id lineItems(first: 50, after: $after)"
        f" {{ edges {{ node {{ {line} }} }} {PAGE_INFO_TEXT} }} }} }} }}"
    )


def page_form(root: str, item: Mapping[str, Any], *rows: Rows) -> Form:
    return Form(f"data.{root}.edges[].node", item, rows)


def more_lines_form(line: Mapping[str, Any], rows: Rows) -> Form:
    return Form("data.node.lineItems.edges[].node", line, [rows], ["parent", "updated"])
