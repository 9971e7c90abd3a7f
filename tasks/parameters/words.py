"""Names of code turned into words, and texts made safe to be read."""

import unicodedata


def words(name: str) -> str:
    """`external_ref` as "External ref"."""
    text = name.replace("_", " ").strip() or name
    return text[:1].upper() + text[1:]


def with_hidden_characters_shown(text: str) -> str:
    """The text with each invisible character written out, as in “pay⟨U+200B⟩pal”.

    An approver must be able to tell two texts apart that look the same.
    """
    return "".join(f"⟨U+{ord(c):04X}⟩" if unicodedata.category(c) == "Cf" else c for c in text)
