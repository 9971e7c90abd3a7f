"""What somebody else's code says, as text that can be kept: whatever it is, and however long."""

from collections.abc import Callable
from typing import Final

LONGEST: Final = 10_000  # characters of an error, a refusal, a line of a log


def said(value: object) -> str:
    """The text of a value, such as an exception, also where asking for it fails."""
    return _read(str, value)


def written(value: object) -> str:
    """A value as Python writes it, also where asking for that fails."""
    return _read(repr, value)


def _read(ask: Callable[[object], str], value: object) -> str:
    try:
        return ask(value)
    # Whatever it raises: the run has ended, and how it ended has to be written down.
    except BaseException as error:
        kind = type(value).__name__
        return f"(The text of this {kind} cannot be read: {type(error).__name__}.)"


def cut(text: str, most: int = LONGEST) -> str:
    """The beginning of a long text, with a note that says how long it is."""
    return text if len(text) <= most else f"{text[:most]}{note_of(len(text), most)}"


def note_of(length: int, most: int) -> str:
    """What stands at the end of a text that was cut."""
    return f"… (The first {most:,} of {length:,} characters.)"
