"""How texts are compared where case does not matter (RFC 7644 sections 5 and 7.8)."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """`text` without what makes no difference: case, width, and how accents are written.

    These are the rules of PRECIS for user names (RFC 8265 section 3.3, which replaced
    RFC 7613), with Unicode's case folding for lower case.
    """
    if text.isascii():
        return text.lower()
    narrow = "".join(
        unicodedata.normalize("NFKC", one) if unicodedata.east_asian_width(one) in "FH" else one
        for one in text
    )
    # Folding may take composed characters apart, and those that are apart have to be folded.
    whole = unicodedata.normalize("NFC", narrow)
    return unicodedata.normalize("NFC", whole.casefold())
