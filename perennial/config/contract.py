"""The input contract as data: every canonical table a source may fill, its columns, types, keys and closed word lists.

What lives here: names and types only (shared contract, section 1). What does not: reading, casting, writing. The
staging models' YAML repeats the names for dbt; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal["id", "text", "amount", "quantity", "rate", "score", "integer", "at", "on", "boolean"]

SQL_TYPES: dict[ColumnType, str] = {
    "id": "varchar",
    "text": "varchar",
    "amount": "decimal(18,4)",
    "quantity": "decimal(18,4)",
    "rate": "decimal(18,8)",
    "score": "decimal(18,4)",
    "integer": "bigint",
    "at": "timestamp",
    "on": "date",
    "boolean": "boolean",
}

CHANNELS = (
    "email", "sms", "whatsapp", "messenger", "instagram", "tiktok", "push", "web_chat", "voice", "direct_mail",
    "in_person", "ads",
)  # fmt: skip
CONTACT_REF_TYPES = ("contact_id", "customer_id", "email", "phone", "anonymous_id")
ORDER_STATUSES = (
    "pending", "paid", "partially_paid", "fulfilled", "partially_refunded", "refunded", "cancelled", "failed", "test",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of the input contract. `words` closes its list; `required` means null quarantines the row."""

    name: str
    type: ColumnType
    required: bool = False
    words: tuple[str, ...] = ()
    is_scheduled: bool = False  # may legitimately lie in the future (appointments), so no future-date check
    is_later: bool = False  # added after rows were landed: where it is null, a row's hash is what it was

    @property
    def sql_type(self) -> str:
        return SQL_TYPES[self.type]


@dataclass(frozen=True)
class Table:
    """One canonical table. `key` is unique within a source; `event_time` places a row in time (as_of, watermark)."""

    name: str
    key: tuple[str, ...]
    event_time: str | None
    columns: tuple[Column, ...]
    parent: str | None = None  # lines are replaced as a whole with a newer version of their parent

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def has_updated_at(self) -> bool:
        return "updated_at" in self.column_names


def _parse(spec: str, closed: dict[str, tuple[str, ...]]) -> tuple[Column, ...]:
    """`name:type`, `!` for required, `~` for a time that may lie in the future, `+` for a column that came later."""
    columns = []
    for word in spec.split():
        name, _, kind = word.partition(":")
        plain = kind.rstrip("!~+")
        column = Column(name, plain, "!" in kind, closed.get(name, ()), "~" in kind, "+" in kind)  # type: ignore[arg-type]
        columns.append(column)
    return tuple(columns)


def table(
    name: str, key: str, event_time: str | None, spec: str, *, parent: str | None = None, **closed: tuple[str, ...]
) -> Table:
    """A table from its key columns and `column:type` words (`!`: required, `~`: may lie in the future, `+`: later)."""
    return Table(name, tuple(key.split()), event_time, _parse(spec, closed), parent)


_ALL = (
    table(
        "shop_customers", "customer_id", "created_at",
        "customer_id:id! email:text phone:text first_name:text last_name:text country:text"
        " accepts_marketing:boolean created_at:at updated_at:at street:text+ city:text+ postcode:text+",
    ),
    table(
        "shop_products", "product_id", None,
        "product_id:id! product_name:text category:text warranty_days:integer updated_at:at",
    ),
    table(
        "shop_orders", "order_id", "ordered_at",
        "order_id:id! customer_id:id email:text phone:text ordered_at:at! currency:text subtotal_amount:amount"
        " discount_amount:amount tax_amount:amount shipping_amount:amount total_amount:amount status:text"
        " cancelled_at:at updated_at:at",
        status=ORDER_STATUSES,
    ),
    table(
        "shop_order_lines", "order_id line_id", None,
        "order_id:id! line_id:id! product_id:id product_name:text category:text quantity:quantity"
        " unit_price_amount:amount discount_amount:amount",
        parent="shop_orders",
    ),
    table(
        "shop_refunds", "refund_id", "refunded_at",
        "refund_id:id! order_id:id customer_id:id refunded_at:at! amount:amount! tax_amount:amount"
        " shipping_amount:amount currency:text",
    ),
    table(
        "shop_checkouts", "checkout_id", "started_at",
        "checkout_id:id! customer_id:id email:text phone:text started_at:at! updated_at:at completed_at:at"
        " total_amount:amount currency:text",
    ),
    table(
        "shop_checkout_lines", "checkout_id line_id", None,
        "checkout_id:id! line_id:id! product_id:id quantity:quantity unit_price_amount:amount",
        parent="shop_checkouts",
    ),
    table("stock_changes", "product_id changed_at", "changed_at", "product_id:id! in_stock:boolean changed_at:at!"),
    table(
        "site_events", "event_id", "occurred_at",
        "event_id:id! customer_id:id anonymous_id:id email:text event_type:text! product_id:id checkout_id:id"
        " form_id:id url:text utm_source:text utm_campaign:text occurred_at:at!",
    ),
    table(
        "crm_contacts", "contact_id", "created_at",
        "contact_id:id! email:text phone:text first_name:text last_name:text company:text country:text"
        " lead_source:text lead_campaign:text lifecycle_stage:text owner_id:id birth_on:on created_at:at updated_at:at"
        " merged_into_id:id street:text+ city:text+ postcode:text+",
    ),
    table(
        "crm_deals", "deal_id", "created_at",
        "deal_id:id! contact_id:id stage:text status:text amount:amount currency:text lost_reason:text created_at:at!"
        " closed_at:at updated_at:at",
        status=("open", "won", "lost"),
    ),
    table(
        "crm_stage_changes", "change_id", "changed_at",
        "change_id:id! contact_id:id! from_stage:text to_stage:text changed_at:at! changed_by:text reason:text",
        changed_by=("human", "agent", "rule", "event"),
    ),
    table(
        "appointments", "appointment_id", "booked_at",
        "appointment_id:id! contact_ref:id contact_ref_type:text status:text booked_at:at! starts_at:at~"
        " value_amount:amount currency:text",
        contact_ref_type=CONTACT_REF_TYPES, status=("booked", "kept", "missed", "cancelled"),
    ),
    table(
        "conversations", "conversation_id", "opened_at",
        "conversation_id:id! contact_ref:id contact_ref_type:text channel:text opened_at:at! first_reply_at:at"
        " first_human_reply_at:at closed_at:at owner_id:id close_reason:text source_campaign:text",
        contact_ref_type=CONTACT_REF_TYPES, channel=CHANNELS,
    ),
    table(
        "assignments", "assignment_id", "assigned_at",
        "assignment_id:id! conversation_id:id owner_id:id team:text assigned_at:at!",
    ),
    table(
        "campaigns", "campaign_id", "started_at",
        "campaign_id:id! name:text channel:text automation_id:id stage:text cost_amount:amount currency:text"
        " started_at:at",
        channel=CHANNELS,
    ),
    table(
        "messages", "message_id", "sent_at",
        "message_id:id! contact_ref:id contact_ref_type:text channel:text direction:text campaign_id:id"
        " automation_id:id variant_id:id conversation_id:id sent_by:text sent_at:at!",
        contact_ref_type=CONTACT_REF_TYPES, channel=CHANNELS, direction=("outbound", "inbound"),
        sent_by=("human", "bot", "automation"),
    ),
    table(
        "message_events", "event_id", "occurred_at",
        "event_id:id! message_id:id! event_type:text! occurred_at:at! is_machine:boolean url:text",
        event_type=("delivered", "opened", "clicked", "bounced", "complained", "unsubscribed", "replied", "converted"),
    ),
    table(
        "consents", "contact_ref_type contact_ref channel purpose changed_at status", "changed_at",
        "contact_ref:id! contact_ref_type:text! channel:text! purpose:text! status:text! changed_at:at!"
        " jurisdiction:text evidence:text",
        contact_ref_type=CONTACT_REF_TYPES, channel=CHANNELS, purpose=("marketing", "transactional", "ads"),
        status=("granted", "denied"),
    ),
    table(
        "advocacy_events", "event_id", "occurred_at",
        "event_id:id! contact_ref:id contact_ref_type:text event_type:text! score:score occurred_at:at!",
        contact_ref_type=CONTACT_REF_TYPES,
        event_type=("review", "referral", "nps", "loyalty_join", "loyalty_redeem"),
    ),
    table(
        "exchange_rates", "on_date currency quote_currency", "on_date",
        "on_date:on! currency:text! quote_currency:text! rate:rate!",
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {table.name: table for table in _ALL}

# What landing adds to every row of a canonical table. Versions are settled there, once, so that staging is a filter:
#   is_superseded  the row was already older than what was held (or lost a tie inside its own load): it never wins
#   is_change      its key was held before this load: the newest load of such a key wins
#   is_replacement (lines only) its parent came in a newer version: earlier lines of that parent are out
LANDED_COLUMNS: dict[str, str] = {
    "source_name": "varchar",
    "brand": "varchar",
    "load_id": "varchar",
    "loaded_at": "timestamp",
    "row_hash": "varchar",
    "is_superseded": "boolean",
    "is_change": "boolean",
    "is_replacement": "boolean",
}

# Kinds whose deliveries are the canonical tables themselves.
DIRECT_KINDS = ("files", "sql")


def landed_schema(table: Table) -> dict[str, str]:
    """Column name → SQL type of a landed Parquet file, contract columns first."""
    return {column.name: column.sql_type for column in table.columns} | LANDED_COLUMNS


# Perennial's own bookkeeping, landed as a source so that the warehouse can be rebuilt from files alone.
OWN_TABLES: dict[str, dict[str, str]] = {
    # one row per load, source and table; a source that failed has one row with table_name null and its reason
    "loads": {
        "source_name": "varchar", "kind": "varchar", "table_name": "varchar", "load_id": "varchar",
        "loaded_at": "timestamp", "received_count": "bigint", "accepted_count": "bigint", "landed_count": "bigint",
        "quarantined_count": "bigint", "watermark_at": "timestamp", "is_failed": "boolean", "reason": "varchar",
    },
    # one row per configured source, as perennial.yml says now
    "source_settings": {
        "source_name": "varchar", "kind": "varchar", "brand": "varchar", "stale_after_seconds": "bigint",
        "treat_accepts_marketing_as": "varchar", "shares_ids_with": "varchar", "has_order_lines": "boolean",
        "country": "varchar", "is_compared": "boolean",
    },
    # one row per distinct (phone, country) as delivered: its E.164 form, null where it is no number or is ambiguous
    "phone_numbers": {"phone": "varchar", "country": "varchar", "e164": "varchar", "has_extension": "boolean"},
    # one row per pair of records that somebody linked or held apart by hand, as the installation's file says now
    "identity_pins": {
        "pin_id": "varchar", "action": "varchar", "source_name": "varchar", "record_type": "varchar",
        "record_id": "varchar", "other_source_name": "varchar", "other_record_type": "varchar",
        "other_record_id": "varchar", "pinned_by": "varchar", "pinned_at": "timestamp", "reason": "varchar",
    },
    # one row per pair of records that a model holds for one person, from the records of the build before this night
    "probable_pairs": {
        "pair_id": "varchar", "source_name": "varchar", "record_type": "varchar", "record_id": "varchar",
        "other_source_name": "varchar", "other_record_type": "varchar", "other_record_id": "varchar",
        "probability": "double", "weight": "double", "has_same_first_name": "boolean", "record_hash": "varchar",
        "other_record_hash": "varchar", "made_with": "varchar",
    },
    # one row per distinct e-mail address as delivered that takes more than trimming and lower case
    "email_addresses": {"email": "varchar", "normalised": "varchar"},
    # the activation ledger as of the start of the night
    "plans": {
        "plan_id": "varchar", "audience": "varchar", "destination": "varchar", "snapshot_id": "varchar",
        "plan_hash": "varchar", "verdict": "varchar", "reason": "varchar", "joins_count": "bigint",
        "leaves_count": "bigint", "held_count": "bigint", "audience_count": "bigint", "created_at": "timestamp",
    },
    "deliveries": {
        "delivery_key": "varchar", "plan_id": "varchar", "audience": "varchar", "destination": "varchar",
        "customer_id": "varchar", "action": "varchar", "status": "varchar", "attempts": "bigint", "receipt": "varchar",
        "reason": "varchar", "created_at": "timestamp", "acknowledged_at": "timestamp",
    },
    "memberships": {
        "audience": "varchar", "destination": "varchar", "customer_id": "varchar", "member_since": "timestamp",
        "delivery_key": "varchar",
    },
}  # fmt: skip
