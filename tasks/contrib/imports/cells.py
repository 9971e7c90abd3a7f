"""From the text of a cell to its value, by the field that it fills and the layout that it is written in.

Each reader takes the text, without spaces around it, and raises `Wrong` with what was expected.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django.db import models

from audit.texts.hidden import with_hidden_characters_shown
from tasks.contrib.imports.layouts import Column, Layout
from tasks.parameters.currencies import PLACES

type Reader = Callable[[str], Any]

EXAMPLE: Final = date(2026, 1, 31)
MINUS: Final = "-\u2212"  # a hyphen, and the sign that typography has for it
# What a spreadsheet program has made of a number or a text that names something.
SPOILT: Final = re.compile(r"'.*|=.*|[0-9](?:[.,][0-9]+)?E\+[0-9]+", re.IGNORECASE)
DASHES: Final = re.compile("[\u2010-\u2015\u2212]")


class Wrong(ValueError):
    """The cell does not hold what it should: the text says what was expected."""


def reader_of(
    field: "models.Field[Any, Any]", column: Column, layout: Layout, *, key: bool
) -> Reader:
    """What reads the cells of this column. Raises TypeError for a field that no cell can fill."""
    if column.words is not None:
        return _one_of(column.words)
    match field:
        case models.DateTimeField():
            pass
        case models.DateField():
            return _day(layout)
        case models.DecimalField():
            return _number(layout, field.max_digits, field.decimal_places)
        case models.IntegerField():
            return lambda text: int(_number(layout, 18, 0)(text))
        case models.CharField() | models.TextField():
            return _text(field, key=key)
    raise TypeError(f"A {type(field).__name__} cannot be read from a cell.")


def signed(sign: Callable[[str], int]) -> Callable[[Decimal, str], Decimal]:
    """An amount with the sign that another column says."""

    def read(amount: Decimal, word: str) -> Decimal:
        if amount < 0:
            raise Wrong("an amount without a sign, since another column says it")
        return amount * sign(word)

    return read


def words_of(words: "dict[str, Any]") -> Callable[[str], Any]:
    """The value for each word, whatever its case."""
    return _one_of(words)


def currency(text: str) -> str:
    """A currency code, as ISO 4217 writes it."""
    if text not in PLACES:
        raise Wrong("a currency code, such as USD")
    return text


def fits_currency(amount: Decimal, currency: str) -> str:
    """What was expected of an amount in this currency instead. Empty where it can be one."""
    if amount != amount.quantize(Decimal(1).scaleb(-PLACES[currency])):
        return f"at most {PLACES[currency]} decimals for {currency}"
    return ""


def _one_of(words: Any) -> Reader:  # noqa: ANN401 - texts, or numbers
    known = {word.casefold(): value for word, value in words.items()}
    expected = f"one of {', '.join(words)}"

    def read(text: str) -> Any:  # noqa: ANN401
        try:
            return known[text.casefold()]
        except KeyError:
            raise Wrong(expected) from None

    return read


def _day(layout: Layout) -> Reader:
    seen: dict[str, date] = {}  # a file has few days and many rows
    expected = f"a date such as {EXAMPLE.strftime(layout.dates)}"

    def read(text: str) -> date:
        if text not in seen:
            if not text.isascii():  # strptime takes the digits of every alphabet
                raise Wrong(expected)
            try:
                seen[text] = datetime.strptime(text, layout.dates).date()  # noqa: DTZ007 - a day
            except ValueError:
                raise Wrong(expected) from None
        return seen[text]

    return read


def _number(layout: Layout, digits: int, places: int) -> Reader:
    pattern, expected = _pattern(layout), f"a number such as {_example(layout, places)}"
    most = Decimal(10) ** (digits - places)

    def read(text: str) -> Decimal:
        found = pattern.fullmatch(text)
        if found is None:
            raise Wrong(expected)
        whole, rest = re.sub(r"[^0-9]", "", found["whole"]), found["rest"] or ""
        number = Decimal(f"{whole}.{rest}" if rest else whole)
        if len(rest.rstrip("0")) > places:
            raise Wrong(f"at most {places} decimals")
        if number >= most:
            raise Wrong(f"a number below {most:,f}")
        return -number if number and _is_negative(found) else number

    return read


def _is_negative(found: "re.Match[str]") -> bool:
    return bool(found["minus"]) and found["minus"] != "+"


def _pattern(layout: Layout) -> "re.Pattern[str]":
    mark = "[ \u00a0\u202f]" if layout.thousands == " " else re.escape(layout.thousands)
    grouped = f"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|" if layout.thousands else ""
    number = f"(?P<whole>{grouped}[0-9]+)(?:{re.escape(layout.decimal)}(?P<rest>[0-9]+))?"
    match layout.negative:
        case "(1)":
            return re.compile(rf"(?P<minus>\()?{number}(?(minus)\))")
        case "1-":
            return re.compile(f"{number}(?P<minus>[{MINUS}+])?")
        case _:
            return re.compile(f"(?P<minus>[{MINUS}+])?{number}")


def _example(layout: Layout, places: int) -> str:
    whole = f"1{layout.thousands}234"
    return f"{whole}{layout.decimal}{'50'[:places].ljust(min(places, 2), '0')}" if places else whole


def _text(field: "models.Field[Any, Any]", *, key: bool) -> Reader:
    most, choices = field.max_length, {str(value) for value, _ in field.flatchoices}

    def read(text: str) -> str:
        if most is not None and len(text) > most:
            raise Wrong(f"at most {most} characters")
        if choices and text not in choices:
            raise Wrong(f"one of {', '.join(sorted(choices))}")
        if key:
            _check_key(text)
        return text

    return read


def _check_key(text: str) -> None:
    """Refuse what only looks like a key that is there, or was one before a program changed it."""
    if with_hidden_characters_shown(text) != text:
        raise Wrong("a text without hidden characters")
    if DASHES.search(text):
        raise Wrong("a plain hyphen, not a longer dash")
    if SPOILT.fullmatch(text):
        raise Wrong("the value itself: a spreadsheet program has changed it")
