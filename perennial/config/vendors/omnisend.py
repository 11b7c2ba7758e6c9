"""Omnisend: what perennial.yml may say of a brand, and the tables landed from it.

What lives here: names, types and defaults. What does not: calls (perennial/sources/omnisend), meaning
(models/staging/omnisend). What hangs on a contact carries the `updated_at` of the version that it belongs to.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.config.contract import Table, table
from perennial.config.parts import ApiSource


class Settings(ApiSource):
    """One brand. `token_env` names an API key. `api_version` goes into the header Omnisend-Version."""

    kind: Literal["omnisend"]
    api_version: str = Field(default="2026-03-15", pattern=r"^\d{4}-(\d\d-\d\d|preview)$")
    page_size: int = Field(default=250, ge=1, le=250)
    requests_per_second: float = Field(default=6.0, gt=0)  # 400 a minute for the whole brand, whoever asks
    find_deleted: bool = True  # list all contacts every night: what is gone was deleted, and nothing else tells


_TABLES = (
    table(
        "contacts", "contact_id", "created_at",
        "contact_id:id! email:text phone:text first_name:text last_name:text country:text birthdate:text tags:text"
        " email_status:text created_at:at updated_at:at is_deleted:boolean",
    ),
    table(
        "contact_channels", "contact_id identifier channel", None,
        "contact_id:id! identifier:id! channel:text! identifier_type:text status:text changed_at:at updated_at:at",
        parent="contacts",
    ),
    # every yes there ever was: kind consent or opt_in
    table(
        "contact_consents", "contact_id channel kind stated_at", None,
        "contact_id:id! channel:text! kind:text! stated_at:at! consent_source:text updated_at:at",
        parent="contacts",
    ),
    table("contact_ids", "contact_id", None, "contact_id:id! is_deleted:boolean"),
    table(
        "campaigns", "campaign_id", "created_at",
        "campaign_id:id! name:text campaign_type:text status:text channel:text started_at:at ended_at:at created_at:at"
        " updated_at:at is_deleted:boolean",
    ),
    table(
        "automations", "automation_id", "created_at",
        "automation_id:id! name:text is_enabled:boolean first_send:text created_at:at updated_at:at"
        " is_deleted:boolean",
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {each.name: each for each in _TABLES}
