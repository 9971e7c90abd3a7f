"""Letters without their accents, and quotation marks and dashes as a keyboard has them.

“jose” finds “José”, and a straight apostrophe finds a typographic one, whichever of the two was typed.
"""

import unicodedata
from typing import Final

from django.db.models import CharField, F, Func, Q, TextField, Value
from django.db.models.functions import Cast, Lower
from django.db.models.lookups import Contains


def _plain_letters() -> dict[str, str]:
    """Each letter of Latin scripts with an accent, and the small letter that it is without it."""
    found = {}
    for code in range(0xC0, 0x250):
        base = unicodedata.normalize("NFKD", chr(code))[:1]
        if base.isascii() and base.isalpha():
            found[chr(code)] = base.lower()
    return found


PLAIN: Final = {
    **_plain_letters(),
    **dict(zip("ĐđŁłØøĦħ", "ddlloohh", strict=True)),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4\u0060", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\u2033", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    "\u00a0": " ",
}
_TABLE: Final = str.maketrans(PLAIN)


def fold(text: str) -> str:
    """The text in small plain letters."""
    return unicodedata.normalize("NFC", text).translate(_TABLE).lower()


def holds_folded(path: str, word: str) -> Q:
    """Whether this field holds the word, both in small plain letters."""
    text = Cast(F(path), TextField())
    translated = Func(
        text,
        Value("".join(PLAIN)),
        Value("".join(PLAIN.values())),
        function="TRANSLATE",
        output_field=CharField(),
    )
    return Q(Contains(Lower(translated), fold(word)))
