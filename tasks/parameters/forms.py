"""The form of a task. Every rule runs here, on the server, whichever door the values came by."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from enum import Enum
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, prefetch_related_objects
from django.http import QueryDict

from tasks.databases import rolled_back
from tasks.declaration.calling import call_with
from tasks.declaration.errors import Refused
from tasks.declaration.offline import offline
from tasks.parameters.again import GivenAgain
from tasks.parameters.faults import AuthorsFault, BrokenField, kept_apart, told_in_a_sentence
from tasks.parameters.folding import holds_folded
from tasks.parameters.kinds import Asked
from tasks.parameters.kinds.objects import ObjectKind
from tasks.parameters.kinds.rows import RowsKind
from tasks.parameters.param import listed
from tasks.parameters.signature import Parameter
from tasks.time_limits import in_time

PAGE = 20  # objects in one answer of a picker
LONGEST_TERM = 100
STATEMENT_SECONDS = 5  # for each statement of a look-up: somebody waits for it

type PickerUrl = Callable[[str], str]


class ParameterForm(forms.Form):
    """Asks for parameters; its `cleaned_data` holds the typed values, one for each of them."""

    template_name = "tasks/widgets/form.html"

    class Media:
        js = ("tasks/only_if.js",)

    def __init__(
        self,
        parameters: Sequence[Parameter],
        fields: Mapping[str, forms.Field],
        *,
        validate: Callable[..., object] | None,
        **kwargs: Any,  # noqa: ANN401 -- as a form takes
    ) -> None:
        super().__init__(**kwargs)
        self.parameters = parameters
        self.validate_together = validate
        self.fields |= fields
        for parameter in parameters:
            self._mark_condition(parameter)

    def get_context(self) -> dict[str, Any]:
        """For the template: also which questions need an answer."""
        return super().get_context() | {"needed": {p.name for p in self.parameters if p.required}}

    def clean(self) -> dict[str, Any]:
        """Defaults, questions that did not arise, and rules over several parameters."""
        self._refuse_what_was_sent_twice()
        for parameter in self.parameters:
            if parameter.name not in self.errors:
                self._resolve(parameter)
            if not self._arises(parameter):
                self.errors.pop(parameter.name, None)
                self.cleaned_data[parameter.name] = None
        for parameter in self.parameters:
            self._check_dependence(parameter)
        for parameter in self.parameters:
            if not self.errors:
                self._look_up(parameter)
        if self.validate_together and not self.errors:
            self._check_together(self.validate_together)
        return self.cleaned_data

    def _resolve(self, parameter: Parameter) -> None:
        """Give an empty value its default, or ask for it."""
        name = parameter.name
        if self.cleaned_data.get(name) is not None:
            return
        self.cleaned_data[name] = self._unanswered(parameter)
        if (
            parameter.required
            and self.cleaned_data[name] is None
            and name not in self.errors
            and self._arises(parameter)
            and not is_looked_up(parameter)
        ):
            self.add_error(name, self.fields[name].error_messages["required"])

    def _check_dependence(self, parameter: Parameter) -> None:
        """Refuse an object that does not go with the values of the parameters it depends on."""
        kind, name = parameter.kind, parameter.name
        if not isinstance(kind, ObjectKind) or self.cleaned_data.get(name) is None:
            return
        if not kind.depends_on or kind.depends_on & self.errors.keys():
            return
        try:
            if not _goes_with(kind, self.cleaned_data[name], self.cleaned_data):
                labels = " and ".join(p.label for p in self.parameters if p.name in kind.depends_on)
                self.add_error(name, f"This does not go with {labels}. Choose another one.")
        except ValidationError as error:
            self.add_error(name, error)
        except AuthorsFault as fault:
            self.add_error(name, str(fault))

    def _look_up(self, parameter: Parameter) -> None:
        """Freeze the rows that a look-up finds for the other values. It can change nothing."""
        kind = parameter.kind
        if not (isinstance(kind, RowsKind) and kind.is_looked_up and self._arises(parameter)):
            return
        try:
            with (
                told_in_a_sentence("The rows could not be looked up"),
                rolled_back(seconds=STATEMENT_SECONDS, read_only=True),
                offline(),
            ):
                found = in_time(lambda: kind.look_up(parameter.name, self.cleaned_data))
        except ValidationError as error:
            self.add_error(parameter.name, error)
        except AuthorsFault as fault:
            self.add_error(parameter.name, str(fault))
        else:
            self.cleaned_data[parameter.name] = found

    def _unanswered(self, parameter: Parameter) -> object:
        # A page always sends every field, and nothing at all for a list without a tick.
        on_page = isinstance(self.data, QueryDict)
        if not on_page and self.add_prefix(parameter.name) not in self.data:
            if parameter.param.default is not None:
                return self._suggested(parameter)
            return copy(parameter.default)
        if parameter.required or parameter.optional:
            return None
        return copy(parameter.kind.empty(parameter.default))

    def _suggested(self, parameter: Parameter) -> object:
        """The computed default, where it keeps the rules of what is typed."""
        field = self.fields[parameter.name]
        try:
            return None if field.initial is None else field.clean(field.initial)
        except ValidationError as error:
            self.add_error(parameter.name, error)
            return None

    def _arises(self, parameter: Parameter) -> bool:
        """Whether the parameters before this one say that it is asked for."""
        return all(
            name in self.cleaned_data and _is_among(self.cleaned_data[name], wanted)
            for name, wanted in parameter.param.only_if.items()
        )

    def _check_together(self, validate: Callable[..., object]) -> None:
        try:
            with told_in_a_sentence("These values could not be checked"):
                said = in_time(lambda: call_with(validate, self.cleaned_data))
        except ValidationError as error:
            self._place(error)
        except AuthorsFault as fault:
            self.add_error(None, str(fault))
        else:
            # Not what a check is asked for, but plainly meant as one.
            if isinstance(said, str) and said.strip():
                self.add_error(None, said)

    def _place(self, error: ValidationError) -> None:
        """Put messages beside their fields; those of no field go above the form."""
        if not hasattr(error, "error_dict"):
            self.add_error(None, error)
            return
        for name, errors in error.error_dict.items():
            self.add_error(name if name in self.fields else None, errors)

    def _refuse_what_was_sent_twice(self) -> None:
        # Two readers of such data could each take another of the two values.
        if not isinstance(self.data, QueryDict):
            return
        for parameter in self.parameters:
            widget = self.fields[parameter.name].widget
            many = getattr(widget, "allow_multiple_selected", False)
            lists = [self.data.getlist(self.add_prefix(name)) for name in parameter.inputs]
            if not many and any(len(values) > 1 for values in lists):
                self.add_error(parameter.name, "This value was sent more than once. Send one.")

    def _mark_condition(self, parameter: Parameter) -> None:
        if parameter.param.only_if:
            wanted = {
                self.add_prefix(name): [_on_the_page(v) for v in listed(values)]
                for name, values in parameter.param.only_if.items()
            }
            attrs = self.fields[parameter.name].widget.attrs
            attrs["data-only-if"] = json.dumps(wanted)
            if parameter.required:
                attrs["aria-required"] = "true"


def form_for(  # noqa: PLR0913 -- as a form takes, and who fills it in
    parameters: Sequence[Parameter],
    *,
    person: Any,  # noqa: ANN401 -- a User, or whatever limit= and options= understand
    data: Mapping[str, Any] | None = None,
    files: Mapping[str, Any] | None = None,
    initial: Mapping[str, Any] | None = None,
    picker_url: PickerUrl | None = None,
    validate: Callable[..., object] | None = None,
    prefix: str | None = None,
    locked: Mapping[str, Any] | None = None,
    given: Mapping[str, str] | None = None,
) -> ParameterForm:
    """The form for these parameters, as this person may fill it in.

    `data` is what a page sent, or a plain dict from another door, whose values may be typed
    already. In a plain dict a name that is absent gets its default. `initial` holds typed values.
    Names that are not declared are ignored; see `unknown_names`. `picker_url` gives the address
    at which the picker of a parameter searches. `validate` gets the typed values that it names,
    and raises ValidationError({"amount": "message"}). `locked` holds typed values that are shown and
    cannot be changed, whatever is sent. `given` names the files and secrets of an earlier run, which
    have to be given again.
    """
    fields = {p.name: _field(p, person, picker_url) for p in parameters}
    for name, was in (given or {}).items():
        if name in fields and isinstance(fields[name].widget, GivenAgain):
            fields[name].widget.given = was
    for name in locked or {}:
        fields[name].disabled = True  # Django then takes the initial value
    return ParameterForm(
        parameters,
        fields,
        validate=validate,
        data=data,
        files=_files(parameters, data, files),
        initial={**(initial or {}), **(locked or {})},
        prefix=prefix,
    )


def _goes_with(kind: ObjectKind, chosen: Any, values: Mapping[str, Any]) -> bool:  # noqa: ANN401
    """Whether an object is among those that go with these values. Raises AuthorsFault."""
    with told_in_a_sentence("The choices could not be loaded"), kept_apart():
        mine = kind.objects.filter(pk=chosen.pk)
        return in_time(lambda: kind.narrowed(mine, values).exists())


def unknown_names(parameters: Iterable[Parameter], names: Iterable[str]) -> list[str]:
    """Those of the names that no parameter has. Doors without a page refuse them."""
    known = {name for p in parameters for name in p.inputs}
    return sorted(set(names) - known)


def search(
    parameter: Parameter,
    person: Any,  # noqa: ANN401 -- a User, or whatever limit= understands
    term: str,
    page: int = 1,
    *,
    beside: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One page of the objects that the picker offers to this person.

    Each word of the term must be found in one of the search fields. Raises TypeError for a
    parameter that is no object.
    """
    kind = parameter.kind
    if not isinstance(kind, ObjectKind):
        raise TypeError(f"{parameter.name} is no object that could be searched for.")
    try:
        with told_in_a_sentence("The choices could not be loaded"):
            return in_time(lambda: _page_of(kind, person, term, max(page, 1), beside or {}))
    except (AuthorsFault, ValidationError) as error:
        text = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        said = {"id": "", "text": text, "disabled": True}
        return {"results": [said], "pagination": {"more": False}}


def values_beside(
    parameter: Parameter, declared: Sequence[Parameter], person: object, sent: QueryDict
) -> dict[str, Any]:
    """The values of the other fields of a page that a picker depends on.

    Raises `Refused` where one of them is to be filled in first.
    """
    kind = parameter.kind
    needed = kind.depends_on if isinstance(kind, ObjectKind) else set()
    values = {}
    for other in (p for p in declared if p.name in needed):
        field = _field(other, person, None)
        try:
            value = field.clean(field.widget.value_from_datadict(sent, {}, other.name))
        except ValidationError:
            value = None
        if value is None and other.required:
            raise Refused(f"Fill in “{other.label}” first.")
        values[other.name] = value
    return values


def _page_of(
    kind: ObjectKind, person: object, term: str, page: int, beside: Mapping[str, Any]
) -> dict[str, Any]:
    start = (page - 1) * PAGE
    queryset = kind.narrowed(kind.offered(person), beside)
    for word in term.replace("\0", " ")[:LONGEST_TERM].split():
        found = Q()
        for path in kind.search:
            found |= Q(**{f"{path}__icontains": word}) | holds_folded(path, word)
        # A subquery: a search across a relation would find the same object several times.
        queryset = queryset.filter(pk__in=kind.objects.filter(found).values("pk"))
    if not queryset.ordered:
        queryset = queryset.order_by("pk")
    objects = list(queryset[start : start + PAGE + 1])
    prefetch_related_objects(objects, *kind.relations())
    return {
        "results": [{"id": str(each.pk), "text": kind.in_picker(each)} for each in objects[:PAGE]],
        "pagination": {"more": len(objects) > PAGE},
    }


def _field(parameter: Parameter, person: object, picker_url: PickerUrl | None) -> forms.Field:
    # A browser would insist on an answer to a hidden question, so the form asks for it instead. And
    # at a door without a page nothing is said where there is a suggestion.
    asked = Asked(
        person=person,
        name=parameter.name,
        label=parameter.label,
        required=parameter.required and not (parameter.param.only_if or parameter.param.default),
        optional=parameter.optional,
        blank=parameter.required or parameter.optional,
        picker_url=picker_url,
    )
    help_text = " ".join(filter(None, [parameter.help, parameter.kind.note()]))
    try:
        with told_in_a_sentence("The choices could not be loaded"), _apart(parameter):
            field = in_time(lambda: parameter.kind.field(asked))
    except (AuthorsFault, ValidationError) as error:
        fault = error if isinstance(error, AuthorsFault) else AuthorsFault(*error.messages)
        field, help_text = BrokenField(fault), str(fault)
    field.label, field.help_text = parameter.label, help_text
    field.initial = parameter.default
    if parameter.param.default is not None:
        field.initial = _computed(parameter.param.default, person)
    return field


def _computed(default: Callable[[Any], Any], person: object) -> Any:  # noqa: ANN401 -- of any kind
    """What the author suggests to this person. None where that fails: it is only a suggestion."""
    try:
        with told_in_a_sentence("A default could not be computed"), kept_apart():
            return in_time(lambda: default(person))
    except (AuthorsFault, ValidationError):
        return None


def _apart(parameter: Parameter) -> AbstractContextManager[None]:
    asks_author = parameter.param.options or parameter.param.limit
    return kept_apart() if asks_author else nullcontext()


def _files(
    parameters: Iterable[Parameter],
    data: Mapping[str, Any] | None,
    files: Mapping[str, Any] | None,
) -> Mapping[str, Any] | None:
    """A plain dict may hold files among the other values."""
    if data is None or isinstance(data, QueryDict) or files is not None:
        return files
    return {p.name: data[p.name] for p in parameters if p.name in data}


def is_looked_up(parameter: Parameter) -> bool:
    """Whether its value comes from a look-up by the values of others, and not from a person."""
    return isinstance(parameter.kind, RowsKind) and parameter.kind.is_looked_up


def _is_among(value: object, wanted: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(_on_the_page(v) == _on_the_page(w) for v in values for w in listed(wanted))


def _on_the_page(value: object) -> str:
    """A value as a control of the page holds it, so that script and server compare alike."""
    value = value.value if isinstance(value, Enum) else value
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
