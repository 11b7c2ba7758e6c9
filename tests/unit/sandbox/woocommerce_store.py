"""A WooCommerce store of the sandbox, running on loopback, and a client that holds its keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from perennial.sandbox.server import Sandbox, running
from perennial.sandbox.woocommerce.api import WoocommerceApi

KEYS = ("ck_sandbox", "sandbox-woocommerce-token")
ROOT = "/woocommerce/wp-json/wc/v3"


class Store:
    """One server for many tests; each puts a store of its own into it."""

    def __init__(self, address: str, sandbox: Sandbox) -> None:
        self.address, self.sandbox = address, sandbox
        self.client = httpx.Client(base_url=address + ROOT, auth=KEYS)

    @property
    def api(self) -> WoocommerceApi:
        api = self.sandbox.vendors["woocommerce"]
        assert isinstance(api, WoocommerceApi)
        return api

    def renew(self, api: WoocommerceApi) -> None:
        self.sandbox.vendors["woocommerce"] = api
        self.sandbox.faults.disarm()

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.client.get(path, params=params)

    def ids(self, path: str, **params: Any) -> list[int]:
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return [record["id"] for record in answer.json()]

    def everything(self, path: str, **params: Any) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        params = {"per_page": 100, "orderby": "id", "order": "asc", **params}
        while answer := self.get(path, offset=len(records), **params).json():
            records += answer
        return records


@contextmanager
def running_store(sandbox: Sandbox) -> Iterator[Store]:
    with running(sandbox.app()) as address:
        store = Store(address, sandbox)
        with store.client:
            yield store
