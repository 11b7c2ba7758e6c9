"""The demo's messaging tables as plain rows, and the numbers respond.io gives to whom they name.

What lives here: which rows are respond.io's, references, users and teams. What does not: any record of the sandbox that
is about a contact (world.py, world_messages.py).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from perennial.sandbox.respond_io.store import Record

SOURCE = "messaging"
CHATS = ("whatsapp", "messenger", "instagram", "tiktok", "web_chat", "voice")
FIRST_CONTACT, FIRST_USER, FIRST_TEAM = 400_000_001, 480_000, 24_001
Row = Mapping[str, Any]
Ref = tuple[str, str]  # contact_ref_type, contact_ref
Tables = Mapping[tuple[str, str], pd.DataFrame]


def conversation_rows(tables: Tables) -> list[Row]:
    return _rows(tables, "conversations")


def assignment_rows(tables: Tables) -> list[Row]:
    return _rows(tables, "assignments")


def message_rows(tables: Tables) -> list[Row]:
    """Messages of a conversation or over a chat channel. Campaigns by e-mail, text message and push are Klaviyo's."""
    frame = tables.get((SOURCE, "messages"))
    if frame is None:
        return []
    return _plain(frame[frame["conversation_id"].notna() | frame["channel"].isin(CHATS)])


def event_rows(tables: Tables, messages: Sequence[Row]) -> list[Row]:
    """What came of these messages."""
    frame = tables.get((SOURCE, "message_events"))
    if frame is None:
        return []
    return _plain(frame[frame["message_id"].isin([each["message_id"] for each in messages])])


def consent_rows(tables: Tables) -> list[Row]:
    frame = tables.get((SOURCE, "consents"))
    return [] if frame is None else _plain(frame[frame["channel"].isin(CHATS)])


def _rows(tables: Tables, table: str) -> list[Row]:
    frame = tables.get((SOURCE, table))
    return [] if frame is None else _plain(frame)


def _plain(frame: pd.DataFrame) -> list[Row]:
    """Rows with None for whatever is missing."""
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def ref(row: Row) -> Ref:
    return str(row["contact_ref_type"]), str(row["contact_ref"])


def seconds(value: Any) -> Any:
    """Seconds since 1970 of a naive UTC time; None stays None."""
    return None if value is None else int(pd.Timestamp(value).timestamp())


def number(text: str) -> int:
    """A number for a name, the same one every time."""
    return zlib.crc32(text.encode())


def first_seen(tables: Tables) -> dict[Ref, int]:
    """When each reference appeared first, in seconds since 1970."""
    first: dict[Ref, int] = {}
    for rows, column in (
        (conversation_rows(tables), "opened_at"),
        (message_rows(tables), "sent_at"),
        (consent_rows(tables), "changed_at"),
    ):
        for row in rows:
            at = seconds(row[column])
            first[ref(row)] = min(at, first.get(ref(row), at))
    return first


def ids_of_contacts(tables: Tables) -> dict[Ref, int]:
    """The number each reference has as a contact of respond.io, in the order of their first appearance."""
    first = first_seen(tables)
    in_order = sorted(first, key=lambda each: (first[each], each))
    return {each: FIRST_CONTACT + position for position, each in enumerate(in_order)}


class Users:
    """Owners as users with numbers. A user is in one team: the first that is named with them."""

    def __init__(self, assignments: Sequence[Row], conversations: Sequence[Row]) -> None:
        self._team_of: dict[str, str | None] = {}
        for each in [*assignments, *conversations]:
            if each["owner_id"] and not self._team_of.get(each["owner_id"]):
                self._team_of[each["owner_id"]] = each.get("team")
        self._teams = sorted({each["team"] for each in assignments if each["team"]})

    def records(self) -> list[Record]:
        return [self._record(owner) for owner in sorted(self._team_of, key=_digits)]

    def id(self, owner: str | None) -> int | None:
        return None if owner is None else FIRST_USER + _digits(owner)

    def team_id(self, team: str | None) -> int | None:
        return FIRST_TEAM + self._teams.index(team) if team in self._teams else None

    def assignee(self, owner: str | None) -> Record | None:
        if owner is None:
            return None
        return {name: self._record(owner)[name] for name in ("id", "firstName", "lastName", "email")}

    def _record(self, owner: str) -> Record:
        team = self._team_of[owner]
        return {
            "id": self.id(owner),
            "firstName": "User",
            "lastName": str(_digits(owner)),
            "email": f"user{_digits(owner)}@example.com",
            "role": "agent",
            "team": team and {"id": self.team_id(team), "name": team},
            "restrictions": [],
        }


def _digits(owner: str) -> int:
    """The number in an owner's id, or one made of the whole."""
    digits = "".join(filter(str.isdigit, owner))
    return int(digits) if digits else number(owner)
