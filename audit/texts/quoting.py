"""What others typed, in messages that are otherwise ours: marked, in one line or cited, no links."""

import re
from typing import Final

from audit.texts.hidden import with_hidden_characters_shown

_SCHEME: Final = re.compile(r"(?<!\[)://")
# The dot of a host's name, which programs make a link of even without a scheme before it. An address
# of email is left alone: what programs make of it opens no page.
_HOST: Final = re.compile(r"(@[\w.-]+)|(?<=[^\W_])[.\u3002\uff0e\uff61](?=[^\W\d_]{2})")
_QUOTES: Final = str.maketrans({"“": "‘", "”": "’", "„": "‚", "‟": "‘", '"': "’"})


def in_one_line(text: str) -> str:
    """The text without line breaks, and with nothing hidden in it."""
    return " ".join(with_hidden_characters_shown(text).split())


def quoted(text: str) -> str:
    """What somebody typed, as part of a sentence of ours. It cannot end its own quotation marks."""
    return f"“{in_one_line(text).translate(_QUOTES)}”"


def cited(text: str) -> str:
    """What somebody typed in lines of their own, each marked as such."""
    lines = with_hidden_characters_shown(text).splitlines()
    return "\n".join(f"> {line}".rstrip() for line in lines)


def without_links(text: str) -> str:
    """The text written so that no program makes a link of it: “https[://]example[.]org”.

    Twice does no more.
    """
    return _HOST.sub(lambda found: found[1] or "[.]", _SCHEME.sub("[://]", text))
