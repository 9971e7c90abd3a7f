"""Short ways to ask for parameters in tests."""

import inspect
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal
from uuid import UUID

from django.http import QueryDict

from tasks.parameters import Confirm, File, Money, Param, Secret, form_for, read


class Channel(Enum):
    EMAIL = "email"
    PAPER_MAIL = "paper"


def taking(default=inspect.Parameter.empty, **hints):
    """A function with these parameters; the last one has the default."""

    def function(**_values):
        """Does nothing."""

    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=hint)
        for name, hint in hints.items()
    ]
    parameters[-1] = parameters[-1].replace(default=default)
    # The attribute by which a function may tell another signature than it was written with.
    function.__dict__["__signature__"] = inspect.Signature(parameters)
    return function


def page(**values):
    """What a browser sends: texts, and several of them for a list."""
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


def form(function, data=None, **others):
    return form_for(read(function), person=None, data=data, **others)


def given(hint, sent, default=inspect.Parameter.empty):
    """The typed value of one parameter after this was sent for it from a page."""
    filled = form(taking(value=hint, default=default), page(value=sent))
    assert filled.is_valid(), filled.errors.get_json_data()
    return filled.cleaned_data["value"]


def complaint(hint, sent, default=inspect.Parameter.empty):
    """The message beside one parameter after this was sent for it, as a plain value."""
    filled = form(taking(value=hint, default=default), {"value": sent})
    assert not filled.is_valid(), filled.cleaned_data
    return " ".join(filled.errors["value"])


SOME_ID = UUID("123e4567-e89b-12d3-a456-426614174000")

# One of each kind that needs no database: hint, what a page sends, the typed value.
EXAMPLES = {
    "str": (str, {"value": "some text"}, "some text"),
    "long": (Annotated[str, Param(long=True)], {"value": "one\r\ntwo"}, "one\ntwo"),
    "option": (Annotated[str, Param(options=lambda _: ["EU"])], {"value": "EU"}, "EU"),
    "int": (int, {"value": "-7"}, -7),
    "Decimal": (Decimal, {"value": "0.10"}, Decimal("0.10")),
    "Money": (
        Annotated[Money, Param(currencies=("USD", "EUR"))],
        {"value": "150.00", "value_currency": "EUR"},
        Money(Decimal("150.00"), "EUR"),
    ),
    "bool": (bool, {"value": "on"}, True),
    "date": (date, {"value": "2026-01-31"}, date(2026, 1, 31)),
    "datetime": (
        datetime,
        {"value": "2026-01-31T14:30"},
        datetime(2026, 1, 31, 14, 30, tzinfo=UTC),
    ),
    "Literal": (Literal["a", "b"], {"value": "b"}, "b"),
    "Enum": (Channel, {"value": "paper"}, Channel.PAPER_MAIL),
    "list": (list[Channel], {"value": ["paper", "email"]}, [Channel.EMAIL, Channel.PAPER_MAIL]),
    "confirm": (Annotated[str, Confirm("DELETE")], {"value": "DELETE"}, "DELETE"),
    "time": (time, {"value": "14:30"}, time(14, 30)),
    "timedelta": (timedelta, {"value": "1 hour 30 min"}, timedelta(minutes=90)),
    "UUID": (UUID, {"value": str(SOME_ID).upper()}, SOME_ID),
    "dict": (dict, {"value": '{"a": [1, 2.50, null]}'}, {"a": [1, Decimal("2.50"), None]}),
    "list of numbers": (list[int], {"value": "3\r\n\r\n1"}, [3, 1]),
    "Secret": (Secret, {"value": "hunter2"}, Secret("hunter2")),
    "File": (
        Annotated[File, Param(accept=(".csv",))],
        {"value": File.of("rows.csv", b"a,b\n")},
        File.of("rows.csv", b"a,b\n", "text/csv"),
    ),
}
