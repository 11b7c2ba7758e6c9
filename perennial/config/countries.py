"""Countries by the names and codes people write: GB, GBR, United Kingdom, EIRE.

What lives here: text → ISO 3166 two-letter code. What does not: languages, addresses, regions inside a country.
"""

from __future__ import annotations

from functools import lru_cache

import pycountry

# What exports write and ISO does not list.
_ALIASES = {
    "uk": "GB", "great britain": "GB", "britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB",
    "northern ireland": "GB", "eire": "IE", "republic of ireland": "IE", "u.k.": "GB", "u.s.": "US", "u.s.a.": "US",
    "united states of america": "US", "america": "US", "holland": "NL", "the netherlands": "NL", "russia": "RU",
    "south korea": "KR", "turkey": "TR", "ivory coast": "CI", "cape verde": "CV", "macedonia": "MK", "swaziland": "SZ",
}  # fmt: skip


@lru_cache(maxsize=4096)
def country_code(text: str) -> str | None:
    """The two-letter code of a country, or none where the text is no country."""
    word = text.strip()
    if not word:
        return None
    alias = _ALIASES.get(word.lower())
    if alias is not None:
        return alias
    try:
        return str(pycountry.countries.lookup(word).alpha_2)
    except LookupError:
        return None
