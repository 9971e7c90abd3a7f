"""A form that its address fills in: `?customer=4&amount=20`. It is shown, and never sent by this.

Whoever made the link is not whoever sends the form. So what comes from it is marked, is read by the
same rules as what is typed, and is never a secret or a file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import QueryDict

from tasks.parameters.forms import ParameterForm
from tasks.parameters.kinds.objects import ObjectKind
from tasks.parameters.signature import Parameter

MARK: Final = "Filled in by the link."


@dataclass(frozen=True, slots=True)
class Filled:
    """The labels of what an address has filled in, and sentences about what of it was not taken."""

    labels: list[str]
    ignored: list[str]


def fill_from(form: ParameterForm, address: QueryDict) -> Filled:
    """Fill a form that nobody has sent yet with what an address says, and mark it."""
    labels, ignored = [], []
    for parameter in form.parameters:
        if not address.keys() & set(parameter.inputs):
            continue
        try:
            form.initial[parameter.name] = _value(form, parameter, address)
        except ValidationError as error:
            ignored.append(f"{parameter.label}: {' '.join(error.messages)}")
            continue
        field = form.fields[parameter.name]
        field.help_text = " ".join(filter(None, [str(field.help_text), MARK]))
        labels.append(parameter.label)
    return Filled(labels, ignored)


def in_links(parameters: list[Parameter]) -> list[str]:
    """The names of the inputs of a page that a link may hold."""
    return [name for p in parameters for name in _names(p)]


def _names(parameter: Parameter) -> Iterator[str]:
    if parameter.kind.can_be_filled_in:
        yield from parameter.inputs
        yield f"{parameter.name}-zone"  # where it has one


def _value(form: ParameterForm, parameter: Parameter, address: QueryDict) -> Any:  # noqa: ANN401
    """The typed value. Raises ValidationError."""
    if not parameter.kind.can_be_filled_in:
        raise ValidationError("A link never fills this in. Enter it yourself.")
    field = form.fields[parameter.name]
    many = getattr(field.widget, "allow_multiple_selected", False)
    if not many and any(len(address.getlist(name)) > 1 for name in parameter.inputs):
        raise ValidationError("The link names it more than once.")
    sent = field.widget.value_from_datadict(address, {}, parameter.name)
    try:
        return field.clean(sent)
    except ValidationError:
        found = _by_its_words(parameter.kind, field, sent)
        if found is None:
            raise
        return found


def _by_its_words(kind: object, field: Any, sent: object) -> object | None:  # noqa: ANN401
    """The one object that another system names as people do: by its number and not by its key."""
    if not isinstance(kind, ObjectKind) or not isinstance(sent, str) or not sent.strip():
        return None
    named = Q()
    for path in kind.search:
        named |= Q(**{f"{path}__iexact": sent.strip()})
    matching = kind.objects.filter(named).values("pk")
    found = list(field.queryset.filter(pk__in=matching)[:2])
    return found[0] if len(found) == 1 else None
