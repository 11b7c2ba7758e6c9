"""The rows that hang on orders: their lines, and the refunds, some of which name no order.

What lives here: two tables per shop. What does not: the orders themselves (orders.py).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perennial.demo.accounts import Accounts
from perennial.demo.catalogue import Catalogue
from perennial.demo.orders import (
    CANCELLED,
    PARTLY_REFUNDED,
    REFUND_ID_FROM,
    Orders,
    shop_times,
)
from perennial.demo.records import Exports, big_ids, money, texts, where
from perennial.demo.scale import DAY, NEVER, Scale


def add_lines(exports: Exports, catalogue: Catalogue, orders: Orders, shop: str) -> None:
    lines = orders.lines
    order, product = lines["order"].to_numpy(), lines["product"].to_numpy()
    product_id = catalogue.product_id[product] if shop == "shop" else texts("SKU-", product, 3)
    exports.add(
        shop,
        "shop_order_lines",
        pd.DataFrame(
            {
                "order_id": orders.order_id[order],
                "line_id": lines["line"],
                "product_id": product_id,
                "product_name": catalogue.name[product],
                "category": catalogue.category[product],
                "quantity": lines["quantity"],
                "unit_price_amount": money(lines["price"]),
                "discount_amount": money(lines["discount"]),
            }
        ),
    )


def add_refunds(exports: Exports, accounts: Accounts, orders: Orders, shop: str, scale: Scale) -> None:
    """Whole and partial refunds of orders; a few for cancelled orders; a few that name only the customer."""
    rng = scale.stream(f"refunds {shop}")
    unlinked = (orders.account >= 0) & (rng.random(orders.count) < 0.006)
    after_cancel = (orders.status == CANCELLED) & (rng.random(orders.count) < 0.2)
    refunded_at = np.select(
        [orders.refunded_at < NEVER, after_cancel, unlinked],
        [orders.refunded_at, orders.cancelled_at, orders.at + 20 * DAY],
        NEVER,
    )
    which = np.flatnonzero((refunded_at < scale.end) & (orders.goods > 0))
    names_order = ~unlinked[which] | (orders.refunded_at < NEVER)[which] | after_cancel[which]
    is_part = (orders.status[which] == PARTLY_REFUNDED) | ~names_order
    share = np.where(is_part, rng.integers(10, 80, len(which)), 100)
    goods = np.maximum(orders.goods[which] * share // 100, 1)
    shipping = np.where(is_part, 0, orders.shipping[which])
    by_account = orders.account[which] >= 0
    customer_id = accounts.customer_id[np.maximum(orders.account[which], 0)]
    order_id = orders.order_id[which]
    exports.add(
        shop,
        "shop_refunds",
        pd.DataFrame(
            {
                "refund_id": REFUND_ID_FROM + 7 * np.arange(len(which))
                if shop == "shop"
                else texts("R", 1 + np.arange(len(which))),
                "order_id": big_ids(names_order, order_id) if shop == "shop" else where(names_order, order_id),
                "customer_id": big_ids(by_account, customer_id) if shop == "shop" else where(by_account, customer_id),
                "refunded_at": shop_times(refunded_at[which], shop),
                "amount": money(goods),
                "tax_amount": money(goods // 5),
                "shipping_amount": money(shipping),
                "currency": orders.currency[which],
            }
        ),
    )


def add_exchange_rates(exports: Exports, scale: Scale) -> None:
    """A rate to the pound for every day and currency, weekends included."""
    rng = scale.stream("exchange rates")
    dates = pd.date_range(pd.Timestamp(scale.start, unit="s").normalize(), pd.Timestamp(scale.end, unit="s"), freq="D")
    for currency, level in (("EUR", 0.855), ("USD", 0.765)):
        rate = level * np.exp(np.cumsum(rng.normal(0, 0.0015, len(dates))))
        exports.add(
            "outlet",
            "exchange_rates",
            pd.DataFrame(
                {
                    "on_date": dates.date,
                    "currency": currency,
                    "quote_currency": "GBP",
                    "rate": np.round(rate, 6),
                }
            ),
        )
