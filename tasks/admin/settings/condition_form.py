"""The condition of a rule as a form: parts to fill in, or the text of it as code.

Both lead to one text, which the server writes and checks. Without a script each button sends the
form and comes back; with it, only this piece of the page.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from tasks import parameters
from tasks.declaration.durations import UNITS
from tasks.rules.parts import (
    EMPTY,
    MOST,
    SEVERAL,
    Field,
    Fields,
    Kind,
    Part,
    read,
    shown,
    typed,
    written,
)

FIELDS, CODE = "fields", "code"  # how the condition is edited
EDIT: Final = "edit"  # the name of the buttons that change the form and send nothing
NOT_AS_FIELDS: Final = "This condition cannot be shown as fields. It stays as code."
INCOMPLETE: Final = "Complete the marked parts of the condition."
_OFF: Final = {"autocomplete": "off", "spellcheck": "false"}


class PartForm(forms.Form):
    """One part. Which comparisons and values there are, depends on its field."""

    joined = forms.ChoiceField(label="Joined by", choices=[("and", "and"), ("or", "or")])
    field = forms.ChoiceField(label="Field")
    comparison = forms.ChoiceField(label="Comparison")

    def __init__(
        self, data: Mapping[str, Any], *, fields: Fields, number: int, is_sent: bool = True
    ) -> None:
        prefix = f"part-{number}"
        initial = {name.removeprefix(f"{prefix}-"): value for name, value in data.items()}
        super().__init__(data if is_sent else None, prefix=prefix, initial=initial)
        self.all, self.place = fields, number
        name = str(data.get(self.add_prefix("field")))
        self.about: Field = fields[name] if name in fields else next(iter(fields))
        if number == 0:
            del self.fields["joined"]
        self._choices("field", [(each.name, each.label) for each in fields])
        self._choices("comparison", list(self.about.comparisons.items()))
        self._add_values(str(data.get(self.add_prefix("comparison"))))

    def unsent(self) -> Self:
        """The same as a person sees it who is still filling it in: without what is wrong."""
        return type(self)(self.data, fields=self.all, number=self.place, is_sent=False)

    @property
    def is_total(self) -> bool:
        """Whether it is about earlier runs."""
        return self.about.kind == Kind.TOTAL

    def part(self) -> Part:
        """What the valid form says."""
        said = self.cleaned_data
        values = said.get("value", "")
        return Part(
            self.about.name,
            said["comparison"],
            tuple(values) if isinstance(values, list) else (values,) if values else (),
            said.get("joined") == "or",
            tuple(said.get("by", ())),
            said.get("number") or 0,
            said.get("unit", ""),
            said.get("with_this", False),
        )

    def clean_value(self) -> str | list[str]:
        """One value or several, as a condition writes them."""
        value: str | list[str] = self.cleaned_data["value"]
        if isinstance(value, list) or self.about.options is not None:
            return value
        return value if self.about.kind == Kind.YES_NO else typed(self.about, value)

    def _choices(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def _add_values(self, comparison: str) -> None:
        if comparison not in EMPTY:
            self.fields["value"] = _value_field(self.about, comparison)
        if self.is_total:
            self.fields |= _fields_of_total(self.about, self.all.groupings)


def _value_field(field: Field, comparison: str) -> forms.Field:
    if field.options is not None:
        choices = list(field.options.items())
        if comparison in SEVERAL:
            ticks = forms.CheckboxSelectMultiple
            return forms.MultipleChoiceField(label="Values", choices=choices, widget=ticks)
        return forms.ChoiceField(label="Value", choices=choices)
    match field.kind:
        case Kind.YES_NO:
            return forms.ChoiceField(label="Value", choices=[("true", "yes"), ("false", "no")])
        case Kind.DAY:
            widget = forms.TextInput({"type": "date"})
        case Kind.MOMENT:
            widget = forms.TextInput({"type": "datetime-local"})
        case Kind.NUMBER | Kind.TOTAL:
            widget = forms.TextInput({**_OFF, "inputmode": "decimal"})
        case _:
            widget = forms.TextInput(_OFF)
    return forms.CharField(label="Value", max_length=200, widget=widget)


def _fields_of_total(field: Field, groupings: Mapping[str, str]) -> dict[str, forms.Field]:
    found: dict[str, forms.Field] = {
        "by": forms.MultipleChoiceField(
            label="Of requests with",
            required=False,
            choices=list(groupings.items()),
            widget=forms.CheckboxSelectMultiple,
            help_text="Select none to include every run of this task.",
        ),
        "number": forms.IntegerField(label="Within", min_value=1, max_value=999_999),
        "unit": forms.ChoiceField(label="Unit", choices=[(unit, f"{unit}s") for unit in UNITS]),
    }
    if field.adds:
        found["with_this"] = forms.BooleanField(label="Including this request", required=False)
    return found


class ConditionEditor:
    """The condition as it is being edited: as parts, or as code.

    `problem` is why it could not be shown in the other way; `focus` the id of what is used next.
    """

    def __init__(
        self, fields: Fields, *, code: str, parts: list[PartForm] | None, shows_errors: bool = False
    ) -> None:
        self.fields, self.code, self.parts = fields, code, parts
        self.shows_errors = shows_errors
        self.problem = ""
        self.focus = ""

    @classmethod
    def of(cls, text: str, declared: Sequence[parameters.Parameter]) -> Self:
        """The editor of a condition in force; with one empty part for a new rule."""
        fields = Fields(declared)
        if not text:
            return cls(fields, code="", parts=_forms(fields, [_blank(next(iter(fields)))]))
        parts = read(text, fields)
        found = None if parts is None else _forms(fields, [_said(each, fields) for each in parts])
        return cls(fields, code=text, parts=found)

    @classmethod
    def sent(cls, data: QueryDict, declared: Sequence[parameters.Parameter]) -> Self:
        """What a person sent."""
        fields, code = Fields(declared), data.get("condition", "")
        if data.get("editor") != FIELDS:
            return cls(fields, code=code, parts=None)
        said = [_raw(data, i, fields) for i in range(_number_of(data))]
        return cls(fields, code=code, parts=_forms(fields, said), shows_errors=True)

    @classmethod
    def edited(cls, data: QueryDict, declared: Sequence[parameters.Parameter]) -> Self:
        """What was sent, changed as the pressed button says, without errors at what is not typed yet."""
        sent, pressed = cls.sent(data, declared), data.get(EDIT, "")
        if pressed == CODE:
            return sent.as_code()
        if pressed == FIELDS:
            return sent.as_fields()
        sent.shows_errors = False
        if sent.parts is not None:
            sent.change(data, pressed)
        return sent

    @property
    def rows(self) -> Sequence[PartForm]:
        """The parts as the page shows them."""
        parts = self.parts or []
        return parts if self.shows_errors else [each.unsent() for each in parts]

    @property
    def mode(self) -> str:
        """“fields” or “code”."""
        return CODE if self.parts is None else FIELDS

    @property
    def may_add(self) -> bool:
        """Whether there may be another part."""
        return self.parts is not None and len(self.parts) < MOST

    def text(self) -> str:
        """The condition as a text. Raises `ValidationError` where a part is not complete."""
        if self.parts is None:
            return self.code.strip()
        if [each for each in self.parts if not each.is_valid()]:  # all of them, for their messages
            raise ValidationError(INCOMPLETE)
        return written([each.part() for each in self.parts], self.fields)

    def change(self, data: QueryDict, pressed: str) -> None:
        """Add a part, or remove one: `add`, `remove-2`."""
        said = [_raw(data, i, self.fields) for i in range(_number_of(data))]
        place = pressed.removeprefix("remove-")
        if pressed == "add" and self.may_add:
            said.append(_blank(next(iter(self.fields))))
            self.focus = f"id_part-{len(said) - 1}-field"
        elif place != pressed and place.isdecimal() and len(place) < 4:
            del said[int(place) : int(place) + 1]
            self.focus = f"id_part-{max(int(place) - 1, 0)}-field" if said else "add-part"
        self.parts = _forms(self.fields, said)

    def as_code(self) -> Self:
        """The same to be edited as code, if it is complete."""
        try:
            found = type(self)(self.fields, code=self.text(), parts=None)
        except ValidationError:
            self.problem = INCOMPLETE
            return self
        found.focus = "id_condition"
        return found

    def as_fields(self) -> Self:
        """The same as parts, if it has any."""
        found = type(self).of(self.code.strip(), self.fields.declared)
        found.problem = NOT_AS_FIELDS if found.parts is None else ""
        found.focus = "id_part-0-field" if found.parts else "add-part"
        return found


def _forms(fields: Fields, said: Sequence[Mapping[str, Any]]) -> list[PartForm]:
    return [
        PartForm(
            {f"part-{i}-{name}": value for name, value in each.items()}, fields=fields, number=i
        )
        for i, each in enumerate(said)
    ]


def _blank(field: Field) -> dict[str, Any]:
    """A part about a field about which nothing is said yet."""
    options = list(field.options or ()) or (["true"] if field.kind == Kind.YES_NO else [""])
    return {
        "joined": "and",
        "field": field.name,
        "comparison": next(iter(field.comparisons)),
        "value": options[0],
        "by": [],
        "number": 24,
        "unit": "hour",
        "with_this": True,
    }


def _said(part: Part, fields: Fields) -> dict[str, Any]:
    """What a part says, for its form."""
    field = fields[part.field]
    values = [shown(field, value) for value in part.values]
    found = _blank(field) | {
        "joined": "or" if part.begins else "and",
        "comparison": part.comparison,
        "value": values if part.comparison in SEVERAL else (values or [""])[0],
    }
    if field.kind != Kind.TOTAL:
        return found
    with_this = "on" if part.with_this else ""
    return found | {
        "by": list(part.by), "number": part.number, "unit": part.unit, "with_this": with_this,
    }  # fmt: skip


def _raw(data: QueryDict, number: int, fields: Fields) -> dict[str, Any]:
    """What was sent for a part; about another field than before nothing is said yet."""
    prefix = f"part-{number}-"
    name, joined = data.get(f"{prefix}field", ""), data.get(f"{prefix}joined", "and")
    if name in fields and name != data.get(f"{prefix}was", name):
        return _blank(fields[name]) | {"joined": joined}
    found: dict[str, Any] = {each: data.get(prefix + each, "") for each in _SENT}
    found["by"] = data.getlist(f"{prefix}by")
    if found["comparison"] in SEVERAL:
        found["value"] = data.getlist(f"{prefix}value")
    return found | {"field": name, "joined": joined}


_SENT: Final = ("comparison", "value", "number", "unit", "with_this")


def _number_of(data: QueryDict) -> int:
    number = data.get("parts", "")
    return min(int(number), MOST) if number.isdecimal() and len(number) < 4 else 0
