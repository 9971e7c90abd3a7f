"""The form of an approval rule. An edit proposes a new version, in the place of the one it is of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods, require_POST

from audit.admin.pages import page, person_of
from audit.context import Door
from audit.transitions import Refusal
from tasks import parameters
from tasks.access.rights import Right
from tasks.actions import propose_end, propose_rule
from tasks.actions.changes.proposed_changes import may_act_alone
from tasks.admin.pages import code_of, task_or_404
from tasks.admin.settings.condition_form import EDIT, ConditionEditor
from tasks.admin.settings.proposed_changes import how_many_agree, say
from tasks.admin.settings.rule_form import RuleForm, said_by
from tasks.admin.settings.simulation import PRESSED, trying
from tasks.models import ApprovalRule, Task
from tasks.parameters import addends, grouping_names
from tasks.parameters.kinds.rows import RowsKind
from tasks.rules.conditions import check_condition, names_for
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
    editor = _editor(request, rule, declared)
    if request.headers.get("X-Part") == "condition":
        return _piece(request, editor, declared)
    form = _form(request, rule, editor, declared)
    sent = request.method == "POST" and PRESSED not in request.POST and EDIT not in request.POST
    if sent and form.is_valid() and _proposed(request, task, rule, form):
        return redirect("admin:tasks_task_settings", task.slug)
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
        takes_rows=any(isinstance(each.kind, RowsKind) for each in declared),
        **_of_condition(editor, request.POST.get("name", rule.name if rule else ""), declared),
    )


def _editor(
    request: HttpRequest, rule: ApprovalRule | None, declared: list[parameters.Parameter]
) -> ConditionEditor:
    if request.method != "POST":
        return ConditionEditor.of(rule.condition if rule else "", declared)
    if EDIT in request.POST:
        return ConditionEditor.edited(request.POST, declared)
    return ConditionEditor.sent(request.POST, declared)


def _form(
    request: HttpRequest,
    rule: ApprovalRule | None,
    editor: ConditionEditor,
    declared: list[parameters.Parameter],
) -> RuleForm:
    if request.method != "POST":
        return RuleForm(initial=said_by(rule) if rule else None, declared=declared, editor=editor)
    only_tried = PRESSED in request.POST
    form = RuleForm(request.POST, declared=declared, editor=editor, only_tried=only_tried)
    if EDIT in request.POST:
        form.errors.clear()  # nothing was sent yet
    return form


def _piece(
    request: HttpRequest, editor: ConditionEditor, declared: list[parameters.Parameter]
) -> HttpResponse:
    """The condition alone, for the script of the page."""
    context = _of_condition(editor, request.POST.get("name", ""), declared)
    return TemplateResponse(request, "tasks/settings/condition.html", context)


@dataclass(frozen=True)
class Said:
    """What the condition says: as code and as a sentence, or why it says nothing."""

    text: str = ""
    sentence: str = ""
    problem: str = ""
    is_wrong: bool = False


def _of_condition(
    editor: ConditionEditor, name: str, declared: list[parameters.Parameter]
) -> dict[str, Any]:
    return {
        "editor": editor,
        "said": _said(editor, name, declared),
        "names": list(names_in_words(declared, names_for(declared)).items()),
        "numbers": list(addends(declared)),
        "groupings": [*ALWAYS_THERE, *grouping_names(declared)],
        "examples": list(_examples(declared)),
    }


def _said(editor: ConditionEditor, name: str, declared: list[parameters.Parameter]) -> Said:
    try:
        text = editor.text()
    except ValidationError:
        return Said(problem="Complete the parts to read the condition as a sentence.")
    if not text:
        return Said()
    try:
        check_condition(text, declared)
    except ValidationError as error:
        return Said(text, problem=" ".join(error.messages), is_wrong=True)
    return Said(text, condition_in_words(name or "this rule", text, declared))


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
