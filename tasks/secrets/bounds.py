"""Texts that are kept, without secrets and no longer than people read them.

A text of a hundred megabytes is not searched as a whole: no other thread would get a turn, and the run
would lose its worker.
"""

from tasks.declaration.texts import LONGEST, note_of
from tasks.secrets.masking import Redactor


def bounded(text: str, redact: Redactor, most: int = LONGEST) -> str:
    """The text without secrets; where it is longer, its beginning and a note."""
    if len(text) <= most:
        return redact(text)
    return f"{beginning(text, redact, most)}{note_of(len(text), most)}"


def beginning(text: str, redact: Redactor, most: int) -> str:
    """At most so many characters of the text, without secrets."""
    if len(text) <= most:
        return redact(text)[:most]
    # Half a secret at the cut would not be found: the search goes further than what is kept, by what
    # the half could be.
    found = redact(text[: most + redact.longest])
    return found[: max(0, min(most, len(found) - redact.longest))]
