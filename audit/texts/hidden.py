"""What is invisible or looks like something else is written out: “pay⟨U+200B⟩pal”.

A reader must be able to tell two texts apart that look the same. Ordinary writing stays as it is:
an emoji made of several, the joiners of Persian and Indic words. Kinds of space are not told apart.
"""

import re
import unicodedata
from collections import Counter
from typing import Final

# Nothing in such a text can be hidden, and most texts are such.
_PLAIN: Final = re.compile(r"[\t\n\r\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff“”‘’…–—→←•·⟨⟩✓−]*")
_WORD: Final = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
_NUMBER: Final = re.compile(r"[^\W_]+(?:[-._/][^\W_]+)*")  # such as A-10001
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})  # categories
_SPACES: Final = frozenset(" \u00a0\u202f\u3000")
_LINES: Final = frozenset("\t\n\r")
_JOINERS: Final = frozenset("\u200c\u200d")
# Letters and marks that show nothing, though their category does not say so.
_BLANKS: Final = frozenset(
    map(
        chr,
        [
            0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0xFFFC, 0x1D159,
            *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0),
        ],
    )
)  # fmt: skip
# The only flags that are made of tags: of England, Scotland and Wales.
_FLAG: Final = re.compile(
    "\U0001f3f4\U000e0067\U000e0062"
    "(\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074|\U000e0077\U000e006c\U000e0073)"
    "\U000e007f"
)
_EMOJI_SIGNS: Final = frozenset("©®‼⁉ℹ〰")  # beside the symbols from the arrows on
_VIRAMA: Final = 9  # the combining class of what kills a vowel
_JOINED: Final = ("ARABIC", "SYRIAC", "MONGOLIAN", "MANDAIC", "NKO")
# Alphabets with letters that look like those of another one.
_ALIKE: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU"})
# Those of Cyrillic and Greek that cannot be told from Latin ones.
_LIKE_LATIN: Final = frozenset("АВЕЗКМНОРСТУХІЈЅӀаеорсухіјѕӏԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορτυχ")


def with_hidden_characters_shown(text: str) -> str:
    """The text with each invisible or misleading character written out. Twice does no more."""
    if _PLAIN.fullmatch(text):
        return text
    ordinary = {at for flag in _FLAG.finditer(text) for at in range(*flag.span())}
    foreign = _foreign(text)
    return "".join(
        c if at in ordinary else _shown(text, at, is_foreign=at in foreign)
        for at, c in enumerate(text)
    )


def invisible_in(text: str) -> str:
    """The first character that shows nothing and does not belong there: “U+200B, zero width space”.

    Empty where there is none.
    """
    for at, c in enumerate(text):
        if _is_invisible(c) and not _is_ordinary(text, at):
            return named(c)
    return ""


def named(c: str) -> str:
    """A character by its number and name: “U+200B, zero width space”. Some have no name."""
    name = unicodedata.name(c, "").lower()
    return f"U+{ord(c):04X}, {name}" if name else f"U+{ord(c):04X}"


def folded(text: str) -> str:
    """What two texts share that look the same, whatever spaces, case, width and invisible characters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in plain if not c.isspace() and not _is_invisible(c))


def _shown(text: str, at: int, *, is_foreign: bool) -> str:
    c = text[at]
    if _is_invisible(c):
        return c if _is_ordinary(text, at) else f"⟨U+{ord(c):04X}⟩"
    return f"⟨U+{ord(c):04X} {unicodedata.normalize('NFKC', c)}⟩" if is_foreign else c


def _is_invisible(c: str) -> bool:
    if c in _BLANKS:
        return True
    category = unicodedata.category(c)
    if category == "Zs":
        return c not in _SPACES
    return category in _INVISIBLE and c not in _LINES


def _is_ordinary(text: str, at: int) -> bool:
    """Whether this invisible character belongs where it is: it makes an emoji, or shapes a word."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if text[at] in "\ufe0e\ufe0f":
        return _is_sign(before) or (before in set("0123456789#*") and after == "\u20e3")
    if text[at] not in _JOINERS or not before:
        return False
    if text[at] == "\u200d" and (_is_sign(before) or before == "\ufe0f"):
        return _is_sign(after)
    if _is_virama(before) or _is_virama(after):
        return True
    return any(kind in _name(before) and kind in _name(after) for kind in _JOINED)


def _is_sign(c: str) -> bool:
    """Whether an emoji can begin or go on with it."""
    if not c or c in _BLANKS:
        return False
    is_skin = 0x1F3FB <= ord(c) <= 0x1F3FF
    is_symbol = c >= "\u2100" and unicodedata.category(c) in ("So", "Sm")
    return is_skin or is_symbol or c in _EMOJI_SIGNS


def _is_virama(c: str) -> bool:
    return bool(c) and unicodedata.combining(c) == _VIRAMA


def _name(c: str) -> str:
    return unicodedata.name(c, "") if c else ""


# --- Letters of another alphabet, and digits that are not ours ------------------------------------


def _foreign(text: str) -> set[int]:
    """Where in the text there are letters and digits that look like others than they are."""
    words = {at for word in _WORD.finditer(text) for at in _foreign_in(word)}
    return words | {at for number in _NUMBER.finditer(text) for at in _foreign_in_number(number)}


def _foreign_in_number(number: re.Match[str]) -> list[int]:
    """Of a number such as “А-10001” each letter, where all could be Latin and none is."""
    letters = {at: c for at, c in enumerate(number[0], number.start()) if c.isalpha()}
    has_digits = any(c in "0123456789" for c in number[0])
    return list(letters) if has_digits and set(letters.values()) <= _LIKE_LATIN else []


def _foreign_in(word: re.Match[str]) -> list[int]:
    if word[0].isascii():
        return []
    alphabets = [_alphabet(c) for c in word[0]]
    counted = Counter(each for each in alphabets if each in _ALIKE)
    # Of a word in two alphabets that of most letters is meant, and Latin where there are as many.
    main = max(counted, key=lambda each: (counted[each], each == "LATIN"), default="")
    digits = any(c.isascii() and c.isalnum() for c in word[0])
    return [
        word.start() + at
        for at, (c, alphabet) in enumerate(zip(word[0], alphabets, strict=True))
        if (alphabet in _ALIKE and alphabet != main and not _stands_out(c, alphabet, main))
        or _is_styled(c)
        or (digits and c.isdecimal() and not c.isascii())
    ]


def _stands_out(c: str, alphabet: str, main: str) -> bool:
    """Whether it looks like no letter of the word's alphabet, such as the first of “μm”."""
    return main == "LATIN" and alphabet in ("CYRILLIC", "GREEK") and c not in _LIKE_LATIN


def _alphabet(c: str) -> str:
    return _name(c).partition(" ")[0] if c.isalpha() else ""


def _is_styled(c: str) -> bool:
    """Whether it is a plain letter or digit in another form, such as “１” or “𝐚”."""
    plain = unicodedata.normalize("NFKC", c)
    if c.isascii() or len(plain) != 1 or not (plain.isascii() and plain.isalnum()):
        return False
    form = unicodedata.decomposition(c).partition(" ")[0]
    return form in ("<wide>", "<font>") or not form.startswith("<")
