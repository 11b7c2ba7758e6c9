"""What arriving contact promises: campaigns, messages, conversations, appointments, consents, visits."""

from __future__ import annotations

from datetime import datetime

from expectations.arriving.common import email_shape, past_time, planned_time, sane_amount
from expectations.promise import Promise, between, filled, within
from perennial.config.contract import CHANNELS, CONTACT_REF_TYPES

Suites = dict[str, tuple[Promise, ...]]
_EVENT_TYPES = ("delivered", "opened", "clicked", "bounced", "complained", "unsubscribed", "replied", "converted")
_channel = within("channel", CHANNELS)
_reference = within("contact_ref_type", CONTACT_REF_TYPES)


def suites(now: datetime) -> Suites:
    return {
        "campaigns": (filled("campaign_id"), _channel, sane_amount("cost_amount"), planned_time("started_at")),
        "messages": (filled("message_id"), past_time("sent_at", now), _channel, _reference),
        "message_events": (
            filled("event_id"), filled("message_id"), past_time("occurred_at", now), within("event_type", _EVENT_TYPES),
        ),
        "conversations": (
            filled("conversation_id"), past_time("opened_at", now), past_time("first_reply_at", now),
            past_time("closed_at", now), _channel, _reference,
        ),
        "assignments": (filled("assignment_id"), past_time("assigned_at", now)),
        "appointments": (
            filled("appointment_id"), past_time("booked_at", now), planned_time("starts_at"),
            sane_amount("value_amount"), _reference,
        ),
        "consents": (
            filled("contact_ref"), past_time("changed_at", now), _channel, _reference,
            within("status", ("granted", "denied")),
        ),
        "site_events": (filled("event_id"), filled("event_type"), past_time("occurred_at", now), email_shape()),
        "crm_stage_changes": (filled("change_id"), past_time("changed_at", now)),
        "advocacy_events": (
            filled("event_id"), past_time("occurred_at", now), _reference,
            between("score", "score is not absurd", -1_000_000, 1_000_000, mostly=0.999),
        ),
    }  # fmt: skip
