"""What an author may say about a parameter, beyond its type."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import QuerySet

type Bound = int | str | Decimal | date | datetime
type Option = str | tuple[str, str]

DEFAULT_MAX_SIZE = 5 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)  # so that it can be hashed
class Param:
    """Written in a type hint: `amount: Annotated[Money, Param(min="0.01", max=500)]`.

    label, help       what people read; the label defaults to the parameter's name
    min, max          smallest and largest number, amount, date or time, both allowed
    places            decimals of a Decimal; finer numbers are refused
    min_length, max_length   of a text, or of a list of choices
    pattern           (regular expression the whole text must match, message when it does not)
    confirm           a word that a person types: written Confirm("DELETE")
    default           called with the person; gives the value that the form suggests
    options           called with the person; gives the texts, or (value, label) pairs, to choose from
    labels            value to label, for choices
    only_if           {"other_parameter": value or list of values}: asked for only then
    long              a text of several lines
    currencies        codes a person may choose from, the first being suggested
    limit             called with the person; gives the QuerySet of objects they may choose from
    offered           called with the QuerySet of limit; narrows what the picker lists, not what may be chosen
    depends_on        called with the QuerySet of limit, and other parameters by name; narrows it
    picker_text       called with an object; gives what the picker shows of it
    search            names of model fields in which the picker looks, and which it shows
    about             {"Customer": function of the object}: what stands beside it for reviewers
    sums_by           {"customer": function of the value}: sums in rules can go by that as well
    accept            endings of file names, such as (".csv",)
    max_size          of a file, in bytes
    key               of rows: the column that names one, different in each
    max_rows          how many rows there may be
    decimal_comma     of rows: whether the numbers of the file have one, and not a point
    check             of rows: called with a list of them; gives (row, why it cannot be done) pairs
    rows              called with other parameters by name; gives the rows, instead of a file
    """

    label: str = ""
    help: str = ""
    min: Bound | None = None
    max: Bound | None = None
    places: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: tuple[str, str] | None = None
    confirm: str = ""
    default: Callable[[Any], Any] | None = None
    options: Callable[[Any], Sequence[Option]] | None = None
    labels: Mapping[Any, str] = field(default_factory=dict)
    only_if: Mapping[str, Any] = field(default_factory=dict)
    long: bool = False
    currencies: tuple[str, ...] = ("USD",)
    limit: "Callable[[Any], QuerySet[Any]] | None" = None
    offered: "Callable[[QuerySet[Any]], QuerySet[Any]] | None" = None
    depends_on: "Callable[..., QuerySet[Any]] | None" = None
    picker_text: Callable[[Any], str] | None = None
    search: tuple[str, ...] = ()
    about: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    sums_by: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    accept: tuple[str, ...] = ()
    max_size: int = DEFAULT_MAX_SIZE
    key: str = ""
    max_rows: int = 2000
    decimal_comma: bool = False
    check: Callable[[list[Any]], Iterable[tuple[Any, str]]] | None = None
    rows: Callable[..., Any] | None = None


def Confirm(word: str, *, label: str = "", help: str = "") -> Param:  # noqa: N802, A002
    """What a person types to show that they mean it: `sure: Annotated[str, Confirm("DELETE")]`."""
    return Param(confirm=word, label=label, help=help)


def are_names(value: object) -> bool:
    """Whether it is a tuple of texts, at least one: ("USD") without its comma is a mere text."""
    return (
        isinstance(value, (tuple, list))
        and bool(value)
        and all(isinstance(name, str) for name in value)
    )


def takes_one(function: object) -> bool:
    """Whether it can be called with one value, as those of an author are."""
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:  # a builtin that does not say what it takes
        return True
    return not inspect.iscoroutinefunction(function)


def listed(wanted: Any) -> Sequence[Any]:  # noqa: ANN401 -- a value or several
    """The values of one entry of `only_if`."""
    return tuple(wanted) if isinstance(wanted, (list, tuple, set, frozenset)) else (wanted,)
