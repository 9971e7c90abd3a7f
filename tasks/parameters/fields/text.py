"""Texts and secrets."""

import unicodedata
from typing import Any

from django.core.exceptions import ValidationError

from audit.texts.hidden import named, with_hidden_characters_shown
from tasks.declaration.patterns import Pattern
from tasks.parameters.again import Missing
from tasks.parameters.fields.base import TypedField
from tasks.parameters.types import Secret
from tasks.parameters.widgets import secret_input, text_input

type Rule = tuple[Pattern, str] | None  # and what to say where it does not fit

# Embeddings, overrides and isolates make a text read differently from what it says.
TURNS_TEXT_AROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class TextField(TypedField):
    """A str: stripped, line ends as \\n, without characters that hide or cannot be stored."""

    def __init__(
        self,
        *,
        long: bool = False,
        pattern: Rule = None,
        min_length: int | None = None,
        max_length: int,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        self.long, self.pattern = long, pattern
        self.min_length, self.max_length = min_length, max_length
        kwargs.setdefault("widget", text_input(long=long))
        super().__init__(**kwargs)

    def parse(self, value: object) -> str:
        """A str. Raises ValidationError."""
        if not isinstance(value, str):
            raise ValidationError("Enter a text.", "text")
        # Browsers send \r\n; the same text must be the same request at every door.
        text = str(value).strip().replace("\r\n", "\n").replace("\r", "\n")
        refuse_hidden_characters(text, long=self.long)
        return text

    def run_validators(self, value: Any) -> None:  # noqa: ANN401 -- str or None
        """Length and pattern."""
        if value is None:
            return
        if len(value) < (self.min_length or 0):
            raise ValidationError(f"Enter at least {self.min_length} characters.", "min_length")
        if len(value) > self.max_length:
            raise ValidationError(
                f"Enter at most {self.max_length} characters. You entered {len(value)}.",
                "max_length",
            )
        if self.pattern and not self.pattern[0].fits(value):
            raise ValidationError(f"{self.pattern[1]}{self._why_not(value)}", "pattern")

    def _why_not(self, value: str) -> str:
        """What cannot be seen in a text that would else look as if it fitted."""
        shown = with_hidden_characters_shown(value)
        return "" if shown == value else f" You entered “{shown}”, which has a hidden character."


class SecretField(TextField):
    """A Secret. It is taken as it is, spaces included, and never shown again."""

    def __init__(self, *, optional: bool = False, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(widget=secret_input(optional=optional), **kwargs)

    def to_python(self, value: object) -> Secret | None:
        """A Secret, or None. Raises ValidationError, without the text in it."""
        if value is None or value == "":
            return None
        if isinstance(value, Missing):
            raise ValidationError(value.complaint, "again")
        if isinstance(value, Secret):
            return value
        if not isinstance(value, str):
            raise ValidationError("Enter a text.", "text")
        refuse_hidden_characters(value, long=True)
        return Secret(value)

    def run_validators(self, value: Any) -> None:  # noqa: ANN401 -- Secret or None
        """Length and pattern."""
        super().run_validators(value and value.reveal())


def refuse_hidden_characters(text: str, *, long: bool) -> None:
    """Raises ValidationError for control characters, and for those that turn text around."""
    for character in text:
        if character == "\n" and not long:
            raise ValidationError("Enter this in one line.", "lines")
        if character in "\n\t":
            continue
        if unicodedata.category(character) in ("Cc", "Cs") or character in TURNS_TEXT_AROUND:
            raise ValidationError(
                f"This holds an invisible character ({named(character)}). Type it by hand "
                "instead of pasting it.",
                "hidden",
            )
