"""The form of an approval rule. An edit ends the rule and puts a new version in force."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from audit.context import Door
from audit.pages import page, person_of
from audit.transitions import Refusal
from tasks import parameters
from tasks.access import Right
from tasks.actions import RuleSpec, end_rule, save_rule
from tasks.admin.pages import code_of, task_or_404
from tasks.models import ApprovalRule, Task
from tasks.rules import check_condition
from tasks.wording import type_in_words

if TYPE_CHECKING:
    from backoffice.models import User

MOST = 20  # people who must agree, and stages


class RuleForm(forms.Form):
    """What a rule says, and why it is changed."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="Such as: Credits above 100. Approvers read it."
    )
    condition = forms.CharField(
        label="When",
        max_length=1000,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="Such as: amount > 100. Write true for every run.",
    )
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        label="Groups who may agree",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Without a group or a person, those who have been given “Approve it” are asked.",
    )
    people = forms.CharField(
        label="People who may agree",
        required=False,
        max_length=2000,
        help_text="User names or email addresses, with commas between them.",
    )
    needed = forms.IntegerField(
        label="How many of them must agree", min_value=1, max_value=MOST, initial=1
    )
    position = forms.IntegerField(
        label="Stage",
        min_value=1,
        max_value=MOST,
        initial=1,
        help_text="Rules with a lower number are asked first.",
    )
    for_settling = forms.BooleanField(
        label="Also when an uncertain run is settled",
        required=False,
        help_text=(
            "What somebody found out about an uncertain run then waits for these people, too. "
            "Neither who looked nor who asked for the run is among them."
        ),
    )
    reason = forms.CharField(
        label="Why is this changed?", max_length=2000, help_text="It is kept in the history."
    )

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        declared: list[parameters.Parameter],
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self.declared = declared

    def clean_condition(self) -> str:
        """Checked here as well as by the action, so that the message stands beside the field."""
        condition: str = self.cleaned_data["condition"]
        check_condition(condition, self.declared)
        return condition

    def clean_people(self) -> "list[User]":
        """The people named."""
        names = [
            name
            for part in re.split(r"[,;\n]", self.cleaned_data["people"])
            if (name := part.strip())
        ]
        return [_person(name) for name in dict.fromkeys(names)]

    def spec(self) -> RuleSpec:
        """The valid form's answer."""
        values = self.cleaned_data
        return RuleSpec(
            name=values["name"],
            condition=values["condition"],
            groups=list(values["groups"]),
            people=values["people"],
            needed=values["needed"],
            position=values["position"],
            for_settling=values["for_settling"],
        )


def _person(name: str) -> "User":
    people = get_user_model().objects.filter(is_active=True)
    found = people.filter(Q(username__iexact=name) | Q(email__iexact=name)).first()
    if found is None:
        raise ValidationError(
            f"Nobody who is active here has the user name or email address “{name}”."
        )
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str, rule_id: int | None = None) -> HttpResponse:
    """A new rule, or a new version of one."""
    task = task_or_404(request, slug, Right.CHANGE)
    rule = _rule_or_404(task, rule_id) if rule_id else None
    declared = _declared_or_404(task)
    if rule and rule.ended_at:
        messages.error(request, "Somebody has changed this rule meanwhile. This is how it is now.")
        return redirect("admin:tasks_task_settings", task.slug)
    if request.method == "POST":
        form = RuleForm(request.POST, declared=declared)
        if form.is_valid() and _saved(request, task, rule, form):
            messages.success(
                request, "The rule is in force. It holds for runs asked for from now on."
            )
            return redirect("admin:tasks_task_settings", task.slug)
    else:
        form = RuleForm(initial=_initial(rule) if rule else None, declared=declared)
    return page(
        request,
        "tasks/settings/rule.html",
        title=f"Change the rule “{rule}”" if rule else f"Add a rule to “{task}”",
        task=task,
        rule=rule,
        form=form,
        names=[(name, type_in_words(kind)) for name, kind in _types(declared).items()],
        examples=list(_examples(declared)),
    )


@require_POST
def end(request: HttpRequest, slug: str, rule_id: int) -> HttpResponse:
    """Take a rule out of force."""
    task = task_or_404(request, slug, Right.CHANGE)
    rule = _rule_or_404(task, rule_id)
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.error(request, f"Say why the rule “{rule}” is ended.")
        return redirect("admin:tasks_task_settings", task.slug)
    try:
        end_rule(rule.pk, by=person_of(request), door=Door.ADMIN, reason=reason)
    except (Refusal, ValidationError) as refused:
        messages.error(request, _text(refused))
    else:
        messages.success(request, f"The rule “{rule}” is not in force any more.")
    return redirect("admin:tasks_task_settings", task.slug)


def _saved(request: HttpRequest, task: Task, rule: ApprovalRule | None, form: RuleForm) -> bool:
    try:
        save_rule(
            task.pk,
            spec=form.spec(),
            replaces=rule,
            by=person_of(request),
            door=Door.ADMIN,
            reason=form.cleaned_data["reason"],
        )
    except Refusal as refusal:
        form.add_error(None, str(refusal))
    except ValidationError as invalid:
        # Either nobody could approve, or somebody else was faster; the condition was checked.
        ended = rule and ApprovalRule.objects.filter(pk=rule.pk, ended_at=None).first() is None
        form.add_error(None if ended else "groups", invalid)
    return not form.errors


def _text(refused: Refusal | ValidationError) -> str:
    return " ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)


def _rule_or_404(task: Task, rule_id: int) -> ApprovalRule:
    rule = task.rules.prefetch_related("groups", "people").filter(pk=rule_id).first()
    if rule is None:
        raise Http404
    return rule


def _declared_or_404(task: Task) -> list[parameters.Parameter]:
    registered = code_of(task)
    if registered is None:
        raise Http404
    return parameters.read(registered.function)


def _types(declared: list[parameters.Parameter]) -> dict[str, Any]:
    return dict(parameters.rule_types(declared))


def _examples(declared: list[parameters.Parameter]) -> Iterator[str]:
    """One condition for the first name of each type that has an obvious one."""
    first = {kind.name: name for name, kind in reversed(_types(declared).items())}
    for kind, example in (("FLOAT", "{} > 100"), ("STRING", '{} == "…"'), ("BOOLEAN", "not {}")):
        if kind in first:
            yield example.format(first[kind])


def _initial(rule: ApprovalRule) -> dict[str, object]:
    return {
        "name": rule.name,
        "condition": rule.condition,
        "groups": list(rule.groups.all()),
        "people": ", ".join(person.get_username() for person in rule.people.all()),
        "needed": rule.needed,
        "position": rule.position,
        "for_settling": rule.for_settling,
    }
