"""Finding runs by words: what they are about, who requested them, why, and what they returned.

Capitals, accents, typographic quotes and dashes, and invisible characters make no difference. The
words may come in any order, and each may be the beginning of one.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from django.contrib.postgres.search import SearchQueryField
from django.db.models import BooleanField, F, Func, QuerySet, Value
from django.db.models.functions import Cast

from audit.texts.hidden import folded
from tasks.models import Run

MOST_WORDS: Final = 2_000  # of one run
MOST_SEARCHED: Final = 20  # words that one search may have
LONGEST_WORD: Final = 100
MOST_TEXT: Final = 100_000  # characters of one run
_APOSTROPHES: Final = re.compile("['`\u00b4\u2018\u2019]")
_DASHES: Final = re.compile("[\u2010-\u2015\u2212]")
_EDGES: Final = "".join(c for c in map(chr, range(33, 127)) if not c.isalnum() and c != "_")
_PART: Final = re.compile(r"[^\W_]+")


def words_of(text: str) -> Iterator[str]:
    """The words of a text as they are compared: “Siobhán” and “siobhan” are the same."""
    for word in text.split():
        letters = unicodedata.normalize("NFKD", folded(word))
        plain = "".join(c for c in letters if unicodedata.category(c) != "Mn")
        yield _DASHES.sub("-", _APOSTROPHES.sub("", plain)).strip(_EDGES)[:LONGEST_WORD]


def words_in(texts: Iterable[str]) -> list[str]:
    """Each word once, as a whole and in its parts: “A-10001” is found by “10001” too."""
    left, found = MOST_TEXT, dict[str, None]()
    for text in texts:
        for whole in words_of(text[:left]):
            found |= dict.fromkeys(part for part in (whole, *_PART.findall(whole)) if part)
        left -= len(text)
        if left <= 0 or len(found) >= MOST_WORDS:
            break
    return list(found)[:MOST_WORDS]


def found_by(runs: QuerySet[Run], query: str) -> QuerySet[Run]:
    """Those of the runs in which each word of the query begins a word."""
    words = list(words_of(query))[:MOST_SEARCHED]
    wanted = [f"'{word.replace('\\', '\\\\')}':*" for word in words if word]
    if not wanted:
        return runs.none() if query.strip() else runs
    matches = Func(
        F("words__words"),
        Cast(Value(" & ".join(wanted)), SearchQueryField()),
        template="(%(expressions)s)",
        arg_joiner=" @@ ",
        output_field=BooleanField(),
    )
    return runs.filter(matches)
