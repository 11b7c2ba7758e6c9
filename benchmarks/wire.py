"""What vendors hand over, written to disk once: Shopify's bulk file of orders with lines, Klaviyo's pages of events.

What lives here: records in the exact form the connectors ask for, keys in the order of their queries. What does not:
serving them (wire_server.py), reading them. Names are invented; the same size gives the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

BLOCK = 50  # orders whose lines follow them together, as where a bulk operation does not group
PAGE = 1000  # events
LINES_PER_ORDER = (1, 1, 1, 1, 2, 2, 2, 3, 4, 5)  # 2.2 on average
BEGAN = datetime(2024, 11, 1, tzinfo=UTC)
DAYS = 730
_THINGS = ("Mug", "Lamp", "Vase", "Scarf", "Clock", "Notebook", "Gloves", "Wrapping paper", "Cushion", "Teapot")
_KINDS = ("blue", "green", "linen", "enamel", "striped", "oak", "small", "large")
_TYPES = ("home", "garden", "stationery", "clothing")
_FIRST = ("ada", "ben", "cleo", "dina", "emil", "freya", "gus", "hana", "ivo", "jana", "kai", "lena", "milo", "nora")
_LAST = ("graham", "okafor", "lindt", "moreau", "silva", "novak", "haas", "ito", "costa", "wood", "berg", "rossi")
_SMALL = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PROPERTIES = {
    "received": "",
    "opened": ',"machine_open":{flag}',
    "clicked": ',"URL":"https://shop.example/offers/{number}","Bot Click":{flag}',
    "bounced": ',"Bounce Type":"Hard"',
}
_METRICS = {"received": "bkn2I4", "opened": "8cAlLb", "clicked": "1n3QB2", "bounced": "2ZLWAP"}
_SHARES = ("received",) * 60 + ("opened",) * 28 + ("clicked",) * 9 + ("bounced",) * 3


def write_bulk_file(path: Path, orders: int) -> int:
    """A bulk operation's file; returns how many lines items have."""
    chance = random.Random(11)
    children = 0
    with path.open("w", encoding="utf-8") as out:
        for start in range(0, orders, BLOCK):
            block = range(start, min(start + BLOCK, orders))
            lines = [line for number in block for line in _line_items(number, chance)]
            children += len(lines)
            out.writelines([_order(number, orders, chance) for number in block] + lines)
    return children


def _order(number: int, orders: int, chance: random.Random) -> str:
    placed = BEGAN + timedelta(seconds=number * DAYS * 86_400 // orders)
    person = int(chance.random() ** 2 * orders / 3)
    email = f'"{_FIRST[person % 14]}.{_LAST[person % 12]}{person}@example.com"' if person % 11 else "null"
    goods, discount = chance.randrange(500, 20_000), chance.choice((0, 0, 0, 250, 660))
    shipping, tax = chance.choice((0, 395)), goods // 5
    cancelled = _at(placed + timedelta(hours=3)) if number % 40 == 0 else "null"
    paid = "VOIDED" if number % 40 == 0 else "PARTIALLY_REFUNDED" if number % 23 == 0 else "PAID"
    return (
        f'{{"id":"gid:\\/\\/shopify\\/Order\\/{9_100_000_000_000_001 + number}","name":"#{1001 + number}","email":{email},'
        f'"phone":null,"createdAt":{_at(placed)},"processedAt":{_at(placed)},"updatedAt":{_at(placed + timedelta(hours=20))},'
        f'"cancelledAt":{cancelled},"closedAt":null,"test":{"true" if number % 500 == 0 else "false"},"currencyCode":"GBP",'
        f'"sourceName":"web","displayFinancialStatus":"{paid}","displayFulfillmentStatus":"FULFILLED",'
        f'"subtotalPriceSet":{_bag(goods - discount // 2)},"totalDiscountsSet":{_bag(discount)},"totalTaxSet":{_bag(tax)},'
        f'"totalShippingPriceSet":{_bag(shipping)},"totalPriceSet":{_bag(goods + tax + shipping)},'
        f'"customer":{{"id":"gid:\\/\\/shopify\\/Customer\\/{9_200_000_000_000_001 + person}"}}}}\n'
    )


def _line_items(number: int, chance: random.Random) -> Iterator[str]:
    order = 9_100_000_000_000_001 + number
    for place in range(1, chance.choice(LINES_PER_ORDER) + 1):
        product = int(chance.random() ** 2 * 2000)
        taken = _bag(chance.randrange(50, 900)) if chance.random() < 0.3 else ""
        allocations = f'{{"allocatedAmountSet":{taken}}}' if taken else ""
        yield (
            f'{{"id":"gid:\\/\\/shopify\\/LineItem\\/{order}{place:02d}","title":"{_THINGS[product % 10]}, {_KINDS[product % 8]}",'
            f'"quantity":{chance.choice((1, 1, 1, 2, 3))},"sku":"SKU-{9_300_000_000_000_001 + product}",'
            f'"product":{{"id":"gid:\\/\\/shopify\\/Product\\/{9_300_000_000_000_001 + product}","productType":"{_TYPES[product % 4]}"}},'
            f'"variant":{{"id":"gid:\\/\\/shopify\\/ProductVariant\\/{9_300_000_000_000_001 + product}01"}},'
            f'"originalUnitPriceSet":{_bag(chance.randrange(300, 9_000))},"discountAllocations":[{allocations}],'
            f'"__parentId":"gid:\\/\\/shopify\\/Order\\/{order}"}}\n'
        )


def _bag(pence: int) -> str:
    text = f"{pence // 100}.{pence % 100:02d}"
    return f'{{"shopMoney":{{"amount":"{text[:-1] if text.endswith("0") else text}","currencyCode":"GBP"}}}}'


def _at(moment: datetime) -> str:
    return f'"{moment:%Y-%m-%dT%H:%M:%SZ}"'


def write_event_pages(path: Path, sparse: Path, events: int) -> None:
    """A page per line, `{"data":[…]}`, oldest first; and the same pages with ids and times only, newest first."""
    chance = random.Random(13)
    told: list[str] = []
    with path.open("w", encoding="utf-8") as out:
        for start in range(0, events, PAGE):
            numbers = range(start, min(start + PAGE, events))
            full, ids = zip(*(_event(number, events, chance) for number in numbers), strict=True)
            out.write(f'{{"data":[{",".join(full)}]}}\n')
            told.append(f'{{"data":[{",".join(reversed(ids))}]}}\n')
    with sparse.open("w", encoding="utf-8") as out:
        out.writelines(reversed(told))


def _event(number: int, events: int, chance: random.Random) -> tuple[str, str]:
    at = BEGAN + timedelta(seconds=number * DAYS * 86_400 // events)
    kind, message = chance.choice(_SHARES), _letters(chance.randrange(200), 6)
    sent = f"{int(at.timestamp()) - chance.randrange(9_000)}:{message}"
    flow = f',"$flow":"S5f5{number % 7}m"' if number % 3 == 0 else ""
    flag = "true" if chance.random() < 0.2 else "false"
    more = _PROPERTIES[kind].format(flag=flag, number=number % 97) if _PROPERTIES[kind] else ""
    identifier = _letters(number, 11)
    head = f'{{"type":"event","id":"{identifier}","attributes":{{'
    time = f'"datetime":"{at:%Y-%m-%dT%H:%M:%S}+00:00"'
    tail = (
        f'}},"relationships":{{"profile":{{"data":{{"type":"profile","id":"01H{_letters(chance.randrange(events // 5 + 1), 23)}"}}}},'
        f'"metric":{{"data":{{"type":"metric","id":"{_METRICS[kind]}"}}}},"attributions":{{"data":[]}}}},'
        f'"links":{{"self":"https://a.klaviyo.com/api/events/{identifier}/"}}}}'
    )
    full = (
        f'"timestamp":{int(at.timestamp())},"event_properties":{{"Campaign Name":"Campaign {message}","$message":"{message}",'
        f'"$_cohort$message_send_cohort":"{sent}","$event_id":"{message}:{number * 7_919}"{flow},"Subject":"News for you",'
        f'"$ESP":0,"Email Domain":"example.com"{more}}},{time},"uuid":"{number:08x}-d29e-11ee-8001-{number * 31:012x}"'
    )
    return head + full + tail, head + time + tail


def _letters(number: int, length: int) -> str:
    """A number as an id of this many letters, different for different numbers."""
    value = (number * 0x2545F4914F6CDD1D9E3779B97F4A7C15 + 0x94D049BB133111EB) % 32**length
    found = []
    for _ in range(length):
        value, rest = divmod(value, 32)
        found.append(_SMALL[rest])
    return "".join(found)
