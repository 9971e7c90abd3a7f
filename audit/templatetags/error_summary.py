"""What is wrong with a form, at its top: each problem with a link to its field."""

from collections.abc import Iterator
from typing import NamedTuple

from django import forms, template

register = template.Library()


class Problem(NamedTuple):
    """One field's problem, or one of the form as a whole: that has neither a name nor an address."""

    name: str
    text: str
    more: int  # how many others the same field has
    address: str


@register.inclusion_tag("audit/error_summary.html")
def error_summary(*shown: forms.BaseForm | None) -> dict[str, object]:
    """The problems of these forms of a page, in the order in which they stand there."""
    return {"problems": [problem for form in shown if form for problem in _problems(form)]}


def _problems(form: forms.BaseForm) -> Iterator[Problem]:
    for error in form.non_field_errors():
        yield Problem("", str(error), 0, "")
    for field in form:
        errors = [str(error) for error in field.errors]
        if errors:
            yield Problem(str(field.label), errors[0], len(errors) - 1, _id_of(field))


def _id_of(field: forms.BoundField) -> str:
    """The id of what takes the focus: of several boxes, the first."""
    if field.is_hidden:
        return ""
    several = isinstance(field.field.widget, (forms.RadioSelect, forms.CheckboxSelectMultiple))
    return f"{field.auto_id}_0" if several else field.id_for_label or field.auto_id
