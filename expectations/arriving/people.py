"""What arriving people promise: shop customers and CRM contacts."""

from __future__ import annotations

from datetime import datetime

from expectations.arriving.common import email_shape, past_time, phone_shape
from expectations.promise import Promise, between, filled

Suites = dict[str, tuple[Promise, ...]]


def suites(now: datetime) -> Suites:
    return {
        "shop_customers": (
            filled("customer_id"), email_shape(), phone_shape(), past_time("created_at", now),
            past_time("updated_at", now),
        ),
        "crm_contacts": (
            filled("contact_id"), email_shape(), phone_shape(), past_time("created_at", now),
            past_time("updated_at", now),
            between("birth_on", "birth_on is a living person's", datetime(1900, 1, 1).date(), now.date(), mostly=0.99),
        ),
    }  # fmt: skip
