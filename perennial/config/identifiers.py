"""E-mail addresses: when two of them are one address. The reference that SQL agrees with.

What lives here: normalise_email(), the rules of mail providers, and what is invisible in any text that people paste.
What does not: phone numbers (perennial/landing/phones.py), deciding whether an address tells one person from another
(models/identity), and keeping addresses for SQL (perennial/landing/emails.py).

SQL compares most addresses by itself: what PLAIN matches is trimmed and lower-cased, nothing more
(dbt_project/macros/addresses.sql has the same pattern). Everything else is normalised here, once, when it lands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TypedDict

import idna

RULES = 1  # raised with every change of what normalise_email() returns: landing then works its table out anew

_LOCAL = r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]+"
_DOMAIN = r"[a-zA-Z0-9_-]+([.][a-zA-Z0-9_-]+)+"
PLAIN = f"^ *{_LOCAL}@{_DOMAIN} *$"  # no backslash in it, so that it is one text in Python and in every SQL
AT_SIGNS = "@＠﹫"

_PLAIN = re.compile(f" *{_LOCAL}@{_DOMAIN} *")
_WHOLE_DOMAIN = re.compile(_DOMAIN)
_LONGEST = 1000  # characters with the name and the comment around an address; no address is longer than 254
# Characters that show nothing at all: controls, format characters, fillers, variation selectors. The two joiners
# (U+200C, U+200D) are letters of some scripts and are judged by where they stand.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_BLANK = re.compile("[ \t\n\x0b\x0c\r\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000]+")
_JOINERS = ("\u200c", "\u200d")
_FULL_WIDTH = {0xFF01 + n: 0x21 + n for n in range(94)} | {0xFE6B: ord("@")}
_QUOTES = "\"'`´‘’‚“”„«»‹›"
_COMMENT = re.compile(r"^\([^()]*\)|\([^()]*\)$")
_MAIL_LINK = re.compile(r"^mailto:([^?]*)(\?.*)?$", re.IGNORECASE)
_NEVER_LOCAL = re.compile(r'[\s()<>\[\]{},;:\\"@]')


class ProviderRule(TypedDict, total=False):
    """One entry of the variable email_provider_rules in dbt_project.yml, whose key is a domain or `*`."""

    aliases: Sequence[str]
    ignore_dots: bool
    ignore_plus_tags: bool


def normalise_email(text: str) -> str | None:
    """The one form of an address, or none where the text is not exactly one address."""
    if _PLAIN.fullmatch(text):
        return text.strip(" ").lower()
    if len(text) > _LONGEST:
        return None
    bare = _unwrapped(visible(text).translate(_FULL_WIDTH))
    local, at, domain = bare.partition("@")
    if not at or "@" in domain:
        return None
    who, where = _local(local.strip(" ")), _domain(domain.strip(" "))
    return f"{who}@{where}" if who and where else None


def with_provider_rules(address: str, rules: Mapping[str, ProviderRule]) -> str:
    """The address that a provider delivers to, where somebody switched its rules on; most are nobody's to assume."""
    local, _, domain = address.partition("@")
    domain = next((name for name, rule in rules.items() if domain in rule.get("aliases", ())), domain)
    rule = rules.get(domain, rules.get("*", {}))
    if rule.get("ignore_plus_tags"):
        local = local.split("+")[0] or local
    if rule.get("ignore_dots"):
        local = local.replace(".", "") or local
    return f"{local}@{domain}"


def visible(text: str) -> str:
    """The text without what nobody sees, with plain blanks between words and none around it."""
    seen = _BLANK.sub(" ", _INVISIBLE.sub("", text))
    if any(joiner in seen for joiner in _JOINERS):
        seen = "".join(each for at, each in enumerate(seen) if each not in _JOINERS or _joins(seen, at))
    return seen.strip(" ")


def _joins(text: str, at: int) -> bool:
    """Persian and the scripts of India write some words with a joiner: a letter there, a slip anywhere else."""
    try:
        return idna.valid_contextj(text, at)
    except ValueError:  # beside a character that Unicode has not given out
        return False


def _unwrapped(text: str) -> str:
    """What mail programs, exports and pasting put around an address, taken off."""
    if text.count("<") == 1:  # Jo <jo@example.com> (home)
        text = text.partition("<")[2].partition(">")[0]
    text = _COMMENT.sub("", text.strip(" ")).strip(" ;,.")
    link = _MAIL_LINK.match(text)
    text = (link[1] if link else text).strip(" ;,.")
    if len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        text = text[1:-1].strip(" ")
    return text


def _local(text: str) -> str | None:
    """Composed and in lower case, letter by letter as Unicode says.

    U+0130 becomes i with a dot above it, not i: where a mail server tells the two apart, whoever owns the one could
    otherwise take over the other's history. Letters that only look alike stay apart for the same reason.
    """
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = text[1:-1]
    if _NEVER_LOCAL.search(text):
        return None
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _domain(text: str) -> str | None:
    """The domain in ASCII, as it stands in the DNS: UTS 46 maps what people type, IDNA 2008 spells it."""
    try:
        labels = idna.uts46_remap(text, std3_rules=False).strip(".").split(".")
    except idna.IDNAError:
        return None
    ascii_domain = ".".join(label if label.isascii() else _spelt(label) for label in labels)
    return ascii_domain if _WHOLE_DOMAIN.fullmatch(ascii_domain) else None


def _spelt(label: str) -> str:
    try:
        return idna.alabel(label).decode("ascii")
    except idna.IDNAError:  # domains of emoji exist, though IDNA 2008 would not register them
        return "xn--" + label.encode("punycode").decode("ascii")
