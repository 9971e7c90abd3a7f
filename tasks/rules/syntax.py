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
    if found := _EXPONENT.search(code):
        raise ValidationError(f"Write {found[0]} with all its digits, such as 100000.")
    for attribute in _ATTRIBUTE.finditer(code):
        if attribute["name"] not in ATTRIBUTES:
            raise ValidationError(
                f"“.{attribute['name']}” cannot be used here. You can use: {', '.join(ATTRIBUTES)}."
            )
