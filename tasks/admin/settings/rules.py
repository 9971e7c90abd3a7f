"""The form of an approval rule. An edit proposes a new version, in the place of the one it is of."""

from collections.abc import Iterator

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from audit.admin.pages import page, person_of
from audit.context import Door
from audit.transitions import Refusal
from tasks import parameters
from tasks.access.rights import Right
from tasks.actions import propose_end, propose_rule
from tasks.actions.changes.proposed_changes import may_act_alone
from tasks.admin.pages import code_of, task_or_404
from tasks.admin.settings.proposed_changes import how_many_agree, say
from tasks.admin.settings.rule_form import RuleForm, said_by
from tasks.admin.settings.simulation import PRESSED, trying
from tasks.models import ApprovalRule, Task
from tasks.parameters import addends, grouping_names
from tasks.rules.conditions import names_for
from tasks.rules.meanings import example_for, meanings_of, names_in_words
from tasks.rules.sentences import condition_in_words
from tasks.rules.sums import ALWAYS_THERE


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str, rule_id: int | None = None) -> HttpResponse:
    """A new rule, or a new version of one."""
    task = task_or_404(request, slug, Right.CHANGE)
    rule = _rule_or_404(task, rule_id) if rule_id else None
    declared = _declared_or_404(task)
    if rule and rule.ended_at:
        messages.error(request, "Somebody else changed this rule. This is the current version.")
        return redirect("admin:tasks_task_settings", task.slug)
    if request.method == "POST":
        only_tried = PRESSED in request.POST
        form = RuleForm(request.POST, declared=declared, only_tried=only_tried)
        if not only_tried and form.is_valid() and _proposed(request, task, rule, form):
            return redirect("admin:tasks_task_settings", task.slug)
    else:
        form = RuleForm(initial=said_by(rule) if rule else None, declared=declared)
    return page(
        request,
        "tasks/settings/rule.html",
        title=f"Change the rule “{rule}”" if rule else f"Add a rule to “{task}”",
        task=task,
        rule=rule,
        takes=how_many_agree(task, person_of(request)),
        alone=may_act_alone(task, person_of(request)),
        form=form,
        trying=trying(request, task, rule, form),
        sentence=_sentence(form, rule),
        names=list(names_in_words(declared, names_for(declared)).items()),
        numbers=list(addends(declared)),
        groupings=[*ALWAYS_THERE, *grouping_names(declared)],
        examples=list(_examples(declared)),
    )


@require_POST
def end(request: HttpRequest, slug: str, rule_id: int) -> HttpResponse:
    """Propose to take a rule out of force."""
    task = task_or_404(request, slug, Right.CHANGE)
    rule = _rule_or_404(task, rule_id)
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.error(request, f"Enter a reason for ending the rule “{rule}”.")
        return redirect("admin:tasks_task_settings", task.slug)
    try:
        proposed_change = propose_end(
            rule.pk, by=person_of(request), door=Door.ADMIN, reason=reason
        )
    except (Refusal, ValidationError) as refused:
        messages.error(request, _text(refused))
    else:
        say(request, proposed_change, made=f"The rule “{rule}” has ended.")
    return redirect("admin:tasks_task_settings", task.slug)


def _proposed(request: HttpRequest, task: Task, rule: ApprovalRule | None, form: RuleForm) -> bool:
    try:
        proposed_change = propose_rule(
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
    else:
        say(
            request,
            proposed_change,
            made="The rule is active. It applies to new runs.",
        )
    return not form.errors


def _sentence(form: RuleForm, rule: ApprovalRule | None) -> str:
    """The condition in words: as it was typed, or else as it is in force. Empty where there is none."""
    if form.is_bound:
        said = form.cleaned_data.get("name") or "", form.cleaned_data.get("condition")
    else:
        said = (rule.name, rule.condition) if rule else ("", "")
    name, condition = said
    return condition_in_words(name, condition, form.declared) if condition else ""


def _text(refused: Refusal | ValidationError) -> str:
    return " ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)


def _rule_or_404(task: Task, rule_id: int) -> ApprovalRule:
    rules = task.rules.prefetch_related("groups", "people", "escalate_to")
    rule = rules.filter(pk=rule_id).first()
    if rule is None:
        raise Http404
    return rule


def _declared_or_404(task: Task) -> list[parameters.Parameter]:
    registered = code_of(task)
    if registered is None:
        raise Http404
    return parameters.read(registered.function)


def _examples(declared: list[parameters.Parameter]) -> Iterator[str]:
    """One condition for the first name of each type that has an obvious one."""
    meanings = meanings_of(declared, with_people=False)
    found: dict[str, str] = {}
    for name, kind in parameters.rule_types(declared).items():
        if example := example_for(meanings[name], kind):
            found.setdefault(kind.name, example)
    yield from found.values()
    for number in list(addends(declared))[:1]:
        yield f"sum({number}) by requester over 24 hours + {number} > 500"
    yield "count() by requester over 1 hour >= 5"
    yield 'door != "admin"'
