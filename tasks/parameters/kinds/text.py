"""Texts, texts chosen from a list that is made for the person, and secrets."""

from typing import Any, Final

from django import forms

from audit.texts.hidden import with_hidden_characters_shown
from tasks.declaration.patterns import Pattern, WrongPattern
from tasks.parameters.errors import DeclarationError, DoesNotFit
from tasks.parameters.fields import OptionField, SecretField, TextField
from tasks.parameters.kinds.base import Asked, Json, Keep, Kind, Load, between, fits
from tasks.parameters.param import takes_one
from tasks.parameters.types import Chosen, Secret

PATTERN_EXAMPLE: Final = 'pattern=(r"CUS-[0-9]+", "Write it like CUS-123")'
SHORT, LONG = 1_000, 20_000  # characters, where the author sets no max_length


class TextKind(Kind):
    """`str`: of one line, or of several with long=True"""

    what = "a text"
    options = frozenset({"long", "min_length", "max_length", "pattern"})

    def prepare(self) -> None:
        check_lengths(self.param.min_length, self.param.max_length)
        self.pattern = compiled(self.param.pattern)

    def field(self, asked: Asked) -> forms.Field:
        return TextField(
            long=self.param.long,
            pattern=self.pattern,
            min_length=self.param.min_length,
            max_length=self.param.max_length or (LONG if self.param.long else SHORT),
            required=asked.required,
        )

    def note(self) -> str:
        # What its author has said; the other limits only keep accidents out.
        limits = between(self.param.min_length, self.param.max_length, "characters")
        return limits if self.param.min_length or self.param.max_length else ""

    def accepts(self, value: object) -> bool:
        return isinstance(value, str)

    def can_be(self, value: object) -> bool:
        return isinstance(value, str) and self.can_meet("", value)

    def can_meet(self, part: str, value: object) -> bool:
        # Empty is what a person means who clears a field that has a default.
        return value == "" or (value == str(value).strip() and self.keeps_rules(value))

    def empty(self, default: str) -> str:
        return default if self.param.min_length or self.pattern else ""

    def freeze(self, value: str, keep: Keep) -> Json:
        return str(value)

    def thaw(self, frozen: Json, load: Load) -> str:
        return fits(frozen, str)

    def text(self, frozen: Json) -> str:
        return with_hidden_characters_shown(fits(frozen, str))


class OptionKind(Kind):
    """`str` with Param(options=...)"""

    what = "a text with options"
    options = frozenset({"options"})

    def prepare(self) -> None:
        if not takes_one(self.param.options):
            raise DeclarationError(
                "options must be a function of the person, and of nothing else.",
                'Write options=regions, with: def regions(person): return ["EU", "US"].',
            )

    def field(self, asked: Asked) -> forms.Field:
        return OptionField(
            self.param.options(asked.person) if self.param.options else (),
            required=asked.required,
            blank=asked.blank,
        )

    def accepts(self, value: object) -> bool:
        return isinstance(value, str)

    def can_be(self, value: object) -> bool:
        return self.accepts(value)

    def check_default(self, value: object) -> None:
        """Which texts there are is known only when a person is."""

    def freeze(self, value: str, keep: Keep) -> Json:
        return {"label": getattr(value, "label", str(value)), "value": str(value)}

    def thaw(self, frozen: Json, load: Load) -> Chosen:
        stored = fits(frozen, dict)
        return Chosen(fits(stored.get("value"), str), fits(stored.get("label"), str))

    def text(self, frozen: Json) -> str:
        return with_hidden_characters_shown(self.thaw(frozen, Load()).label)

    def identity(self, frozen: Json) -> str:
        return str(self.thaw(frozen, Load()))

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        return {name: None if frozen is None else str(self.thaw(frozen, Load()))}


class SecretKind(Kind):
    """`Secret`: kept elsewhere under a reference, and no part of any condition"""

    what = "a Secret"
    can_be_filled_in = False
    comparable = False
    options = frozenset({"min_length", "max_length", "pattern"})
    rule_type = None

    def prepare(self) -> None:
        check_lengths(self.param.min_length, self.param.max_length)
        self.pattern = compiled(self.param.pattern)

    def field(self, asked: Asked) -> forms.Field:
        return SecretField(
            pattern=self.pattern,
            min_length=self.param.min_length,
            max_length=self.param.max_length or SHORT,
            optional=asked.optional,
            required=asked.required,
        )

    def accepts(self, value: object) -> bool:
        return False  # a default would stand in the code, for all to read

    def freeze(self, value: Secret, keep: Keep) -> Json:
        if keep.secret is None:
            raise DoesNotFit("There is a secret among the parameters, and no place to keep it.")
        return {"secret": keep.secret(value.reveal())}

    def thaw(self, frozen: Json, load: Load) -> Secret:
        if load.secret is None:
            raise DoesNotFit("There is a secret among the parameters, and no place to find it.")
        return Secret(load.secret(fits(fits(frozen, dict).get("secret"), str)))

    def text(self, frozen: Json) -> str:
        return str(Secret(""))


def check_lengths(shortest: int | None, longest: int | None) -> None:
    """Raises DeclarationError unless 0 <= shortest <= longest."""
    if (shortest or 0) < 0 or (longest is not None and longest < max(shortest or 0, 1)):
        raise DeclarationError(
            f"No text has min_length={shortest} and max_length={longest}.",
            "Make max_length at least 1 and at least min_length.",
        )


def compiled(pattern: Any) -> tuple[Pattern, str] | None:  # noqa: ANN401
    """The regular expression and its message. Raises DeclarationError."""
    if pattern is None:
        return None
    if isinstance(pattern, tuple) and len(pattern) == 2 and isinstance(pattern[1], str):
        expression, message = pattern
        try:
            if message:
                return Pattern(expression), message
        except WrongPattern as error:
            raise DeclarationError(
                f"The pattern {expression!r} cannot be used: {error}.", PATTERN_EXAMPLE
            ) from error
    raise DeclarationError(
        f"pattern={pattern!r} is not a regular expression and a message.",
        f"Write both: {PATTERN_EXAMPLE}.",
    )
