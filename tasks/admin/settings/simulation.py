"""“Try it” on the page of a rule: the rule as it is typed, asked about values and about the past."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse

from audit.admin.pages import person_of
from audit.context import Door
from tasks import parameters
from tasks.access.rights import Right, who
from tasks.admin.settings.rule_form import RuleForm
from tasks.declaration.registry import registry
from tasks.models import ApprovalRule, Task
from tasks.rules.conditions import Facts
from tasks.rules.evaluation import RuleSpec, rules_in_force
from tasks.rules.simulation import PastRuns, Simulation, simulate, simulate_past_runs

if TYPE_CHECKING:
    pass

VALUES = "try"  # before the names of the task's parameters; a hyphen follows
PRESSED = "try"  # the name of the two buttons


class WhoAsksForm(forms.Form):
    """Who asks, and where."""

    requester = forms.ModelChoiceField(
        get_user_model().objects.none(), label="Requester", empty_label=None
    )
    door = forms.ChoiceField(label="Via", choices=Door.choices, initial=Door.ADMIN)

    def __init__(self, *args: Any, task: Task, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        people = who(Right.REQUEST, task).order_by("first_name", "username")
        self.fields["requester"].queryset = people  # type: ignore[attr-defined]


@dataclass
class SimulationSection:
    """The part of the page beside the rule: what to try it with, and what came of it."""

    who: WhoAsksForm
    values: parameters.ParameterForm
    trial: Simulation | None = None
    past: PastRuns | None = None


def trying(
    request: HttpRequest, task: Task, rule: ApprovalRule | None, form: RuleForm
) -> SimulationSection:
    """What the page shows of it, which answers where one of its buttons was pressed."""
    pressed = request.POST.get(PRESSED)
    with_values = pressed == "values"
    who_asks = WhoAsksForm(request.POST if with_values else None, task=task, prefix="who")
    page = SimulationSection(who_asks, _values_form(request, task, form.declared, sent=with_values))
    if pressed and form.is_valid():
        if pressed == "history":
            page.past = simulate_past_runs(task, form.spec(), form.declared)
        elif who_asks.is_valid() and page.values.is_valid():
            try:
                page.trial = _trial(task, rule, form, who_asks.cleaned_data, page.values)
            except (parameters.AuthorsFault, ValidationError) as error:
                text = error if isinstance(error, ValidationError) else str(error)
                page.values.add_error(None, text)
    return page


def _values_form(
    request: HttpRequest, task: Task, declared: list[parameters.Parameter], *, sent: bool
) -> parameters.ParameterForm:
    return parameters.form_for(
        declared,
        person=person_of(request),
        data=request.POST if sent else None,
        files=request.FILES if sent else None,
        picker_url=lambda name: reverse("admin:tasks_task_try_options", args=[task.slug, name]),
        validate=registry.get(task.slug).validate,
        prefix=VALUES,
    )


def _trial(
    task: Task,
    rule: ApprovalRule | None,
    form: RuleForm,
    asked: dict[str, Any],
    values: parameters.ParameterForm,
) -> Simulation:
    typed, requester = values.cleaned_data, asked["requester"]
    frozen = parameters.freeze(
        form.declared, typed, store_secret=lambda _: "", store_file=lambda _: None
    )
    groupings = parameters.groupings(form.declared, typed, frozen)
    facts = Facts.of(task, requester, asked["door"], form.declared, frozen, groupings)
    others = [RuleSpec.of(each) for each in rules_in_force(task) if each != rule]
    specs = sorted([*others, form.spec()], key=lambda spec: spec.position)
    return simulate(task, specs, facts)
