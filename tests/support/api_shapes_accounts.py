"""What every staging model owes the sample rows: each landed row that counts comes out, or is left out for a reason.

What lives here: per model, the rows it may make a row of and why one would be left out, said without looking at the
model's SQL. What does not: how many there are (tests/end_to_end/test_api_shapes.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.api_shapes import Delivery, Shapes

DELETED, NO_EVENT = "deleted at the vendor", "not an event of a message"


@dataclass(frozen=True)
class Account:
    """candidates: source_name, key and reason (null: has to come out) of every row, over {landed tables} as they count.

    key: the same key over the model's own columns.
    """

    model: str
    kind: str
    key: str
    candidates: str


def _plain(kind: str, model: str, table: str, key: str, theirs: str | None = None, reason: str = "null") -> Account:
    """A row of the model for each row of one landed table."""
    wanted = f"select source_name, {theirs or key} as key, {reason} as reason from {{{table}}}"
    return Account(f"stg_{kind}__{model}", kind, key, wanted)


def _lines(model: str, table: str, parent: str) -> Account:
    return _plain("shopify", model, table, f"concat({parent}, ':', line_id)")


_IS_DELETED = f"case when is_deleted then '{DELETED}' end"
_HISTORY = "'hs_email_optout', 'hs_email_hard_bounce_reason_enum'"
_UNSENT = f"""
    case when send_id is null and metric_id not in ('Placed Order') then 'names no message'
        when metric_id = 'Placed Order' then '{NO_EVENT}' end
"""
ACCOUNTS = (
    _plain("shopify", "shop_customers", "customers", "customer_id"),
    _plain("shopify", "shop_products", "products", "product_id"),
    _plain("shopify", "shop_orders", "orders", "order_id"),
    _lines("shop_order_lines", "order_lines", "order_id"),
    _plain("shopify", "shop_refunds", "refunds", "refund_id"),
    _plain("shopify", "shop_checkouts", "checkouts", "checkout_id"),
    _lines("shop_checkout_lines", "checkout_lines", "checkout_id"),
    Account(
        "stg_shopify__consents", "shopify", "concat(contact_ref, ':', channel)",
        """
        select source_name, concat(customer_id, ':', channel) as key,
            case when state is null then 'says nothing'
                when state not in ('SUBSCRIBED', 'UNSUBSCRIBED', 'INVALID', 'REDACTED') then 'no answer'
                when state = 'SUBSCRIBED' and told_at is null then 'agreed at no known time' end as reason
        from (
            select source_name, customer_id, 'email' as channel, email_state as state, email_state_changed_at as told_at
            from {customers}
            union all
            select source_name, customer_id, 'sms', phone_state, phone_state_changed_at from {customers}
        )
        """,
    ),
    Account(
        "stg_hubspot__crm_contacts", "hubspot", "contact_id",
        f"""
        select source_name, contact_id as key,
            case when is_deleted and contact_id not in (select merged_id from {{contact_merges}}) then '{DELETED}' end
                as reason
        from {{contacts}}
        union all
        select source_name, merged_id, null from {{contact_merges}}
        where merged_id not in (select contact_id from {{contacts}})
        """,
    ),
    _plain(
        "hubspot", "crm_stage_changes", "contact_changes", "change_id",
        reason="case when property <> 'lifecyclestage' then 'another property' end",
    ),
    Account(
        "stg_hubspot__consents", "hubspot", "contact_ref",
        f"""
        select source_name, change_id as key,
            case when property not in ({_HISTORY}) and property not like 'consent%' then 'another property' end as reason
        from {{contact_changes}}
        union all
        select source_name, contact_id, case when email_opted_out is not true then 'says nothing' end from {{contacts}}
        """,
    ),
    _plain("hubspot", "crm_deals", "deals", "deal_id", reason=_IS_DELETED),
    _plain("hubspot", "appointments", "meetings", "appointment_id", "meeting_id", _IS_DELETED),
    Account(
        "stg_hubspot__messages", "hubspot", "message_id",
        " union all ".join(
            f"select source_name, '{word}-' || engagement_id as key, {_IS_DELETED} as reason from {{{word}s}}"
            for word in ("call", "email", "communication")
        ),
    ),
    _plain("klaviyo", "crm_contacts", "profiles", "contact_id", "profile_id", _IS_DELETED),
    Account(
        "stg_klaviyo__campaigns", "klaviyo", "campaign_id",
        f"""
        select source_name, campaign_id as key, {_IS_DELETED} as reason from {{campaigns}}
        union all
        select source_name, flow_id, 'a flow, and none of its messages' from {{flows}}
        """,
    ),
    _plain("klaviyo", "message_events", "events", "event_id", reason=_UNSENT),
    Account(
        "stg_klaviyo__messages", "klaviyo", "message_id",
        f"""
        select source_name, coalesce(send_id, event_id) as key,
            coalesce({_UNSENT}, case when row_number() over (partition by source_name, send_id) > 1
                then 'another event of the message' end) as reason
        from {{events}}
        """,
    ),
    Account(
        "stg_klaviyo__consents", "klaviyo", "contact_ref",
        """
        select source_name, profile_id as key,
            case when coalesce(email_consent, sms_consent, push_consent, whatsapp_consent) is null
                and suppressed_at is null then 'says nothing' end as reason
        from {profiles}
        union all
        select source_name, event_id, case when not regexp_matches(metric_id, '(?i)subscri|consent')
            then 'not an answer' end
        from {events}
        """,
    ),
    _plain("woocommerce", "shop_products", "products", "product_id", reason=_IS_DELETED),
    _plain(
        "woocommerce", "stock_changes", "products", "product_id",
        reason="case when stock_status = 'instock' then 'in stock from the first' end",
    ),
)  # fmt: skip


def told(shapes: Shapes, account: Account) -> dict[str, tuple[Counter[str], Counter[str | None]]]:
    """Source → keys that have to come out, and how many rows are left out for which reason."""
    tables = set(re.findall(r"\{(\w+)\}", account.candidates))
    sql = account.candidates.format(**{table: shapes.current(account.kind, table) for table in tables})
    found: dict[str, tuple[Counter[str], Counter[str | None]]] = {}
    for row in shapes.query(sql):
        keys, reasons = found.setdefault(row["source_name"], (Counter(), Counter()))
        if row["reason"] is None:
            keys[row["key"]] += 1
        else:
            reasons[row["reason"]] += 1
    return found


def came_out(shapes: Shapes, account: Account) -> dict[str, Counter[str]]:
    """Source → the keys of the model's rows."""
    found: dict[str, Counter[str]] = {}
    for row in shapes.query(f"select source_name, {account.key} as key from staging.{account.model}"):
        found.setdefault(row["source_name"], Counter())[row["key"]] += 1
    return found


def fates(shapes: Shapes, deliveries: Sequence[Delivery]) -> dict[str, str]:
    """Every file of the archives → what becomes of it, as the deliveries and dbt's manifest have it."""
    staged_vendors = set(shapes.models().values())
    models: dict[str, set[str]] = {}
    for each in deliveries:
        readers = shapes.readers(each.kind, each.table)
        for file in (*each.files, *(detail.file for detail in each.details.values())):
            models.setdefault(file, set()).update(readers)
    found = {}
    for file in shapes.files:
        vendor = file.split("/")[0].removeprefix("dbt_")
        if file.endswith("/index.json"):
            found[file] = "no payload: the collector's note on a vendor"
        elif models.get(file):
            found[file] = f"staged into {' '.join(sorted(models[file]))}"
        elif vendor in staged_vendors:
            found[file] = f"no model reads this {'table' if file.endswith('.csv') else 'topic'}"
        else:
            found[file] = "no staging model for this vendor"
    return found
