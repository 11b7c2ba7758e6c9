"""One person, worked out by hand: from four systems' files to every kind of figure in the 360.

What lives here: a world of one person and what must come out. What does not: edges of single models (their YAML).
"""

from __future__ import annotations

import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from perennial.config.home import Home
from tests.support.nights import build_only, emptied, land_only

# as_of is midnight of 1 July in London, 23:00 UTC of the day before; thirty days reach back to midnight of 1 June there
AS_OF = "2024-07-01"
WORLD = {
    "shop": {
        "shop_customers": """
            customer_id,email,phone,country,created_at
            c1,Jo@Example.com,020 7946 0018,GB,2024-01-10T00:00:00Z""",
        "shop_products": """
            product_id,category
            p1,garden
            p2,kitchen""",
        "shop_orders": """
            order_id,customer_id,ordered_at,currency,total_amount,status,cancelled_at
            o1,c1,2024-01-20T10:00:00Z,GBP,30,paid,
            o2,c1,2024-05-31T23:30:00Z,GBP,12,paid,
            o3,c1,2024-06-02T10:00:00Z,GBP,12,cancelled,2024-06-03T10:00:00Z""",
        "shop_order_lines": """
            order_id,line_id,product_id,quantity,unit_price_amount,discount_amount
            o1,1,p1,2,10,0
            o1,2,p2,1,5,1
            o2,1,p1,1,10,0
            o3,1,p2,9,10,0""",
        "shop_refunds": """
            refund_id,order_id,customer_id,refunded_at,amount,currency
            r1,o1,c1,2024-02-01T10:00:00Z,4,GBP""",
        "shop_checkouts": """
            checkout_id,customer_id,started_at,completed_at
            k1,c1,2024-06-20T10:00:00Z,
            k2,c1,2024-01-20T09:50:00Z,2024-01-20T10:00:00Z""",
        "site_events": """
            event_id,customer_id,anonymous_id,event_type,utm_source,utm_campaign,occurred_at
            e1,,v1,page_view,search,brand_words,2024-01-04T10:00:00Z
            e2,c1,v1,product_view,,,2024-06-15T10:00:00Z""",
        "consents": """
            contact_ref,contact_ref_type,channel,purpose,status,changed_at
            c1,customer_id,email,marketing,granted,2024-01-10T00:00:00Z""",
    },
    "crm": {
        "crm_contacts": """
            contact_id,email,first_name,country,owner_id,birth_on,lead_source,lead_campaign,created_at
            7,jo@example.com,Joanna,GB,U5,1980-01-02,fair,autumn_fair,2024-01-05T00:00:00Z""",
        "consents": """
            contact_ref,contact_ref_type,channel,purpose,status,changed_at
            7,contact_id,email,marketing,denied,2024-01-06T00:00:00Z
            7,contact_id,sms,marketing,granted,2024-06-01T00:00:00Z""",
    },
    "mail": {
        "messages": """
            message_id,contact_ref,contact_ref_type,channel,direction,campaign_id,conversation_id,sent_at
            m1,jo@example.com,email,email,outbound,spring,,2024-01-08T10:00:00Z
            m2,jo@example.com,email,email,outbound,summer,,2024-06-25T10:00:00Z
            m3,jo@example.com,email,email,inbound,,t1,2024-06-10T09:00:00Z""",
        "message_events": """
            event_id,message_id,event_type,occurred_at,is_machine
            1,m1,delivered,2024-01-08T10:00:05Z,false
            2,m1,opened,2024-01-08T10:00:06Z,true
            3,m1,opened,2024-01-09T10:00:00Z,false
            4,m1,clicked,2024-01-09T10:00:10Z,false
            5,m2,opened,2024-06-25T10:00:06Z,true""",
        "conversations": """
            conversation_id,contact_ref,contact_ref_type,channel,opened_at
            t1,jo@example.com,email,email,2024-06-10T09:00:00Z""",
        "consents": """
            contact_ref,contact_ref_type,channel,purpose,status,changed_at
            jo@example.com,email,email,marketing,granted,2024-01-08T09:00:00Z
            +442079460018,phone,sms,marketing,denied,2024-01-10T00:00:00Z""",
    },
}  # fmt: skip


BRANDS = {"shop": "outlet", "crm": "acme", "mail": "acme"}


@pytest.fixture(scope="module")
def built(parsed_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one_person")
    sources = {}
    for source, tables in WORLD.items():
        (folder / source).mkdir()
        for table, rows in tables.items():
            lines = [line.strip() for line in rows.strip().splitlines()]
            (folder / source / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        sources[source] = {"kind": "files", "path": str(folder / source), "brand": BRANDS[source]}
    home = emptied(parsed_home)
    land_only(home, sources)
    shutil.copy(
        build_only(home, AS_OF, "--select", "+path:models/customer"), folder / "build.duckdb"
    )  # the next test of another file empties the home
    return folder / "build.duckdb"


def rows(built: Path, query: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(built), read_only=True) as con:
        found = con.execute(query)
        names = [each[0] for each in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


EXPECTED: dict[str, Any] = {
    "email": "jo@example.com", "phone": "+442079460018", "first_name": "Joanna", "country": "GB",
    "birth_on": date(1980, 1, 2), "owner_id": "U5", "time_zone": "Europe/London",
    # the address said no and later yes, in two tools; the phone number said no, and a contact without a number said yes
    "reachable_channels": "email",
    "orders_count": 2, "orders_count_30d": 1, "orders_count_90d": 1, "orders_count_365d": 2,
    "revenue_amount": 34, "revenue_amount_30d": 10, "revenue_amount_90d": 10, "revenue_amount_365d": 34,
    "refunds_count": 1, "refunds_count_90d": 0, "refunds_count_365d": 1, "refunded_amount": 4, "refunded_amount_90d": 0,
    "net_revenue_amount": 30, "aov_amount": 17, "items_count": 4, "items_count_30d": 1, "items_count_365d": 4,
    "categories_count": 2, "categories_count_30d": 1, "categories_count_365d": 2, "favourite_category": "garden",
    "carts_started_count": 2, "carts_started_count_30d": 1, "carts_abandoned_count": 1, "carts_abandoned_count_30d": 1,
    "messages_sent_count": 2, "messages_sent_count_30d": 1, "messages_sent_count_365d": 2,
    "messages_opened_count": 1, "messages_opened_count_30d": 0, "messages_opened_count_365d": 1,
    "messages_clicked_count": 1, "messages_clicked_count_90d": 0, "messages_clicked_count_365d": 1,
    "replies_count": 1, "replies_count_30d": 1, "conversations_count": 1, "unanswered_conversations_count_30d": 1,
    "days_since_last_order": 30, "days_since_last_open": 174, "days_since_last_click": 174, "days_since_last_reply": 21,
    "days_since_last_visit": 16, "days_since_last_activity": 11,
    "first_touch_at": datetime(2024, 1, 4, 10), "first_touch_source": "search", "first_touch_campaign": "brand_words",
    "last_touch_at": datetime(2024, 1, 9, 10, 0, 10), "last_touch_source": "email", "last_touch_campaign": "spring",
    "lifecycle_stage": "retention", "sources": "crm, mail, shop",
}  # fmt: skip


def test_every_figure_of_one_person_is_what_a_hand_makes_it(built: Path) -> None:
    (person,) = rows(built, "select * from customer.customers")
    assert {name: person[name] for name in EXPECTED} == EXPECTED


def test_the_masked_view_shows_the_same_figures_and_nothing_that_names_or_reaches_the_person(built: Path) -> None:
    (person,) = rows(built, "select * from customer.customers")
    (masked,) = rows(built, "select * from customer.customers_masked")
    assert set(person) - set(masked) == {"email", "phone", "first_name", "last_name", "birth_on"}
    assert masked == {name: person[name] for name in masked}


def test_everything_that_happened_is_on_the_timeline_under_the_brand_it_happened_to(built: Path) -> None:
    told = rows(built, "select brand, event_type, count(*) as n from customer.customer_timeline group by all")
    outlet = {
        "account_created": 1, "order": 2, "order_cancelled": 1, "refund": 1, "checkout_started": 2, "checkout_completed": 1,
        "page_view": 1, "product_view": 1, "consent_granted": 1,
    }  # fmt: skip
    acme = {
        "contact_created": 1, "message_outbound": 2, "message_inbound": 1, "message_delivered": 1, "message_opened": 3,
        "message_clicked": 1, "conversation_opened": 1, "consent_granted": 2, "consent_denied": 2,
    }  # fmt: skip
    expected = {
        (brand, event, n) for brand, events in (("outlet", outlet), ("acme", acme)) for event, n in events.items()
    }
    assert {tuple(row.values()) for row in told} == expected


def test_consent_is_folded_by_address_and_brand_and_one_no_is_enough(built: Path) -> None:
    said = rows(built, "select channel, brand, status, source_name from customer.customer_consents order by all")
    assert [tuple(row.values()) for row in said] == [
        ("email", "acme", "granted", "mail"), ("email", "outlet", "granted", "shop"), ("sms", "acme", "denied", "mail")
    ]  # fmt: skip
