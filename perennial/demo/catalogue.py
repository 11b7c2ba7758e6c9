"""What the demo shops sell: products with price and category, and when each was out of stock.

What lives here: the product list and its tables. What does not: who buys them (orders.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perennial.demo.records import Exports, moments
from perennial.demo.scale import DAY, Scale

_KINDS = {
    "garden": ("Trowel", "Watering can", "Seed box", "Plant pot", "Gloves", "Hose"),
    "kitchen": ("Teapot", "Bread bin", "Mixing bowl", "Apron", "Chopping board", "Jug"),
    "home": ("Lamp", "Cushion", "Throw", "Vase", "Clock", "Picture frame"),
    "stationery": ("Notebook", "Fountain pen", "Wrapping paper", "Card set", "Diary", "Pencil case"),
}
_MAKES = ("oak", "blue", "striped", "enamel", "linen")
PRODUCT_ID_FROM = 9_300_000_000_000_001


@dataclass(frozen=True)
class Catalogue:
    product_id: np.ndarray
    name: np.ndarray
    category: np.ndarray
    price_pence: np.ndarray
    weight: np.ndarray

    @property
    def count(self) -> int:
        return len(self.product_id)

    def pick(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return rng.choice(self.count, count, p=self.weight)


def make_catalogue(scale: Scale) -> Catalogue:
    rng = scale.stream("catalogue")
    rows = [(f"{thing}, {make}", kind) for kind, things in _KINDS.items() for thing in things for make in _MAKES]
    count = len(rows)
    weight = 1.0 / (1.0 + rng.permutation(count)) ** 0.7
    return Catalogue(
        product_id=PRODUCT_ID_FROM + 11 * np.arange(count, dtype=np.int64),
        name=np.array([name for name, _ in rows], dtype=object),
        category=np.array([kind for _, kind in rows], dtype=object),
        price_pence=(rng.lognormal(7.35, 0.55, count) // 5 * 5).astype(np.int64) + 95,
        weight=weight / weight.sum(),
    )


def add_products(exports: Exports, catalogue: Catalogue, scale: Scale) -> None:
    rng = scale.stream("stock")
    warranty = np.where(catalogue.category == "home", 730, 365)
    exports.add(
        "shop",
        "shop_products",
        pd.DataFrame(
            {
                "product_id": catalogue.product_id,
                "product_name": catalogue.name,
                "category": catalogue.category,
                "warranty_days": warranty,
                "updated_at": moments(np.full(catalogue.count, scale.start)),
            }
        ),
    )
    out_of = rng.choice(catalogue.count, catalogue.count // 2, replace=False)
    gone_at = scale.start + rng.integers(30 * DAY, scale.years * 365 * DAY - 40 * DAY, len(out_of))
    back_at = gone_at + rng.integers(2 * DAY, 30 * DAY, len(out_of))
    changes = pd.DataFrame(
        {
            "product_id": np.tile(catalogue.product_id[out_of], 2),
            "in_stock": np.repeat([False, True], len(out_of)),
            "changed_at": np.concatenate([gone_at, back_at]),
        }
    ).sort_values(["changed_at", "product_id"], ignore_index=True)
    changes["changed_at"] = moments(changes["changed_at"].to_numpy())
    exports.add("shop", "stock_changes", changes)
