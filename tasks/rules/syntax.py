"""What may stand in a condition: what is quick to answer, and answers the same for the same run.

It is looked at before rule-engine reads it, which works out whatever has no name in it while reading.
"""

import re
from typing import Final

from django.core.exceptions import ValidationError

LONGEST: Final = 1_000  # characters
ATTRIBUTES: Final = (
    "as_lower", "as_upper", "day", "ends_with", "hour", "is_empty", "length", "minute", "month",
    "starts_with", "weekday", "year",
)  # fmt: skip

# A text as rule-engine reads it.
_TEXT = re.compile(r"""(?P<quote>["'])([^\\\n]|(\\.))*?(?P=quote)""")
# What may take long or changes by itself: powers, shifts, patterns, functions, loops, comments.
_REFUSED = re.compile(r"\*\*|<<|>>|~|[&|^$#]|\b(?:for|inf|nan)\b")
_ATTRIBUTE = re.compile(r"(?<=\S)\.(?P<name>[A-Za-z_]\w*)")
# Digits in threes: “1.250” is 1250 to some and 1.25 to others. “0.125” is neither.
_THREES = re.compile(
    r"(?<![\w.])[1-9][0-9]{0,2}(?:[.,_ '\u00a0\u2009\u202f\u2019][0-9]{3})+(?![\w.])"
)
_LIST = re.compile(r"\[[^\]]*\]")  # in which a comma stands between two numbers
_EXPONENT = re.compile(r"(?<![\w.])[0-9][0-9.]*[eE][+-]?[0-9]+")


def check_syntax(condition: str) -> None:
    """Raise `ValidationError` for what may take long, or has another answer each time."""
    if len(condition) > LONGEST:
        raise ValidationError(f"Keep it below {LONGEST:,} characters.")
    code = _TEXT.sub('""', condition)
    if found := _REFUSED.search(code):
        raise ValidationError(
            f"“{found[0]}” cannot be used here. Compare names with values, and join with and, or, not."
        )
    check_numbers(code)
    if found := _EXPONENT.search(code):
        raise ValidationError(f"Write {found[0]} with all its digits, such as 100000.")
    for attribute in _ATTRIBUTE.finditer(code):
        if attribute["name"] not in ATTRIBUTES:
            raise ValidationError(
                f"“.{attribute['name']}” cannot be used here. You can use: {', '.join(ATTRIBUTES)}."
            )


def check_numbers(code: str) -> None:
    """Raise `ValidationError` for a number whose point or comma may separate thousands."""
    for found in _THREES.finditer(code):
        separator = found[0].lstrip("0123456789")[0]
        if separator != "," or not _within_a_list(code, found.start()):
            raise ValidationError(_read_in_two_ways(found[0], separator))


def _within_a_list(code: str, place: int) -> bool:
    return any(each.start() < place < each.end() for each in _LIST.finditer(code))


def _read_in_two_ways(number: str, separator: str) -> str:
    digits = "".join(filter(str.isdecimal, number))
    if separator not in ".," or len(number) > len(digits) + 1:
        return f"Write {number} without separators: {digits}."
    whole, _, decimals = number.partition(separator)
    exact = decimals.rstrip("0")
    small = f"{whole}.{exact or '0'}" if len(exact) < 3 else f"{whole}.{decimals}0"
    return f"“{number}” can be read in two ways. Write {digits}, or {small}."
