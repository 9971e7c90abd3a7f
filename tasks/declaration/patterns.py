"""Patterns that texts must match: those of parameters, and of tickets.

RE2 reads them, whose time grows with the length of a text and no faster. With Python's own `re` one
pattern such as `(a+)+b` holds the whole process for as long as whoever types a text likes.
"""

from typing import Any, Final

import re2

_QUIET: Final = re2.Options()
_QUIET.log_errors = False


class WrongPattern(ValueError):
    """It is no regular expression, or needs what RE2 does not have."""


class Pattern:
    """A regular expression for the whole of a text."""

    def __init__(self, text: Any) -> None:  # noqa: ANN401 -- whatever an author has written
        """Raises WrongPattern."""
        if not isinstance(text, str):
            raise WrongPattern(f"{text!r} is no text")
        try:
            self._read = re2.compile(text, _QUIET)
        except re2.error as error:
            raise WrongPattern(_in_words(error)) from None
        self.text = text

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def fits(self, text: str) -> bool:
        """Whether the whole text is like this."""
        try:
            return self._read.fullmatch(text) is not None
        except UnicodeEncodeError:  # half a character
            return False


def _in_words(error: Exception) -> str:
    """“missing ]: [”, and what to do where `re` would have taken it."""
    said = error.args[0] if error.args else ""
    what = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    if what.startswith(("invalid perl operator", "invalid escape sequence")):
        return f"{what}: there are no look-arounds, no back-references and no \\Z here"
    return what
