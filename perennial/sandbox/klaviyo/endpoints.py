"""What Klaviyo's list calls allow: page sizes, rate tiers, filters, sort keys, what can be included.

What lives here: plain declarations, as the vendor's reference states them. What does not: answering (api.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perennial.sandbox.klaviyo.filters import Kind

EXACT = ("equals", "any")
ORDER = ("greater-than", "greater-or-equal", "less-than", "less-or-equal")
STRICT_ORDER = ("greater-than", "less-than")


@dataclass(frozen=True)
class Tier:
    """Requests per second and per minute."""

    burst: int
    steady: int


XS, S, M, L, XL = Tier(1, 15), Tier(3, 60), Tier(10, 150), Tier(75, 750), Tier(350, 3500)


@dataclass(frozen=True)
class Endpoint:
    """One list call. `paths` says where a field lies in the record; what is not named lies in its attributes."""

    type: str
    tier: Tier
    page_default: int
    page_max: int
    kinds: Mapping[str, Kind]
    filters: Mapping[str, tuple[str, ...]]
    sorts: tuple[str, ...]
    default_sort: str
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    includes: Mapping[str, str] = field(default_factory=dict)  # relationship → collection it leads to
    additional: tuple[str, ...] = ()  # attributes handed over only when asked for
    takes_size: bool = True
    must_filter: str | None = None  # a field without which the call is refused

    @property
    def facts(self) -> tuple[str, ...]:
        """The fields that are looked at by filters and sorting, in the order in which they are kept."""
        return tuple(name for name in self.kinds if name not in COMPUTED)

    @property
    def updated(self) -> str | None:
        """The field that says when a record last changed, where it has one."""
        return next((name for name in ("updated", "updated_at") if name in self.kinds), None)


COMPUTED = ("messages.channel",)  # lies in another record
_TEXT, _TIME, _FLAG = Kind.TEXT, Kind.TIME, Kind.FLAG
_SUPPRESSED = "subscriptions.email.marketing.suppression.timestamp"  # of several the last

ENDPOINTS: Mapping[str, Endpoint] = {
    "profiles": Endpoint(
        "profile", L, 20, 100,
        {
            "id": _TEXT, "email": _TEXT, "phone_number": _TEXT, "external_id": _TEXT, "created": _TIME,
            "updated": _TIME, _SUPPRESSED: _TIME,
        },
        {
            "id": EXACT, "email": EXACT, "phone_number": EXACT, "external_id": EXACT, "created": STRICT_ORDER,
            "updated": STRICT_ORDER, _SUPPRESSED: ORDER,
        },
        ("created", "updated", "id", "email", _SUPPRESSED), "id",
        paths={_SUPPRESSED: ("attributes", *_SUPPRESSED.split("."))},
        additional=("subscriptions", "predictive_analytics"),
    ),
    "events": Endpoint(
        "event", XL, 200, 1000,
        {"id": _TEXT, "datetime": _TIME, "timestamp": Kind.NUMBER, "metric_id": _TEXT, "profile_id": _TEXT},
        {"metric_id": ("equals",), "profile_id": ("equals",), "datetime": ORDER, "timestamp": ORDER},
        ("datetime", "timestamp"), "-datetime",
        paths={
            "metric_id": ("relationships", "metric", "data", "id"),
            "profile_id": ("relationships", "profile", "data", "id"),
        },
        includes={"metric": "metrics", "profile": "profiles", "attributions": "attributions"},
    ),
    "metrics": Endpoint(
        "metric", M, 200, 200,
        {"id": _TEXT, "integration.name": _TEXT, "integration.category": _TEXT},
        {"integration.name": ("equals",), "integration.category": ("equals",)},
        (), "id",
        paths={
            "integration.name": ("attributes", "integration", "name"),
            "integration.category": ("attributes", "integration", "category"),
        },
        takes_size=False,
    ),
    "lists": Endpoint(
        "list", L, 10, 10,
        {"id": _TEXT, "name": _TEXT, "created": _TIME, "updated": _TIME},
        {"id": EXACT, "name": EXACT, "created": ("greater-than",), "updated": ("greater-than",)},
        ("created", "id", "name", "updated"), "id",
        includes={"tags": "tags"},
    ),
    "segments": Endpoint(
        "segment", L, 10, 10,
        {
            "id": _TEXT, "name": _TEXT, "created": _TIME, "updated": _TIME, "is_active": _FLAG, "is_starred": _FLAG,
        },
        {
            "id": EXACT, "name": EXACT, "created": ("greater-than",), "updated": ("greater-than",), "is_active": EXACT,
            "is_starred": ("equals",),
        },
        ("created", "id", "name", "updated"), "id",
        includes={"tags": "tags"},
    ),
    "campaigns": Endpoint(
        "campaign", M, 100, 100,
        {
            "id": _TEXT, "name": _TEXT, "status": _TEXT, "archived": _FLAG, "created_at": _TIME, "scheduled_at": _TIME,
            "updated_at": _TIME, "messages.channel": _TEXT,
        },
        {
            "id": ("any",), "messages.channel": ("equals",), "name": ("contains",), "status": EXACT,
            "archived": ("equals",), "created_at": ORDER, "scheduled_at": ORDER, "updated_at": ORDER,
        },
        ("created_at", "id", "name", "scheduled_at", "updated_at"), "-created_at",
        includes={"campaign-messages": "campaign-messages", "tags": "tags"},
        must_filter="messages.channel",
    ),
    "flows": Endpoint(
        "flow", S, 50, 50,
        {
            "id": _TEXT, "name": _TEXT, "status": _TEXT, "archived": _FLAG, "created": _TIME, "updated": _TIME,
            "trigger_type": _TEXT,
        },
        {
            "id": ("any",), "name": ("contains", "ends-with", "equals", "starts-with"), "status": ("equals",),
            "archived": ("equals",), "created": ("equals", *ORDER), "updated": ("equals", *ORDER),
            "trigger_type": ("equals",),
        },
        ("created", "id", "name", "status", "trigger_type", "updated"), "id",
        includes={"flow-actions": "flow-actions", "tags": "tags"},
    ),
}  # fmt: skip
# What has no list call of its own here and is handed over with others; and what is done by seeding (api.py says how).
INCLUDED = ("campaign-messages", "flow-actions", "tags", "attributions")
DEEDS = ("profile-merges", "profile-deletions")
CHANNELS = ("email", "sms", "mobile_push")
