"""The tokens of links in emails, hidden in what is logged."""

import logging
import re
from typing import Final

TOKEN: Final = re.compile(r"/a/[^/\s'\"]+")
HIDDEN: Final = "/a/…"


def without_tokens(text: str) -> str:
    """The text with the tokens of such links hidden."""
    return TOKEN.sub(HIDDEN, text)


class HideTokens(logging.Filter):
    """Takes the tokens out of an entry and its traceback: Django logs the address of what it refuses."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every entry is let through."""
        if TOKEN.search(said := record.getMessage()):
            record.msg, record.args = without_tokens(said), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = without_tokens(record.exc_text)
        return True
