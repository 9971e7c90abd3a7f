"""The parts of a message, and their limits at Slack.

What people wrote is always plain text: Slack makes no mention or emoji of it, and leaves no character
out, so that what is read is what is asked. Nothing in it is hidden, and nothing in it is a link.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from typing import Any, Final

from audit.texts.hidden import with_hidden_characters_shown
from audit.texts.quoting import cited, without_links

type Block = dict[str, Any]

MOST_BLOCKS: Final = 50
HEADER: Final = 150
TEXT: Final = 3000
FIELD: Final = 2000
FIELDS: Final = 10


class TooLong(Exception):
    """It does not fit into a message as it is, and is not shown in part."""


def header(text: str) -> Block:
    """The first line. Shortened: it is never all that is said."""
    return {"type": "header", "text": plain(shortened(text, HEADER), HEADER)}


def section(text: str) -> Block:
    return {"type": "section", "text": plain(text, TEXT)}


def fields(pairs: Iterable[Sequence[str]]) -> Iterator[Block]:
    """Labels with their values, as many blocks as they need."""
    each = (plain(f"{label}\n{_value(value)}", FIELD) for label, value, *_ in pairs)
    for some in batched(each, FIELDS):
        yield {"type": "section", "fields": list(some)}


def _value(text: str) -> str:
    """What was typed, each line marked as such where there are several: none looks like a label."""
    return cited(text) if len(text.splitlines()) > 1 else text or "—"


def note(text: str) -> Block:
    """Small print. Of ours alone, or shortened."""
    return {"type": "context", "elements": [plain(shortened(text, FIELD), FIELD)]}


def buttons(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def button(text: str, action_id: str, **more: Any) -> Block:  # noqa: ANN401 - as Slack takes it
    return {"type": "button", "text": plain(text, 75), "action_id": action_id, **more}


def confirm(title: str, text: str, yes: str) -> Block:
    """The question that Slack puts before it sends a click."""
    return {
        "title": plain(title, 100),
        "text": plain(shortened(text, 300), 300),
        "confirm": plain(yes, 30),
        "deny": plain("Not yet", 30),
    }


def plain(text: str, most: int) -> Block:
    """Text as it is, without live links. Raises `TooLong`."""
    text = _safe(text)
    if len(text) > most:
        raise TooLong(f"{len(text)} characters, and {most} fit.")
    return {"type": "plain_text", "text": text or "—", "emoji": False}


def shortened(text: str, most: int) -> str:
    """As much of it as fits, as it will be shown."""
    text = _safe(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _safe(text: str) -> str:
    return without_links(with_hidden_characters_shown(text))


def escaped(text: str) -> str:
    """For the line that notifications show, which Slack always reads as its own notation."""
    return _safe(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
