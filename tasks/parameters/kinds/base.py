"""What every kind of parameter can do, and which kind belongs to which type."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

import rule_engine
from django import forms
from django.core.exceptions import ValidationError

from audit.seals import canonical
from tasks.parameters.errors import DeclarationError, DoesNotFit
from tasks.parameters.param import Param
from tasks.parameters.types import File

type Json = bool | int | str | list["Json"] | dict[str, "Json"] | None
type RuleType = rule_engine.DataType


@dataclass(frozen=True, slots=True)
class Asked:
    """How a parameter is put to a person: one may choose from other objects than the next."""

    person: Any
    name: str
    label: str
    required: bool  # by the browser; the form asks for answers to questions that may be hidden
    optional: bool = False
    blank: bool = True
    picker_url: Callable[[str], str] | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """Where contents go that must not stand among the parameters themselves."""

    secret: Callable[[str], str] | None = None
    file: Callable[[File], None] | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Where those contents come from again: by reference, and by SHA-256."""

    secret: Callable[[str], str] | None = None
    file: Callable[[str], bytes] | None = None


class Kind(ABC):
    """One kind of parameter: its form field, its JSON, its words, its part in rules.

    None never reaches these methods: a parameter without a value is None in every form.
    """

    what: ClassVar[str]  # as in "`places` means nothing for a date"
    options: ClassVar[frozenset[str]] = frozenset()  # of Param, beside those for every kind
    rule_type: RuleType | None = rule_engine.DataType.STRING
    comparable: ClassVar[bool] = True  # whether two runs can be seen to have the same value
    # Whether a link, or a default that is computed, may fill it in for a person.
    can_be_filled_in: ClassVar[bool] = True
    is_money: ClassVar[bool] = False
    has_decimals: ClassVar[bool] = False  # whether a point may stand in what is typed
    same_everywhere: ClassVar[bool] = False  # whether a value means the same in every task
    # Where in its JSON a number stands that can be added up, and what two must share to be added.
    number_at: ClassVar[tuple[str, ...] | None] = None
    unit_at: ClassVar[tuple[str, ...]] = ()

    def __init__(self, hint: Any, param: Param) -> None:  # noqa: ANN401 -- a type hint is anything
        self.hint = hint
        self.param = param
        self._refuse_foreign_options()
        self.prepare()

    def prepare(self) -> None:  # noqa: B027 -- most kinds have nothing to check
        """Check and convert what the author wrote. Raises DeclarationError."""

    @abstractmethod
    def field(self, asked: Asked) -> forms.Field:
        """The form field. Its `clean` gives the typed value and applies every rule."""

    @abstractmethod
    def accepts(self, value: object) -> bool:
        """Whether a value, such as a default, is of this kind."""

    @abstractmethod
    def freeze(self, value: Any, keep: Keep) -> Json:  # noqa: ANN401 -- the kind's own type
        """The value as JSON, nothing lost."""

    @abstractmethod
    def thaw(self, frozen: Json, load: Load) -> object:
        """The value again. Raises DoesNotFit for JSON of another shape."""

    @property
    def has_money(self) -> bool:
        """Whether it is an amount of money, or holds some."""
        return self.is_money

    def note(self) -> str:
        """What stands beside every field of this kind, behind the author's own words."""
        return ""

    def text(self, frozen: Json) -> str:
        """What people read."""
        return str(frozen)

    def identity(self, frozen: Json) -> str:
        """A text that two values share if they are the same to a task, whatever they are called."""
        return canonical(frozen).decode()

    def rule_values(self, name: str, frozen: Json) -> dict[str, object]:
        """What a condition of an approval rule sees."""
        return {name: frozen} if self.rule_type is not None else {}

    def rule_types(self, name: str) -> dict[str, RuleType]:
        """The names that a condition may use, and their types."""
        return {name: self.rule_type} if self.rule_type is not None else {}

    def rule_options(self, part: str) -> Sequence[object] | None:
        """All values that a condition can meet, where they are few; `part` is “” or “currency”."""
        return None

    def can_meet(self, part: str, value: object) -> bool:
        """Whether a comparison of a condition with this value can ever come true."""
        options = self.rule_options(part)
        return options is None or value in options

    def inputs(self, name: str) -> list[str]:
        """The names under which a page sends the value."""
        return [name]

    def can_be(self, value: object) -> bool:
        """Whether `only_if` of another parameter may wait for this value."""
        return False

    def empty(self, default: Any) -> Any:  # noqa: ANN401 -- the kind's own type
        """What a person means who empties a field that has a default and may not be None."""
        return default

    def check_default(self, value: object) -> None:
        """Raises ValidationError when a default breaks the parameter's own rules."""
        self.field(Asked(person=None, name="", label="", required=False)).run_validators(value)

    def keeps_rules(self, value: object) -> bool:
        """Whether a typed value is one that its author allows."""
        try:
            self.check_default(value)
        except ValidationError:
            return False
        return True

    def _refuse_foreign_options(self) -> None:
        known = self.options | {"label", "help", "only_if", "sums_by", "default"}
        for field in fields(Param):
            if field.name not in known and getattr(self.param, field.name) != _DEFAULTS[field.name]:
                raise DeclarationError(
                    f"Param({field.name}=...) means nothing for {self.what}.",
                    f"Take it out. For {self.what} you can write: {', '.join(sorted(known))}.",
                )


_DEFAULTS = {field.name: getattr(Param(), field.name) for field in fields(Param)}
type KindFactory = Callable[[Any, Param], Kind]
_EXACT: dict[object, KindFactory] = {}
_FAMILIES: dict[type, KindFactory] = {}


def register_kind(python_type: Any, kind: KindFactory, *, subclasses: bool = False) -> None:  # noqa: ANN401 -- Literal is no type
    """Say which kind a type of parameter is. With `subclasses`, the types below it are too.

    An adopter adds a kind of their own in a module that is loaded before the tasks, such as the
    `ready` of an app: subclass Kind, or one of its subclasses, and register it here.
    """
    (_FAMILIES if subclasses else _EXACT)[python_type] = kind


def kind_of(hint: Any, param: Param) -> Kind:  # noqa: ANN401 -- a type hint is anything
    """The kind of a type hint from which Annotated and None were taken off.

    Raises DeclarationError for a type that nothing is known about.
    """
    found = _EXACT.get(get_origin(hint) or hint) if _hashable(hint) else None
    if found is None and isinstance(hint, type):
        found = next((kind for base, kind in _FAMILIES.items() if issubclass(hint, base)), None)
    if found is None:
        raise DeclarationError(f"{shown(hint)} is not a type that a form supports.", _known())
    return found(hint, param)


def fits[T](frozen: Json, shape: type[T]) -> T:
    """The JSON, if it is of this Python type. Raises DoesNotFit."""
    if not isinstance(frozen, shape) or (shape is int and isinstance(frozen, bool)):
        raise DoesNotFit("The task has changed since this was stored. Request the run again.")
    return frozen


def between(low: object, high: object, unit: str = "") -> str:
    """What a person reads before they get it wrong: “From 0.01 to 500 USD.” Empty without bounds."""
    after = f" {unit}" if unit else ""
    low, high = (f"{b:f}" if isinstance(b, Decimal) else b for b in (low, high))
    if low is None and high is None:
        return ""
    if high is None:
        return f"At least {low}{after}."
    return f"At most {high}{after}." if low is None else f"From {low} to {high}{after}."


def shown(hint: object) -> str:
    """A type hint in the words of its author."""
    if get_origin(hint) in (Union, UnionType):
        return " | ".join(shown(part) for part in get_args(hint))
    if get_origin(hint) is None and isinstance(hint, type):
        return "None" if hint is type(None) else hint.__name__
    return str(hint).replace("typing.", "")


def _hashable(hint: object) -> bool:
    try:
        hash(hint)
    except TypeError:
        return False
    return True


def _known() -> str:
    special: Iterable[object] = (Literal, list, Enum)
    names = [shown(t) for t in _EXACT if t not in special]
    return (
        f"Use one of {', '.join(names)}, a Literal, an Enum, a list of choices or simple values, or a "
        "model; or write a kind of your own (tasks.parameters.register_kind)."
    )
