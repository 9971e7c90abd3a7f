"""The rows behind the code: adopted when a task appears, retired when its code is gone."""

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from audit.context import Door
from audit.database.clock import database_now
from audit.transitions import transition
from tasks import parameters
from tasks.access.rights import Right
from tasks.access.stops import keeps_stopped
from tasks.actions.changes.grants import set_right
from tasks.actions.changes.rules import put_in_force
from tasks.declaration.registry import Approval, RegisteredTask, registry
from tasks.models import Task
from tasks.rules.evaluation import RuleSpec
from tasks.rules.sentences import clause_of

logger = logging.getLogger(__name__)

COPIED = ("name", "category", "owner", "description", "timeout", "idempotent", "source_hash")


def adopt_task(registered: RegisteredTask) -> None:
    """Make or refresh the row of a task in the code.

    The rules and grants that its author suggests are written once, when the row is new: from then
    on they belong to the people who administer it.
    """
    with transition(by=None, door=Door.DEPLOY, reason="Found in the code"):
        task = Task.objects.select_for_update().filter(slug=registered.slug).first()
        if task is None:
            _introduce(registered)
        else:
            _refresh(task, registered)


def _copied(registered: RegisteredTask) -> dict[str, Any]:
    """What the row repeats of the code."""
    copied = {name: getattr(registered, name) for name in COPIED}
    return copied | {"moves_money": moves_money(registered)}


def moves_money(registered: RegisteredTask) -> bool:
    """As its author says. Else by its parameters, and what undoes a task moves it back."""
    if registered.moves_money is not None:
        return registered.moves_money
    if registered.kind.reads_only:
        return False
    undone = [each for each in registry.all() if each.undo and each.undo.task == registered.slug]
    return has_money(registered) or any(each.moves_money or has_money(each) for each in undone)


def has_money(registered: RegisteredTask) -> bool:
    """Whether a parameter is an amount of money, or a column of its rows."""
    return any(p.kind.has_money for p in parameters.read(registered.function))


def _introduce(registered: RegisteredTask) -> None:
    task = Task.objects.create(slug=registered.slug, **_copied(registered))
    for group, level in registered.grants.items():
        set_right(task, Right[level.upper()], to=_group(group))
    for position, rule in enumerate(registered.approval, start=1):
        put_in_force(task, _spec(registered, rule, position))


def _spec(registered: RegisteredTask, rule: Approval, position: int) -> RuleSpec:
    return RuleSpec(
        name=(rule.name or f"{registered.name}: {_when(registered, rule, position)}")[:120],
        condition=rule.when,
        groups=[_group(name) for name in rule.groups],
        people=list(get_user_model().objects.filter(username__in=rule.people)),
        needed=rule.needed,
        position=position,
        for_resolving=rule.for_resolving,
        may_serve_twice=rule.may_serve_twice,
        fresh_proof=rule.fresh_proof,
        ticket_pattern=rule.ticket_pattern,
        expires_after=rule.expires_after,
        remind_after=rule.remind_after,
        escalate_after=rule.escalate_after,
        escalate_to=[_group(name) for name in rule.escalate_to],
        first_items=rule.limits.first,
        stop_after_failures=rule.limits.failures,
        stop_above_percent=rule.limits.percent,
        stop_above_amount=rule.limits.amount,
    )


def _when(registered: RegisteredTask, rule: Approval, position: int) -> str:
    """When a rule applies, for its name, which reviewers read."""
    clause = clause_of(rule.when, parameters.read(registered.function))
    return "every run" if clause == "" else clause or f"rule {position}"


def _group(name: str) -> Group:
    return Group.objects.get_or_create(name=name)[0]


def _refresh(task: Task, registered: RegisteredTask) -> None:
    copied = _copied(registered)
    named = {name: copied[name] for name in ("category", "moves_money")}
    if keeps_stopped(task, **named):
        # The first deploy after the restart brings them.
        logger.warning("“%s” is stopped, so its category and kind stay as they are.", task)
        copied = {name: value for name, value in copied.items() if name not in named}
    changed = [name for name, value in copied.items() if getattr(task, name) != value]
    for name in changed:
        setattr(task, name, copied[name])
    if task.retired_at:
        task.retired_at = None
        changed.append("retired_at")
    if changed:
        task.save(update_fields=changed)


def retire_task(task: Task) -> None:
    """Close a task whose code is gone. Its runs and their history stay."""
    with transition(by=None, door=Door.DEPLOY, reason="Removed from the code"):
        task.retired_at = database_now()
        task.save(update_fields=["retired_at"])
