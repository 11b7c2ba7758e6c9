"""The key of a delivery: the same for every attempt, told to nobody who lacks the ledger's secret.

What lives here: the HMAC. What does not: the secret's keeping (database.py), who gets which spell number (planning.py).
"""

from __future__ import annotations

import hashlib
import hmac
import json

from perennial.ledger.records import Channel

_LENGTH = 40


def delivery_key(secret: bytes, channel: Channel, customer_id: str, action: str, spell: int) -> str:
    """HMAC of (destination, audience, customer, action, spell number)."""
    named = json.dumps([channel.destination, channel.audience, customer_id, action, spell]).encode()
    return hmac.new(secret, named, hashlib.sha256).hexdigest()[:_LENGTH]
