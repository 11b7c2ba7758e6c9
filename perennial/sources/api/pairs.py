"""Texts that were cut in the middle of a sign.

What lives here: making them readable. What does not: anything else of JSON.

JSON tells signs beyond the first 65,536, such as emoji, by pairs of escapes. A vendor that cuts texts by length leaves
half a pair, and its JSON libraries write it and read it; strict ones, ours and DuckDB's, refuse the whole page. One
message that was cut so would keep its source from being read for as long as the vendor hands it over.
"""

from __future__ import annotations

import re

_FIRST, _SECOND = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
# escapes in their order, since a backslash may itself be escaped: whole pairs, halves, anything else
_ESCAPE = re.compile(rb"%s%s|(%s|%s)|\\." % (_FIRST, _SECOND, _FIRST, _SECOND))
_INSTEAD = rb"\ufffd"


def whole(body: bytes) -> bytes:
    """JSON with the sign for "unreadable" in place of each half; what has none comes back as it is."""
    if b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda found: _INSTEAD if found[1] else found[0], body)
