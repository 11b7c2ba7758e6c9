"""What an audience promises before it leaves for a channel, and the frame that shows whether it keeps it.

What lives here: the promises and the query that lays members beside their address and consent. What does not: who
belongs to an audience (models/audiences), and sending (perennial/activation), which reads consent once more. Promises
across rows (nobody twice) are counted by the query, so that parts can be checked one by one.
"""

from __future__ import annotations

from typing import Any

from expectations.promise import Promise, between, filled, shaped, within
from perennial.warehouse.duck import name, quote

CONSENTS = "customer.customer_consents"
_SHAPES = {
    "email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "phone": r"^\+[1-9]\d{6,14}$",
}


def member_promises(address_column: str) -> tuple[Promise, ...]:
    """What every member must fulfil. One broken promise holds the whole audience back."""
    promises = [
        filled("customer_id"),
        filled("address"),
        filled("consent_status"),
        within("consent_status", ("granted",)),
        between("same_person_count", "nobody is a member twice", 1, 1),
        between("same_address_count", "no address is there twice", 1, 1),
    ]
    pattern = _SHAPES.get(address_column)
    if pattern is not None:
        promises.append(shaped("address", f"address has the shape of its channel ({address_column})", pattern))
    return tuple(promises)


def size_promise(low: int, high: int) -> Promise:
    return between("member_count", f"the audience has {low} to {high} members", low, high)


def members(
    connection: Any, audience: str, address_column: str, channel: str, purpose: str, brand: str | None = None
) -> Any:
    """One row per member of an audience: address, consent status, and how often person and address occur."""
    of_brand = "" if brand is None else f" and (brand is null or brand = {quote(brand)})"
    return connection.sql(
        f"""
        with audience as (
            select customer_id from audiences.{name(audience)}
        ),
        consent as (
            select customer_id, min(status) as status  -- of several brands, denied wins: it sorts before granted
            from {CONSENTS}
            where channel = {quote(channel)} and purpose = {quote(purpose)}{of_brand}
            group by customer_id
        )
        select
            audience.customer_id,
            customers.{name(address_column)} as address,
            consent.status as consent_status,
            count(*) over (partition by audience.customer_id) as same_person_count,
            case when customers.{name(address_column)} is null then 1
                else count(*) over (partition by customers.{name(address_column)}) end as same_address_count
        from audience
        left join customer.customers as customers on customers.customer_id = audience.customer_id
        left join consent on consent.customer_id = audience.customer_id
        """
    )


def size(connection: Any, audience: str) -> Any:
    """One row: how many members an audience has."""
    return connection.sql(f"select count(*) as member_count from audiences.{name(audience)}")
