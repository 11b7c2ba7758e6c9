"""Names, e-mail addresses and phone numbers that belong to nobody, and the ways in which systems mistype them.

What lives here: word lists, reserved addresses, placeholders, dirtying. What does not: who has which (see people.py).
E-mail domains are reserved ones (RFC 2606). Phone numbers come from ranges kept for drama: Ofcom's mobile and 01632
ranges are not valid numbers for phone libraries, so its area-code ranges, ARCEP's and the American 555-01xx are used.
"""

from __future__ import annotations

import numpy as np

_FIRST_NAMES = (
    "Ada Amir Anna Asha Ben Bilal Carys Chloe Daniel Dara Deepa Eilidh Elena Emma Finn Freya George Grace Hana Harry"
    " Ines Isla Jack Jamal Joan Kofi Lara Leo Lewis Mabel Maya Mei Mohan Nadia Nia Noah Olga Oscar Owen Petra Priya"
    " Ravi Rhys Rosa Ruby Sam Sara Sean Sofia Tariq Tess Theo Tom Uma Vera Wei Will Yara Zack Zoë"
)
_LAST_NAMES = (
    "Adeyemi Ahmed Allen Bailey Baker Begum Bennett Brown Campbell Carter Chapman Clarke Cole Cooper Cox"
    " Davies Dixon Ellis Evans Fletcher Foster Fox Gill Graham Green Griffiths Hall Hassan Hughes Hunt"
    " James Jones Kaur Kelly Khan Knight Lee Lewis Lloyd Marsh Mason Mills Murphy Nowak O'Brien Palmer"
    " Patel Pearce Price Reid Roberts Russell Shah Shaw Singh Stone Thomas Walker Ward Webb Wells Wood"
    " Wright Young"
)
FIRST_NAMES = tuple(_FIRST_NAMES.split())
LAST_NAMES = tuple(_LAST_NAMES.split())
COUNTRIES = {"GB": "United Kingdom", "IE": "Ireland", "FR": "France", "US": "United States", "DE": "Germany"}
COUNTRY_SHARES = (0.86, 0.05, 0.04, 0.03, 0.02)
DOMAINS = ("example.com", "example.org", "example.net", "mail.test", "inbox.test")
DOMAIN_SHARES = (0.5, 0.2, 0.1, 0.15, 0.05)

PLACEHOLDER_EMAILS = ("test@test.com", "noreply@example.com", "n/a", "null", "anonymous", "-1")
PLACEHOLDER_PHONES = ("0000000000", "n/a", "+10000000000", "-")

_GB_PREFIXES = (
    "113496",
    "114496",
    "116496",
    "117496",
    "118496",
    "121496",
    "131496",
    "141496",
    "151496",
    "161496",
    "207946",
    "191498",
    "289649",
    "292018",
)
_FR_PREFIXES = ("19900", "26191", "35301", "46571", "53649")
_US_AREAS = (202, 206, 212, 213, 214, 215, 303, 305, 312, 313, 404, 415, 503, 512, 602, 617, 619, 702, 713, 718)


def reserved_phones(count: int, rng: np.random.Generator) -> np.ndarray:
    """Up to `count` different E.164 numbers, British ones first; fewer where the reserved ranges run out."""
    pools = (
        [f"+44{prefix}{n:04d}" for prefix in _GB_PREFIXES for n in _gb_suffixes(prefix)],
        [f"+33{prefix}{n:04d}" for prefix in _FR_PREFIXES for n in range(10_000)],
        [f"+1{area}55501{n:02d}" for area in _US_AREAS for n in range(100)],
    )
    numbers: list[str] = []
    for pool in pools:
        order = rng.permutation(len(pool))
        numbers.extend(pool[i] for i in order[: max(0, count - len(numbers))])
    return np.array(numbers, dtype=object)


def _gb_suffixes(prefix: str) -> range:
    return range(6000, 7000) if prefix == "289649" else range(1000)


def write_like_a_person(phones: np.ndarray, country: np.ndarray | str, rng: np.random.Generator) -> np.ndarray:
    """The same numbers as people type them; in national form only where the record's country (ISO) is the number's."""
    style = rng.integers(0, 6, len(phones))
    home = np.broadcast_to(np.asarray(country, dtype=object), phones.shape)
    return np.array([_typed(phone, s, h) for phone, s, h in zip(phones, style, home, strict=True)], dtype=object)


def _typed(phone: str | None, style: int, country: str) -> str | None:
    if phone is None or not phone.startswith("+44"):
        return phone
    rest = phone[3:]
    if style == 0:
        return f"+44 {rest[:2]} {rest[2:6]} {rest[6:]}"
    if style == 1:
        return f"0044{rest}"
    if country != "GB" or style == 2:
        return phone
    if style == 3:
        return f"0{rest[:2]} {rest[2:6]} {rest[6:]}"
    return f"(0{rest[:3]}) {rest[3:6]}-{rest[6:]}" if style == 4 else f"0{rest}"


def mistype_emails(emails: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same addresses with another case or with blanks around them, for about one in five."""
    style = rng.random(len(emails))
    out = emails.copy()
    for i in np.flatnonzero(style < 0.21):
        if out[i] is not None:
            out[i] = _mistyped(out[i], style[i])
    return out


def _mistyped(email: str, style: float) -> str:
    if style < 0.03:
        return email.upper()
    if style < 0.15:
        return email.title()
    return f" {email}" if style < 0.18 else f"{email}  "


def with_placeholders(
    values: np.ndarray, share: float, words: tuple[str, ...], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The values with some replaced by placeholders, and where that happened."""
    where = rng.random(len(values)) < share
    out = values.copy()
    out[where] = rng.choice(np.array(words, dtype=object), int(where.sum()))
    return out, where
