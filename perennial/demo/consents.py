"""What people allowed and forbade, as three systems wrote it down, with the contradictions real systems have.

What lives here: the consents tables. What does not: when people really decided (people.py) and how an unsubscribe shows
(messages.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from perennial.demo.accounts import Accounts
from perennial.demo.crm import Contacts
from perennial.demo.messages import WRITES_DENIAL, mailing_address
from perennial.demo.people import People
from perennial.demo.records import Exports, known, moments
from perennial.demo.scale import DAY, NEVER, Scale


def add_consents(exports: Exports, people: People, accounts: Accounts, contacts: Contacts, scale: Scale) -> None:
    rng = scale.stream("consents")
    address = mailing_address(people, scale)
    everyone = np.arange(people.count)
    granted = everyone[people.email_granted_at < NEVER]
    withdrew = everyone[(people.email_withdrawn_at < NEVER) & WRITES_DENIAL[everyone % 10]]
    texted = everyone[(people.sms_granted_at < NEVER) & known(people.phone)]
    torn = granted[rng.random(len(granted)) < 0.012]
    tomorrow = granted[rng.random(len(granted)) < 0.006]
    granted_at, withdrawn_at = people.email_granted_at, people.email_withdrawn_at
    later = np.full(len(tomorrow), scale.end + 2 * DAY)
    parts = [
        _rows(granted, address, EMAIL, "granted", granted_at[granted], "sign-up form"),
        _rows(withdrew, address, EMAIL, "denied", withdrawn_at[withdrew], "preference page"),
        _rows(texted, people.phone, TEXT, "granted", people.sms_granted_at[texted], "checkout box"),
        _rows(torn, address, EMAIL, "denied", granted_at[torn], "double entry"),
        _rows(tomorrow, address, EMAIL, "granted", later, "import"),
    ]
    _add(exports, "messaging", parts)
    _add_shop_consents(exports, people, accounts, rng)
    _add_crm_consents(exports, contacts, scale, rng)


@dataclass(frozen=True)
class About:
    """What a statement is about, and how the person is named in it."""

    ref_type: str
    channel: str
    purpose: str = "marketing"


EMAIL, TEXT = About("email", "email"), About("phone", "sms")
ACCOUNT_EMAIL, ACCOUNT_ADS = About("customer_id", "email"), About("customer_id", "ads", "ads")
CONTACT_EMAIL, CONTACT_POST = About("contact_id", "email"), About("contact_id", "direct_mail")


def _rows(
    who: np.ndarray,
    refs: np.ndarray,
    about: About,
    status: str,
    at: np.ndarray,
    evidence: str,
    person_of: np.ndarray | None = None,
) -> pd.DataFrame:
    """One statement each; `who` indexes `refs`, and `person_of` where that is not the person's own number."""
    return pd.DataFrame(
        {
            "person": who if person_of is None else person_of[who],
            "contact_ref": refs[who],
            "contact_ref_type": about.ref_type,
            "channel": about.channel,
            "purpose": about.purpose,
            "status": status,
            "at": at,
            "jurisdiction": "GB",
            "evidence": evidence,
        }
    )


def _add(exports: Exports, source: str, parts: list[pd.DataFrame]) -> None:
    key = ["contact_ref_type", "contact_ref", "channel", "purpose", "at", "status"]
    rows = pd.concat(parts, ignore_index=True).drop_duplicates(key).sort_values(["at", *key], ignore_index=True)
    rows.insert(6, "changed_at", moments(rows["at"].to_numpy()))
    person = rows["person"].to_numpy()
    exports.add_pointing(source, "consents", rows.drop(columns=["person", "at"]), person, "message_contact")


def _add_shop_consents(exports: Exports, people: People, accounts: Accounts, rng: np.random.Generator) -> None:
    """The shop notes a yes and a no to advertising, and the yes to e-mail for some of its accounts."""
    person, refs = accounts.person, accounts.customer_id
    agreed = people.email_granted_at[person] < NEVER
    mail = np.flatnonzero(agreed & (rng.random(len(person)) < 0.4))
    ads = np.flatnonzero(rng.random(len(person)) < 0.3)
    says_yes = rng.random(len(ads)) < 0.6
    yes, no = ads[says_yes], ads[~says_yes]
    parts = [
        _rows(mail, refs, ACCOUNT_EMAIL, "granted", people.email_granted_at[person[mail]], "account", person),
        _rows(yes, refs, ACCOUNT_ADS, "granted", accounts.created_at[yes], "cookie banner", person),
        _rows(no, refs, ACCOUNT_ADS, "denied", accounts.created_at[no], "cookie banner", person),
    ]
    _add(exports, "shop", parts)


def _add_crm_consents(exports: Exports, contacts: Contacts, scale: Scale, rng: np.random.Generator) -> None:
    """Sales people note a no that nobody else has heard of, and a direct mail yes."""
    person, refs = contacts.person, contacts.contact_id
    draw = rng.random(len(person))
    said_no, by_post = np.flatnonzero(draw < 0.03), np.flatnonzero((draw > 0.5) & (draw < 0.62))
    no_at = np.minimum(contacts.created_at[said_no] + rng.integers(DAY, 200 * DAY, len(said_no)), scale.end - 60)
    parts = [
        _rows(said_no, refs, CONTACT_EMAIL, "denied", no_at, "by phone", person),
        _rows(by_post, refs, CONTACT_POST, "granted", contacts.created_at[by_post], "by phone", person),
    ]
    _add(exports, "crm", parts)
