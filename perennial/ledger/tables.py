"""The ledger's tables, as SQLAlchemy knows them: the same in SQLite and PostgreSQL.

What lives here: names, types, keys. What does not: reading and writing. Times are UTC without an offset.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, MetaData, String, Table, Text

SCHEMA_VERSION = "1"

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)

plans = Table(
    "plans",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("plan_id", String, nullable=False, unique=True),
    Column("audience", String, nullable=False),
    Column("destination", String, nullable=False),
    Column("snapshot_id", String, nullable=False),
    Column("plan_hash", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("joins_count", Integer, nullable=False),
    Column("leaves_count", Integer, nullable=False),
    Column("moves_count", Integer, nullable=False),
    Column("unchanged_count", Integer, nullable=False),
    Column("held_count", Integer, nullable=False),
    Column("audience_count", Integer, nullable=False),
    Column("withheld_count", Integer, nullable=False),
    Column("baseline_held", Integer, nullable=False),
    Column("baseline_leaves", Integer, nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("closed_at", DateTime),  # the one value that changes: when the plan was carried out
    Index("plans_by_channel", "audience", "destination", "number"),
)

# What was planned, for ever. No address: who was reached where is in memberships for as long as it is so.
plan_rows = Table(
    "plan_rows",
    metadata,
    Column("plan_id", String, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("action", String, nullable=False),
    Column("customer_id", String, nullable=False),
    Column("delivery_key", String),  # null where the plan was held
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_key", String, primary_key=True),
    Column("plan_id", String, nullable=False),
    Column("audience", String, nullable=False),
    Column("destination", String, nullable=False),
    Column("customer_id", String, nullable=False),
    Column("action", String, nullable=False),
    Column("spell", Integer, nullable=False),
    Column("sent_as", String, nullable=False),
    Column("address", Text),  # address and fields are forgotten once the row is settled for good
    Column("fields", Text),
    Column("status", String, nullable=False),
    Column("is_ambiguous", Boolean, nullable=False),  # an earlier attempt went without an answer
    Column("attempts", Integer, nullable=False),
    Column("batch_id", String),
    Column("batch_at", DateTime),  # when the batch first went; a repeated batch says the same
    Column("last_snapshot_id", String),
    Column("receipt", Text),
    Column("reason", Text),
    Column("created_at", DateTime, nullable=False),
    Column("acknowledged_at", DateTime),
    Index("deliveries_by_customer", "audience", "destination", "customer_id"),
    Index("deliveries_by_status", "audience", "destination", "status"),
    Index("deliveries_by_plan", "plan_id"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("audience", String, primary_key=True),
    Column("destination", String, primary_key=True),
    Column("customer_id", String, primary_key=True),
    Column("spell", Integer, primary_key=True),
    Column("address", Text, nullable=False),
    Column("sent_as", String, nullable=False),
    Column("is_certain", Boolean, nullable=False),
    Column("member_since", DateTime),  # null until the channel has acknowledged the join
    Column("delivery_key", String, nullable=False),  # of the join that made it
    Index("memberships_by_key", "delivery_key"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("plan_hash", String, nullable=False),
    Column("approved_by", String, nullable=False),
    Column("approved_at", DateTime, nullable=False),
    Column("used_at", DateTime),
    Index("approvals_by_hash", "plan_hash"),
)
