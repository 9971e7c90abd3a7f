"""What people, user names and groups can be called: nothing hidden, and nobody like somebody else.

Approvers know each other by these names. Two of them that look the same, though a program can tell
them apart, would let one person pass for another.
"""

# ruff: noqa: RUF001 - letters that look like others are what this is about
import unicodedata
from collections.abc import Iterator
from typing import Final

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from audit.texts.hidden import folded, with_hidden_characters_shown
from backoffice.models import User

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
_ONE_STROKE: Final = str.maketrans("Il1|0", "ǀǀǀǀO")


def tidy(name: str) -> str:
    """The name with each letter written in one way, and one plain space where there is any space."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def problem_of(name: str) -> str:
    """Why nobody can be called this: it hides something. Empty where it does not."""
    shown = with_hidden_characters_shown(name)
    if shown == name:
        return ""
    return (
        "This contains invisible characters, or letters that look like those of another alphabet: "
        f"{shown}. Enter it again without them."
    )


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
    plain = name.translate(_PLAIN)
    strokes = folded(plain.translate(_ONE_STROKE))
    return folded(plain), strokes.replace("rn", "m").replace("vv", "w")
