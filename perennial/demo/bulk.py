"""Many orders and messages fast, for benchmarks: Parquet written in chunks, memory bounded whatever the size.

What lives here: hash-uniform customers with one power skew over two years, what they order and what is sent to them,
and the files. What does not: a world with people in it (make.py); these rows have no truth behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CHUNK = 500_000
END = np.datetime64("2026-11-01T00:00:00", "us").astype(np.int64)
SPAN = 730 * 86_400 * 1_000_000
CUSTOMER_ID_FROM, ORDER_ID_FROM, REFUND_ID_FROM = 9_200_000_000_000_001, 9_100_000_000_000_001, 9_400_000_000_000_001
MESSAGE_ID_FROM = 9_500_000_000_000_001
SKEWED_SHARE = 0.2  # of the orders go to customers drawn by the cube of a uniform draw: a few buy very much
REFUNDED_SHARE = 0.05
# Of the messages, each of which is delivered: opened by anybody, opened by a machine alone, followed, unsubscribed by.
OPENED_SHARE, MACHINE_SHARE, CLICKED_SHARE, UNSUBSCRIBED_SHARE = 0.45, 0.2, 0.05, 0.002
EVENTS_PER_MESSAGE = 1 + OPENED_SHARE + CLICKED_SHARE + UNSUBSCRIBED_SHARE
PRODUCTS, CATEGORIES, CAMPAIGNS = 200, 12, 24
_MONEY = pa.decimal128(18, 4)


def write_bulk(
    out: Path, customers: int, orders_per_customer: float = 10.0, seed: int = 7, events_per_customer: float = 10.0
) -> dict[str, int]:
    """Write a shop's tables, and messages with their events, as Parquet into `out`; rows per table."""
    out.mkdir(parents=True, exist_ok=True)
    count = round(customers * orders_per_customer)
    sent = round(customers * events_per_customer / EVENTS_PER_MESSAGE)
    rows = {"shop_customers": _write(out, "shop_customers", _customers(customers, seed))}
    for name, chunks in (
        ("shop_orders", _orders(count, customers, seed)),
        ("shop_order_lines", _lines(count, seed)),
        ("shop_refunds", _refunds(count, customers, seed)),
        ("shop_products", _products()),
        ("messages", _messages(sent, customers, seed)),
        ("message_events", _message_events(sent, seed)),
    ):
        rows[name] = _write(out, name, chunks)
    return rows


def _write(out: Path, name: str, chunks: Iterator[pa.Table]) -> int:
    first = next(chunks)
    written = first.num_rows
    with pq.ParquetWriter(out / f"{name}.parquet", first.schema, compression="zstd", compression_level=1) as writer:
        writer.write_table(first, row_group_size=122_880)
        for chunk in chunks:
            written += chunk.num_rows
            writer.write_table(chunk, row_group_size=122_880)
    return written


def _spans(count: int) -> Iterator[np.ndarray]:
    """The numbers 0 … count-1 in chunks; one empty chunk where there are none."""
    for start in range(0, max(count, 1), CHUNK):
        yield np.arange(start, min(start + CHUNK, count), dtype=np.uint64)


def _hash(numbers: np.ndarray, seed: int, salt: int) -> np.ndarray:
    """SplitMix64 of each number: evenly spread 64-bit values that depend on nothing but number, seed and salt."""
    offset = (seed * 0x9E3779B97F4A7C15 + salt * 0xD1342543DE82EF95 + 1) % 2**64
    with np.errstate(over="ignore"):
        x = (numbers + np.uint64(offset)) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _unit(numbers: np.ndarray, seed: int, salt: int) -> np.ndarray:
    return (_hash(numbers, seed, salt) >> np.uint64(11)) * 2.0**-53


def _money(pence: np.ndarray) -> pa.Array:
    """decimal(18,4) from whole pence, through the bytes of the type: low word, then the sign."""
    words = np.zeros((len(pence), 2), dtype=np.int64)
    words[:, 0] = pence * 100
    return pa.Array.from_buffers(_MONEY, len(pence), [None, pa.py_buffer(words)])


def _times(micros: np.ndarray) -> pa.Array:
    return pa.array(micros.astype(np.int64), pa.int64()).cast(pa.timestamp("us"))


def _customers(customers: int, seed: int) -> Iterator[pa.Table]:
    for number in _spans(customers):
        whole = pa.array(number.astype(np.int64)).cast(pa.string())
        created = END - SPAN - (_unit(number, seed, 1) * SPAN).astype(np.int64)
        yield pa.table(
            {
                "customer_id": pa.array(CUSTOMER_ID_FROM + number.astype(np.int64)),
                "email": pc.binary_join_element_wise("person", whole, "@example.com", ""),
                "country": pa.array(np.full(len(number), "GB")),
                "created_at": _times(created),
                "updated_at": _times(created),
            }
        )


def _customer_of(order: np.ndarray, customers: int, seed: int) -> np.ndarray:
    draw = _unit(order, seed, 2)
    is_skewed = _unit(order, seed, 3) < SKEWED_SHARE
    return np.minimum(np.where(is_skewed, draw**3, draw) * customers, customers - 1).astype(np.int64)


def _ordered_at(order: np.ndarray, seed: int) -> np.ndarray:
    return END - SPAN + (_unit(order, seed, 4) * (SPAN - 1)).astype(np.int64)


def _lines_of(order: np.ndarray, seed: int) -> np.ndarray:
    """One to four lines an order, 2.2 on average."""
    return np.searchsorted([0.3, 0.65, 0.85, 1.0], _unit(order, seed, 5), side="right") + 1


def _line_pence(order: np.ndarray, line: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quantity, unit price and discount of each line, from order and line number alone."""
    key = order * np.uint64(8) + line.astype(np.uint64)
    quantity = 1 + (_hash(key, seed, 6) % np.uint64(3)).astype(np.int64)
    price = 199 + 50 * (_hash(key, seed, 7) % np.uint64(160)).astype(np.int64)
    return quantity, price, np.where(_unit(key, seed, 8) < 0.2, quantity * price // 10, 0)


def _exploded(order: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Each order number as often as it has lines, and the number of each line, from 1."""
    lines = _lines_of(order, seed)
    starts = np.cumsum(lines) - lines
    line = np.arange(int(lines.sum())) - np.repeat(starts, lines) + 1
    return np.repeat(order, lines), line


def _goods(order: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Subtotal and discount of each order in pence: the sums of its lines."""
    lines = _lines_of(order, seed)
    subtotal, discount = np.zeros(len(order), dtype=np.int64), np.zeros(len(order), dtype=np.int64)
    for line in range(1, 5):
        quantity, price, off = _line_pence(order, np.full(len(order), line), seed)
        subtotal += np.where(line <= lines, quantity * price, 0)
        discount += np.where(line <= lines, off, 0)
    return subtotal, discount


def _orders(count: int, customers: int, seed: int) -> Iterator[pa.Table]:
    for order in _spans(count):
        subtotal, discount = _goods(order, seed)
        tax = (subtotal - discount) // 5
        shipping = np.where(subtotal >= 5_000, 0, 395)
        ordered_at = _ordered_at(order, seed)
        status = np.array(["fulfilled", "paid", "cancelled", "failed"])
        picked = np.searchsorted([0.85, 0.95, 0.98, 1.0], _unit(order, seed, 9), side="right")
        yield pa.table(
            {
                "order_id": pa.array(ORDER_ID_FROM + order.astype(np.int64)),
                "customer_id": pa.array(CUSTOMER_ID_FROM + _customer_of(order, customers, seed)),
                "ordered_at": _times(ordered_at),
                "currency": pa.array(np.full(len(order), "GBP")),
                "subtotal_amount": _money(subtotal),
                "discount_amount": _money(discount),
                "tax_amount": _money(tax),
                "shipping_amount": _money(shipping),
                "total_amount": _money(subtotal - discount + tax + shipping),
                "status": pa.array(status[picked]),
                "updated_at": _times(ordered_at),
            }
        )


def _lines(count: int, seed: int) -> Iterator[pa.Table]:
    for chunk in _spans(count):
        order, line = _exploded(chunk, seed)
        quantity, price, discount = _line_pence(order, line, seed)
        yield pa.table(
            {
                "order_id": pa.array(ORDER_ID_FROM + order.astype(np.int64)),
                "line_id": pa.array(line),
                "product_id": pa.array((price // 50).astype(np.int64)),
                "quantity": pa.array(quantity),
                "unit_price_amount": _money(price),
                "discount_amount": _money(discount),
            }
        )


def _refunds(count: int, customers: int, seed: int) -> Iterator[pa.Table]:
    for chunk in _spans(count):
        order = chunk[_unit(chunk, seed, 10) < REFUNDED_SHARE]
        subtotal, discount = _goods(order, seed)
        amount = (subtotal - discount) // np.where(_unit(order, seed, 11) < 0.5, 1, 2)
        refunded_at = np.minimum(_ordered_at(order, seed) + 9 * 86_400_000_000, END - 1)
        yield pa.table(
            {
                "refund_id": pa.array(REFUND_ID_FROM + order.astype(np.int64)),
                "order_id": pa.array(ORDER_ID_FROM + order.astype(np.int64)),
                "customer_id": pa.array(CUSTOMER_ID_FROM + _customer_of(order, customers, seed)),
                "refunded_at": _times(refunded_at),
                "amount": _money(amount),
                "currency": pa.array(np.full(len(order), "GBP")),
            }
        )


def _products() -> Iterator[pa.Table]:
    number = np.arange(PRODUCTS)
    categories = pa.array((number % CATEGORIES).astype(str))
    yield pa.table(
        {
            "product_id": pa.array(number.astype(np.int64)),
            "category": pc.binary_join_element_wise("category", categories, " "),
        }
    )


def _sent_at(message: np.ndarray, seed: int) -> np.ndarray:
    """A day before the end at the latest, so that what comes of a message lies within the two years too."""
    day = 86_400 * 1_000_000
    return END - SPAN + (_unit(message, seed, 12) * (SPAN - day)).astype(np.int64)


def _messages(count: int, customers: int, seed: int) -> Iterator[pa.Table]:
    for message in _spans(count):
        person = pa.array((_unit(message, seed, 13) * customers).astype(np.int64)).cast(pa.string())
        campaign = pa.array((_hash(message, seed, 14) % np.uint64(CAMPAIGNS)).astype(np.int64)).cast(pa.string())
        yield pa.table(
            {
                "message_id": pa.array(MESSAGE_ID_FROM + message.astype(np.int64)),
                "contact_ref": pc.binary_join_element_wise("person", person, "@example.com", ""),
                "contact_ref_type": pa.array(np.full(len(message), "email")),
                "channel": pa.array(np.full(len(message), "email")),
                "direction": pa.array(np.full(len(message), "outbound")),
                "campaign_id": pc.binary_join_element_wise("campaign", campaign, " "),
                "sent_at": _times(_sent_at(message, seed)),
            }
        )


def _message_events(count: int, seed: int) -> Iterator[pa.Table]:
    """Every message is delivered; whether it is opened and followed depends on its number alone."""
    for message in _spans(count):
        draw = _unit(message, seed, 15)
        happened = (
            ("delivered", np.ones(len(message), dtype=bool), 60),
            ("opened", draw < OPENED_SHARE, 3_600),
            ("clicked", (draw >= MACHINE_SHARE) & (draw < MACHINE_SHARE + CLICKED_SHARE), 3_700),
            ("unsubscribed", (draw >= MACHINE_SHARE) & (draw < MACHINE_SHARE + UNSUBSCRIBED_SHARE), 3_800),
        )
        parts = []
        for place, (event_type, is_so, seconds) in enumerate(happened):
            which = message[is_so]
            parts.append(
                pa.table(
                    {
                        "event_id": pa.array((MESSAGE_ID_FROM + which.astype(np.int64)) * 4 + place),
                        "message_id": pa.array(MESSAGE_ID_FROM + which.astype(np.int64)),
                        "event_type": pa.array(np.full(len(which), event_type)),
                        "occurred_at": _times(_sent_at(which, seed) + seconds * 1_000_000),
                        "is_machine": pa.array((draw[is_so] < MACHINE_SHARE) & (event_type == "opened")),
                    }
                )
            )
        yield pa.concat_tables(parts)
