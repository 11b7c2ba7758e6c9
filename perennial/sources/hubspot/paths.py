"""Where HubSpot keeps what, in the spelling of the version that is set.

What lives here: paths as a function of `api_version`. What does not: asking.
"""

from __future__ import annotations


def path(version: str, area: str, rest: str) -> str:
    """A path: dated versions stand behind the area, v3 before it; what v3 never had is there as v4."""
    if version != "v3":
        root = "/communication-preferences" if area == "communication-preferences" else f"/crm/{area}"
        return f"{root}/{version}/{rest}"
    if area == "communication-preferences":
        return f"/communication-preferences/v4/{rest}"
    return f"/crm/{'v4' if area == 'associations' else 'v3'}/{area}/{rest}"
