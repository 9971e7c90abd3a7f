"""What people asked to be told of: “when a report finds something”, “when a refund fails”.

A condition is written like that of an approval rule, over the parameters and what the run returned.
Anybody may write one and a worker answers it, so it has only what is quick to answer.
"""

import logging
from typing import TYPE_CHECKING, Final

import rule_engine
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet

from approvals.notifications.events import Event
from audit.texts.quoting import quoted
from tasks import parameters
from tasks.access.rights import runs_for
from tasks.declaration.registry import registry
from tasks.models import Run, Subscription, Task
from tasks.parameters import Money
from tasks.rules.conditions import Facts, check_over, names_for, rule_over
from tasks.rules.meanings import currencies_of, meanings_of
from tasks.runs.notifications import notify_of_run
from tasks.runs.output_values import names_of, values_of

if TYPE_CHECKING:
    from backoffice.models import User

logger = logging.getLogger(__name__)

Status = Run.Status

EVENT: Final = Event("run_subscribed", "A run matches one of my subscriptions")
STATES: Final = (
    Status.SUCCEEDED,
    Status.FAILED,
    Status.UNCERTAIN,
    Status.CANCELLED,
    Status.REJECTED,
    Status.EXPIRED,
    Status.STALE,
)
LONGEST: Final = 300  # characters


def names_in(task: Task) -> dict[str, rule_engine.DataType]:
    """The names that a condition on runs of this task may use, with their types.

    Raises UnknownTask when its code is gone.
    """
    code = registry.get(task.slug)
    return names_for(parameters.read(code.function)) | names_of(code.outputs)


def check_subscription(task: Task, condition: str) -> None:
    """Raise `ValidationError`, in words for a person, unless this is a condition on its runs."""
    if len(condition) > LONGEST:
        raise ValidationError(f"Keep it below {LONGEST} characters.")
    code = registry.get(task.slug)
    returned = [name for name, kind in code.outputs.items() if kind is Money]
    meanings = meanings_of(parameters.read(code.function))
    check_over(
        condition,
        names_in(task),
        {**meanings, **currencies_of(f"{name}_currency" for name in returned)},
    )


def open_subscriptions_to(task: int | OuterRef) -> QuerySet[Subscription]:
    """Those of active people to a task, by its key."""
    return Subscription.objects.filter(task=task, ended_at=None, person__is_active=True)


def notify_subscribers(run: Run) -> None:
    """Tell those who asked for it of a run that has just ended, in the transaction that ends it.

    Once each, however often it ends. Whatever is wrong with a condition stands on the page of its
    owner and is nobody else's trouble.
    """
    if not getattr(run, "subscribed", True):
        return  # who finished it has looked already: most runs are nobody's concern
    for subscription in open_subscriptions_to(run.task_id).select_related("person"):
        if run.status in subscription.states and _may_see(subscription.person, run):
            _notify_if_it_holds(subscription, run)


def _may_see(person: "User", run: Run) -> bool:
    return runs_for(person).filter(pk=run.pk).exists()


def _notify_if_it_holds(subscription: Subscription, run: Run) -> None:
    try:
        holds, problem = _holds(subscription.condition, run), ""
    except Exception as error:  # nothing that is written there may stop a run
        logger.info("Subscription %s could not be checked", subscription.pk, exc_info=error)
        holds, problem = False, _in_words(error, run)
    if problem != subscription.problem:
        Subscription.objects.filter(pk=subscription.pk).update(problem=problem)
    if holds:
        notify_of_run(
            [subscription.person],
            run,
            event=EVENT.key,
            text=_text(subscription, run),
            occurrence=str(subscription.pk),
            even_themselves=True,
        )


def _holds(condition: str, run: Run) -> bool:
    """Whether it holds. A run that returned nothing meets no condition on what is returned."""
    if not condition:
        return True
    task = run.task
    code = registry.get(task.slug)
    declared, returned = parameters.read(code.function), names_of(code.outputs)
    rule = rule_over(condition, names_for(declared) | returned)
    if run.output is None and rule.context.symbols & returned.keys():
        return False
    facts = Facts.of(task, run.requested_by, run.door, declared, run.values, {})
    return bool(rule.matches(values_of(code.outputs, run.output) | facts.values()))


def _in_words(error: Exception, run: Run) -> str:
    if isinstance(error, rule_engine.errors.SymbolResolutionError):
        what = f"there was no “{error.symbol_name}”, or it could not be read"
    elif isinstance(error, rule_engine.errors.EngineError):
        what = str(error.message)
    else:
        what = type(error).__name__
    return f"The condition could not be checked for {run}: {what}."


def _text(subscription: Subscription, run: Run) -> str:
    condition = subscription.condition
    because = f" Your subscription: {quoted(condition)}." if condition else ""
    return f"{run.get_status_display()}: {quoted(run.headline)}.{because}"
