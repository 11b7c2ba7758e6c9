"""The demo world's messages as respond.io holds them: who wrote, over which channel, and what came of it.

What lives here: messages and the workspace's channels. What does not: contacts and conversations (world.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from perennial.sandbox.respond_io.store import MICROSECONDS, Record
from perennial.sandbox.respond_io.world_rows import Ref, Row, Users, number, ref, seconds

CHANNELS = {  # ours → what respond.io calls the source of such a channel
    "email": "other_email",
    "sms": "twilio",
    "whatsapp": "whatsapp_cloud",
    "messenger": "facebook",
    "instagram": "instagram",
    "tiktok": "tiktok",
    "web_chat": "webchat",
    "voice": "voice",
}
FIRST_CHANNEL = 348_001
_STATUSES = {"delivered": "delivered", "opened": "read", "bounced": "failed"}
_TEXTS = {"incoming": "Hello, I have a question.", "outgoing": "Thank you for your message."}


def channel_records() -> list[Record]:
    return [
        {"id": FIRST_CHANNEL + position, "name": f"Shop {ours}", "source": theirs, "created_at": 1_577_836_800}
        for position, (ours, theirs) in enumerate(CHANNELS.items())
    ]


def message_records(
    messages: Sequence[Row],
    contact_ids: Mapping[Ref, int],
    users: Users,
    assignments: Mapping[str, Sequence[Row]],
    events: Sequence[Row],
) -> list[Record]:
    """Every message under an id that is its time in microseconds; two of one second are a microsecond apart."""
    told = defaultdict(list)
    for each in events:
        if each["event_type"] in _STATUSES:
            told[each["message_id"]].append(each)
    used: set[int] = set()
    found = []
    for each in messages:
        message_id = seconds(each["sent_at"]) * MICROSECONDS
        while message_id in used:
            message_id += 1
        used.add(message_id)
        sender = _sender(each, users, assignments.get(each["conversation_id"], ()))
        found.append(_message(each, message_id, contact_ids[ref(each)], sender, told[each["message_id"]]))
    return found


def _message(row: Row, message_id: int, contact_id: int, sender: Record, events: Sequence[Row]) -> Record:
    traffic = "incoming" if row["direction"] == "inbound" else "outgoing"
    status = [{"value": "sent", "timestamp": message_id // 1000}] if traffic == "outgoing" else []
    for each in sorted(events, key=lambda one: one["occurred_at"]):
        status.append({"value": _STATUSES[each["event_type"]], "timestamp": seconds(each["occurred_at"]) * 1000})
    return {
        "messageId": message_id,
        "channelMessageId": row["message_id"],
        "contactId": contact_id,
        "channelId": FIRST_CHANNEL + list(CHANNELS).index(row["channel"]),
        "traffic": traffic,
        "message": {"type": "text", "text": _TEXTS[traffic]},
        "sender": sender,
        "replyTo": None,
        "status": status,
    }


def _sender(row: Row, users: Users, assignments: Sequence[Row]) -> Record:
    """Who wrote. Campaigns are broadcasts, automations workflows; a human is whom the conversation was with by then."""
    nobody: Record = dict.fromkeys(("userId", "teamId", "workflowId", "broadcastHistoryId"))
    if row["direction"] == "inbound":
        return {"source": "contact", **nobody}
    if row["automation_id"]:
        return {"source": "workflow", **nobody, "workflowId": number(row["automation_id"])}
    if row["campaign_id"]:
        return {"source": "broadcast", **nobody, "broadcastHistoryId": number(row["campaign_id"])}
    if row["sent_by"] != "human":
        return {"source": "bot" if row["sent_by"] == "bot" else "api", **nobody}
    in_order = sorted(assignments, key=lambda each: each["assigned_at"])
    by_then = [each for each in in_order if each["assigned_at"] <= row["sent_at"]] or in_order[:1]
    if not by_then:
        return {"source": "user", **nobody}
    taken = by_then[-1]
    return {"source": "user", **nobody, "userId": users.id(taken["owner_id"]), "teamId": users.team_id(taken["team"])}
