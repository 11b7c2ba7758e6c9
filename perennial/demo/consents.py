"""What people allowed and forbade, as three systems wrote it down, with the contradictions real systems have.

What lives here: the consents tables. What does not: when people really decided (people.py) and how an unsubscribe shows
(messages.py).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from perennial.demo.accounts import Accounts
from perennial.demo.crm import Contacts
from perennial.demo.messages import WRITES_DENIAL, mailing_address
from perennial.demo.people import People
from perennial.demo.records import Exports, moments
from perennial.demo.scale import DAY, NEVER, Scale


def add_consents(exports: Exports, people: People, accounts: Accounts, contacts: Contacts, scale: Scale) -> None:
    rng = scale.stream("consents")
    address = mailing_address(people, scale)
    everyone = np.arange(people.count)
    granted = everyone[people.email_granted_at < NEVER]
    withdrew = everyone[(people.email_withdrawn_at < NEVER) & WRITES_DENIAL[everyone % 10]]
    texted = everyone[(people.sms_granted_at < NEVER) & (people.phone != None)]  # noqa: E711
    torn = granted[rng.random(len(granted)) < 0.012]
    tomorrow = granted[rng.random(len(granted)) < 0.006]
    parts = [
        _rows(address[granted], "email", "email", "granted", people.email_granted_at[granted], "sign-up form"),
        _rows(address[withdrew], "email", "email", "denied", people.email_withdrawn_at[withdrew], "preference page"),
        _rows(people.phone[texted], "phone", "sms", "granted", people.sms_granted_at[texted], "checkout box"),
        _rows(address[torn], "email", "email", "denied", people.email_granted_at[torn], "double entry"),
        _rows(address[tomorrow], "email", "email", "granted", np.full(len(tomorrow), scale.end + 2 * DAY), "import"),
    ]
    exports.add("messaging", "consents", _in_order(pd.concat(parts, ignore_index=True)))
    _add_shop_consents(exports, people, accounts, rng)
    _add_crm_consents(exports, people, contacts, scale, rng)


def _rows(
    ref: np.ndarray, ref_type: str, channel: str, status: str, at: np.ndarray, evidence: str, purpose: str = "marketing"
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "contact_ref": ref,
            "contact_ref_type": ref_type,
            "channel": channel,
            "purpose": purpose,
            "status": status,
            "at": at,
            "jurisdiction": "GB",
            "evidence": evidence,
        }
    )


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    key = ["contact_ref_type", "contact_ref", "channel", "purpose", "at", "status"]
    rows = rows.drop_duplicates(key).sort_values(["at", *key], ignore_index=True)
    rows.insert(5, "changed_at", moments(rows["at"].to_numpy()))
    return rows.drop(columns="at")


def _add_shop_consents(exports: Exports, people: People, accounts: Accounts, rng: np.random.Generator) -> None:
    """The shop notes a yes and a no to advertising, and the yes to e-mail for some of its accounts."""
    person = accounts.person
    agreed = people.email_granted_at[person] < NEVER
    notes_mail = np.flatnonzero(agreed & (rng.random(len(person)) < 0.4))
    ads = np.flatnonzero(rng.random(len(person)) < 0.3)
    yes = rng.random(len(ads)) < 0.6
    parts = [
        _rows(
            accounts.customer_id[notes_mail],
            "customer_id",
            "email",
            "granted",
            people.email_granted_at[person[notes_mail]],
            "account",
        ),
        _rows(
            accounts.customer_id[ads[yes]],
            "customer_id",
            "ads",
            "granted",
            accounts.created_at[ads[yes]],
            "cookie banner",
            "ads",
        ),
        _rows(
            accounts.customer_id[ads[~yes]],
            "customer_id",
            "ads",
            "denied",
            accounts.created_at[ads[~yes]],
            "cookie banner",
            "ads",
        ),
    ]
    exports.add("shop", "consents", _in_order(pd.concat(parts, ignore_index=True)))


def _add_crm_consents(
    exports: Exports, people: People, contacts: Contacts, scale: Scale, rng: np.random.Generator
) -> None:
    """Sales people note a no that nobody else has heard of, and a direct mail yes."""
    count = len(contacts.person)
    draw = rng.random(count)
    said_no, by_post = np.flatnonzero(draw < 0.03), np.flatnonzero((draw > 0.5) & (draw < 0.62))
    no_at = np.minimum(contacts.created_at[said_no] + rng.integers(DAY, 200 * DAY, len(said_no)), scale.end - 60)
    parts = [
        _rows(contacts.contact_id[said_no], "contact_id", "email", "denied", no_at, "by phone"),
        _rows(
            contacts.contact_id[by_post],
            "contact_id",
            "direct_mail",
            "granted",
            contacts.created_at[by_post],
            "by phone",
        ),
    ]
    exports.add("crm", "consents", _in_order(pd.concat(parts, ignore_index=True)))
