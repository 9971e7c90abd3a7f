"""What people, user names and groups can be called: nothing hidden, and nobody like somebody else.

Approvers know each other by these names. Two of them that look the same, though a program can tell
them apart, would let one person pass for another.
"""

# ruff: noqa: RUF001 - letters that look like others are what this is about
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from backoffice.models import User

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})  # categories
# Letters and marks that show nothing, though their category does not say so.
_BLANKS: Final = frozenset(
    map(
        chr,
        [
            0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0xFFFC,
            *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0),
        ],
    )
)  # fmt: skip
_JOINERS: Final = "\u200c\u200d"
_EMOJI_STYLE: Final = "\ufe0f"
# Scripts in which a joiner belongs between two letters: ordinary Persian, Hindi and the like.
_JOINED: Final = frozenset(
    {
        "ARABIC", "SYRIAC", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL",
        "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "MYANMAR", "KHMER", "MONGOLIAN",
    }
)  # fmt: skip
# Alphabets with letters that look like those of another one.
_ALIKE: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE", "LISU"})
_WORD: Final = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
# Letters of Cyrillic and Greek that cannot be told from Latin ones, and signs that look like ours.
_TWINS: Final = {
    "A": "АΑ", "B": "ВΒ", "C": "СϹ", "E": "ЕΕ", "F": "Ϝ", "H": "НΗ", "I": "ІΙӀ", "J": "ЈͿ", "K": "КΚ",
    "M": "МΜ", "N": "Ν", "O": "ОΟ", "P": "РΡ", "Q": "Ԛ", "S": "Ѕ", "T": "ТΤ", "W": "Ԝ", "X": "ХΧ",
    "Y": "УΥҮ", "Z": "Ζ", "Ï": "ЇΪ", "Ë": "Ё",
    "a": "аα", "b": "Ьь", "c": "сϲ", "d": "ԁ", "e": "е", "g": "ɡ", "h": "һ", "i": "іιı", "j": "јϳ",
    "k": "кκ", "m": "м", "n": "η", "o": "оο", "p": "рρ", "q": "ԛ", "s": "ѕ", "t": "тτ", "u": "υ",
    "v": "νѵ", "w": "ԝω", "x": "хχ", "y": "уүγ", "ï": "їϊ", "ë": "ё", "3": "Зз",
    "'": "’‘ʼʹ`´", "-": "‐‑‒–—―−",
}  # fmt: skip
_PLAIN: Final = str.maketrans({twin: c for c, twins in _TWINS.items() for twin in twins})
# Letters that look the same in their own case only.
_ONE_STROKE: Final = str.maketrans("Il1|0", "llllO")


def tidy(name: str) -> str:
    """The name with each letter written in one way, and one plain space where there is any space."""
    composed = unicodedata.normalize("NFC", name)
    spaced = (" " if unicodedata.category(c) == "Zs" else c for c in composed)
    return re.sub(" +", " ", "".join(spaced)).strip(" ")


def problem_of(name: str) -> str:
    """Why nobody can be called this: it hides something. Empty where it does not."""
    for at, c in enumerate(name):
        if _is_hidden(name, at):
            return (
                f"This contains an invisible character (U+{ord(c):04X}) after “{name[:at]}”. "
                "Enter it again without it."
            )
    for word in _WORD.findall(unicodedata.normalize("NFKC", name)):
        if len(found := sorted({_script(c) for c in word} & _ALIKE)) > 1:
            return (
                f"“{word}” mixes {' and '.join(each.title() for each in found)} letters, which look "
                "alike. Enter it again in one alphabet."
            )
    return ""


def look_alike(one: str, other: str) -> bool:
    """Whether people would take one of these names for the other."""
    return any(a == b for a, b in zip(_looks(one), _looks(other), strict=True))


def check_names(person: User) -> None:
    """Raise `ValidationError`, beside the field, where a person's names hide something or imitate.

    Brings them into the one way in which they are written.
    """
    person.first_name, person.last_name = tidy(person.first_name), tidy(person.last_name)
    for field in ("username", "first_name", "last_name"):
        if problem := problem_of(getattr(person, field)):
            raise ValidationError({field: problem})
    for pk, label, username in _people():
        if pk != person.pk and look_alike(username, person.username):
            raise ValidationError({"username": f"This looks like the username “{username}”."})
        if pk != person.pk and look_alike(label, str(person)):
            raise _taken("first_name", f"another person, {label} ({username})")
    for name in Group.objects.values_list("name", flat=True):
        if look_alike(name, str(person)):
            raise _taken("first_name", f"the group “{name}”")


def check_group_name(group: Group) -> None:
    """Raise `ValidationError` where the name of a new group hides something or imitates."""
    group.name = tidy(group.name)
    if problem := problem_of(group.name):
        raise ValidationError({"name": problem})
    for name in Group.objects.values_list("name", flat=True):
        if look_alike(name, group.name):
            raise _taken("name", f"the group “{name}”")
    for _, label, username in _people():
        if look_alike(label, group.name):
            raise _taken("name", f"a person, {label} ({username})")


def _taken(field: str, of: str) -> ValidationError:
    return ValidationError(
        {field: f"This looks like the name of {of}. Add something that tells the two apart."}
    )


def _people() -> Iterator[tuple[int, str, str]]:
    """Of everybody, also those who have left: key, the name that others read, and user name."""
    for person in User.objects.only("pk", "username", "first_name", "last_name"):
        yield person.pk, str(person), person.username


def _looks(name: str) -> tuple[str, str]:
    """What it looks like, whatever its case; and letter by letter, where strokes look the same."""
    plain = unicodedata.normalize("NFKC", tidy(name)).translate(_PLAIN)
    seen = "".join(c for c in plain if not _is_invisible(c))
    return seen.casefold(), seen.translate(_ONE_STROKE).replace("rn", "m").replace("vv", "w")


def _is_hidden(name: str, at: int) -> bool:
    """Whether something invisible stands there that neither shapes a word nor makes an emoji."""
    c = name[at]
    if not _is_invisible(c):
        return False
    before, after = name[at - 1 : at], name[at + 1 : at + 2]
    if c == _EMOJI_STYLE:
        return not _is_symbol(before)
    if c not in _JOINERS or not before or not after:
        return True
    makes_emoji = (_is_symbol(before) or before == _EMOJI_STYLE) and _is_symbol(after)
    return not (makes_emoji or (_script(before) in _JOINED and _script(after) in _JOINED))


def _is_invisible(c: str) -> bool:
    return c in _BLANKS or unicodedata.category(c) in _INVISIBLE


def _is_symbol(c: str) -> bool:
    return bool(c) and unicodedata.category(c) in ("So", "Sk")


def _script(c: str) -> str:
    """The alphabet of a letter, which its Unicode name begins with."""
    return unicodedata.name(c, "").partition(" ")[0]
