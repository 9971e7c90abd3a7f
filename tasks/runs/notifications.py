"""Who is told of what became of a run: who asked, and those who administer its task."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from approvals import channels
from approvals.channels.base import SLACK
from approvals.models import Decision, SlackMode
from approvals.notifications.events import Event
from approvals.notifications.notify import notify
from approvals.requests.policy import reviewers_for
from audit.texts.quoting import in_one_line, quoted
from tasks.access.rights import Right, who
from tasks.declaration.registry import UnknownTask, registry
from tasks.models import ApprovalRule, Pause, Resolution, Run, Task

if TYPE_CHECKING:
    from backoffice.models import User

Status = Run.Status

EVENTS: Final = (
    Event("rule_changed", "An approval rule of one of my tasks is changed or ended"),
    Event("proposed_change_outdated", "A change that I proposed was approved and is outdated"),
    Event("emergency_run", "Something is run in an emergency, without approval"),
    Event("stopped", "Tasks are stopped"),
    Event("started", "Stopped tasks are restarted"),
    Event("run_failed", "A run failed"),
    Event("run_uncertain", "The outcome of a run is unknown"),
    Event("run_outdated", "A run is outdated: what was approved no longer holds"),
    Event("run_cancelled", "My run was cancelled"),
    Event("run_succeeded", "My approved run has succeeded", by_default=False),
    Event("run_paused", "My run is paused for review"),
    Event("run_lost", "A run lost its worker and continues"),
    Event("run_resolution_proposed", "A resolution is proposed for a run whose outcome is unknown"),
    Event("run_resolved", "A run whose outcome was unknown is resolved"),
)
# What is told of a run that ended so.
EVENT_OF: Final = {
    Status.FAILED: "run_failed",
    Status.UNCERTAIN: "run_uncertain",
    Status.STALE: "run_outdated",
    Status.CANCELLED: "run_cancelled",
    Status.SUCCEEDED: "run_succeeded",
}


def notify_of_end(run: Run) -> None:
    """Tell of a run that has ended, in the transaction that ends it.

    Who asked is told of everything but a success for which nobody else had to be waited: that is on
    the page they are looking at. Those who approved what turns out to be out of date are told, too.
    What was rejected or expired is told with the request.
    """
    if run.status in (Status.FAILED, Status.UNCERTAIN):
        _notify([run.requested_by, *who(Right.CHANGE, run.task)], run, run.error)
    elif run.status == Status.STALE:
        _notify([run.requested_by, *_approvers(run)], run, run.error)
    elif run.status == Status.CANCELLED:
        _notify([run.requested_by], run, run.error)
    elif run.status == Status.SUCCEEDED and run.needs_approval:
        _notify([run.requested_by], run, "")


def notify_of_rule(rule: ApprovalRule, text: str) -> None:
    """Tell those who decide under a rule, or did under the one before it, and those who may approve
    or administer its task: whoever is left out has to hear of it."""
    people = set(who(Right.APPROVE, rule.task))
    for each in filter(None, (rule, rule.replaces)):
        people.update(reviewers_for(list(each.groups.all()), list(each.people.all())))
    occurrence = f"{rule.pk}{' ended' if rule.ended_at else ''}"
    notify(people, event="rule_changed", subject=rule.task, text=text, occurrence=occurrence)


def notify_of_run(
    people: "Iterable[User]",
    run: Run,
    *,
    event: str,
    text: str,
    occurrence: str = "",
    even_themselves: bool = False,
) -> None:
    """Tell of a run; in Slack as much as its task lets Slack see."""
    notify(
        people,
        event=event,
        subject=run,
        text=text,
        occurrence=occurrence,
        in_slack=_in_slack(run),
        even_themselves=even_themselves,
    )


def _in_slack(run: Run) -> str | None:
    """What Slack says instead of the text: as much as of the request, and as of the task without one."""
    if SLACK not in channels.names():
        return None
    mode = run.approval.slack_mode if run.approval else _mode_of(run.task)
    if mode == SlackMode.OFF:
        return ""
    state = run.get_status_display()
    return f"{run.task}: the status of a run is “{state}”" if mode == SlackMode.NOTIFY else None


def _mode_of(task: Task) -> str:
    try:
        return registry.get(task.slug).slack.mode
    except UnknownTask:
        return SlackMode.NOTIFY


def notify_of_lost_worker(run: Run) -> None:
    """Tell that a run lost its worker and goes on with another one."""
    people = [run.requested_by, *who(Right.CHANGE, run.task)]
    text = f"Retrying after its worker was lost: {quoted(run.headline)}"
    notify_of_run(people, run, event="run_lost", text=text, occurrence=str(run.attempt))


def notify_of_pause(pause: Pause) -> None:
    """Tell that a run has paused, and why. Who decides is told with the request."""
    run = pause.run
    people = [run.requested_by, *who(Right.CHANGE, run.task)]
    text = f"Paused: {quoted(run.headline)}. {in_one_line(pause.why)}"
    notify_of_run(people, run, event="run_paused", text=text, occurrence=str(run.attempt))


def notify_of_resolution(resolution: Resolution) -> None:
    """Tell what somebody who has looked proposes for an uncertain run, or has settled."""
    run, by = resolution.run, resolution.resolved_by
    event, did = (
        ("run_resolved", "resolved")
        if resolution.applied_at
        else ("run_resolution_proposed", "proposed a resolution for")
    )
    people = [run.requested_by, by, *who(Right.CHANGE, run.task)]
    text = f"{by} {did} {quoted(run.headline)}: {resolution.get_finding_display()}"
    notify_of_run(people, run, event=event, text=text, occurrence=str(resolution.pk))


def _approvers(run: Run) -> "list[User]":
    if run.approval is None:
        return []
    approved = run.approval.decisions.filter(verdict=Decision.Verdict.APPROVE)
    return [decision.decided_by for decision in approved.select_related("decided_by")]


def _notify(people: "list[User]", run: Run, why: str) -> None:
    text = f"{run.get_status_display()}: {quoted(run.headline)}{f'. {in_one_line(why)}' if why else ''}"
    notify_of_run(
        people,
        run,
        event=EVENT_OF[Status(run.status)],
        text=text,
        # Twice uncertain, after a person had it sent again, is two things to tell.
        occurrence=str(run.attempt),
    )
