"""What arriving trade promises: orders, lines, refunds, checkouts, products, stock, deals and exchange rates."""

from __future__ import annotations

from datetime import datetime

from expectations.arriving.common import email_shape, iso_currency, natural_amount, past_time, phone_shape, sane_amount
from expectations.promise import Promise, between, filled, within
from perennial.config.contract import ORDER_STATUSES

Suites = dict[str, tuple[Promise, ...]]
_SANE_QUANTITY = between("quantity", "quantity is not absurd", -100_000, 100_000, mostly=0.999)


def suites(now: datetime) -> Suites:
    return {
        "shop_orders": (
            filled("order_id"), filled("ordered_at"), past_time("ordered_at", now), past_time("updated_at", now),
            iso_currency(), natural_amount("total_amount"), natural_amount("subtotal_amount"),
            natural_amount("discount_amount"), natural_amount("tax_amount"), natural_amount("shipping_amount"),
            within("status", ORDER_STATUSES), email_shape(), phone_shape(),
        ),
        "shop_order_lines": (
            filled("order_id"), filled("line_id"), _SANE_QUANTITY, sane_amount("unit_price_amount"),
            sane_amount("discount_amount"),
        ),
        "shop_refunds": (
            filled("refund_id"), past_time("refunded_at", now), natural_amount("amount"), natural_amount("tax_amount"),
            natural_amount("shipping_amount"), iso_currency(),
        ),
        "shop_checkouts": (
            filled("checkout_id"), past_time("started_at", now), past_time("completed_at", now),
            natural_amount("total_amount"), iso_currency(), email_shape(), phone_shape(),
        ),
        "shop_checkout_lines": (
            filled("checkout_id"), filled("line_id"), _SANE_QUANTITY, natural_amount("unit_price_amount"),
        ),
        "shop_products": (
            filled("product_id"), between("warranty_days", "warranty_days is below a lifetime", 0, 36_525, mostly=0.99),
        ),
        "stock_changes": (filled("product_id"), past_time("changed_at", now)),
        "crm_deals": (
            filled("deal_id"), past_time("created_at", now), sane_amount("amount"), iso_currency(),
            within("status", ("open", "won", "lost")),
        ),
        "exchange_rates": (
            iso_currency("currency"), iso_currency("quote_currency"),
            between("rate", "rate is positive and not absurd", 1e-7, 1e7),
        ),
    }  # fmt: skip
