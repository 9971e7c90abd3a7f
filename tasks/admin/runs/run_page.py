"""What the page of a run shows, and what of it changes while the run goes on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.http import QueryDict

from approvals.models import Stage
from approvals.requests.explanation import NOBODY, reason_of, reviewers_named
from approvals.requests.policy import visible_to
from approvals.requests.review_state import ReviewState
from approvals.requests.stuck import nobody_left, what_to_do
from tasks import parameters
from tasks.access.emergencies import emergency_of, is_offered, why_not
from tasks.access.rights import Right, allowed, runs_for
from tasks.access.stops import in_a_sentence, stop_of
from tasks.actions.runs.lifecycle import MAX_ATTEMPTS
from tasks.actions.runs.pauses import may_not_resume, open_pause, why_not_pausable
from tasks.actions.runs.resolutions import open_resolution
from tasks.admin.pages import MAY_READ_ALL, code_of
from tasks.admin.rows import names_with_rows
from tasks.admin.runs.items import sum_keys_of, to_look_at
from tasks.admin.runs.logs import tail
from tasks.admin.runs.outputs import outputs_of
from tasks.models import Run, Stop
from tasks.rules.texts import deciders
from tasks.runs.concurrency import ahead_of
from tasks.runs.outdated import why_outdated
from tasks.runs.partial import ended_half_done
from tasks.runs.revisions import may_revise, revisions_of
from tasks.runs.texts import state_of, time_left, what_next
from tasks.runs.timeline import timeline_of
from tasks.runs.undo import task_to_undo, undone_by

if TYPE_CHECKING:
    from backoffice.models import User

AGAIN = {  # milliseconds until the page asks again
    Run.Status.AWAITING_APPROVAL: 4000,
    Run.Status.QUEUED: 1000,
    Run.Status.RUNNING: 1000,
    Run.Status.PAUSED: 4000,
}


TURN = "Starts within seconds."


@dataclass(frozen=True, slots=True)
class StageShown:
    """A stage of the approval: whom it asks, and how far it has come."""

    name: str
    whom: str
    approvals: int
    needed: int
    is_open: bool
    stuck: str  # that nobody is left to decide it
    because: str


def whole_page(run: Run, person: "User", asked: QueryDict) -> dict[str, Any]:
    """Everything on the page. `asked` is what its address asks for: pages of tables."""
    return {
        "facts": facts_of(run),
        "rows": names_with_rows(run),
        "may_open_undone": run.undoes_id and _may_see(run.undoes_id, person),
        "may_open_caller": run.called_by_id and _may_see(run.called_by_id, person),
        "revisions": [(each, _may_see(each.pk, person)) for each in revisions_of(run)],
        "may_read_all": person.has_perm(MAY_READ_ALL),
        **live_parts(run, person, asked),
    }


def live_parts(run: Run, person: "User", asked: QueryDict) -> dict[str, Any]:
    """What changes by itself until the run is over. Of the log, what is `after` a line."""
    administers = allowed(person, Right.CHANGE, run.task)
    ahead, sum_keys = ahead_of(run), sum_keys_of(run)
    half_done = ended_half_done(run)
    stop = stop_of(run.task) if run.status == Run.Status.QUEUED else None
    stages = stages_of(run)
    return {
        "run": run,
        "again": AGAIN.get(Run.Status(run.status), 0),
        "state": stopped_in_words(stop) if stop else TURN if ahead else _state(run, stages, person),
        "ahead": ahead,
        "may_open_ahead": ahead and _may_see(ahead.pk, person),
        "what_next": what_next(run, person, half_done=half_done),
        "sum_keys": sum_keys,
        "to_look_at": to_look_at(run) if sum_keys else [],
        "outputs": outputs_of(run, asked),
        "log": tail(run, asked.get("after", "")),
        "timeline": timeline_of(run),
        "stages": stages,
        "nobody": NOBODY,
        "may_open_request": _may_open_request(run, person),
        "may_cancel": _may_cancel(run, person, administers),
        **_emergency(run, person),
        **_pausing(run, person, administers),
        "may_resolve": _may_resolve(run, person, administers),
        "proposed": open_resolution(run) if run.status == Run.Status.UNCERTAIN else None,
        "progress": run.steps_total or run.due_at or run.cancel_asked_at,
        "time_left": time_left(run),
        "attempts": MAX_ATTEMPTS,
        "forced_at": _forced_at(run),
        "undo_task": task_to_undo(run, person),
        "undo": undo_shown(run, person),
        "called": [
            (each, _may_see(each.pk, person)) for each in run.called.order_by("requested_at")
        ],
        "half_done": half_done,
        "may_ask_again": run.is_over and _may_ask(run, person),
        "may_revise": may_revise(run, person) and _may_ask(run, person),
        "administers": administers,
    }


def stopped_in_words(stop: Stop) -> str:
    """How a run stands that waits for what is stopped."""
    return f"Waiting: {in_a_sentence(stop)}."


def _state(run: Run, stages: list[StageShown], person: "User") -> str:
    """How a run stands; while it waits for approval, also why it needs it."""
    if run.status != Run.Status.AWAITING_APPROVAL:
        return state_of(run)
    mine = run.requested_by_id == person.pk
    if why := why_outdated(run):
        advice = "Withdraw it, and request it again." if mine else ""
        return f"{why} It cannot be approved any more. {advice}".strip()
    if run.approval and (why := next((s.stuck for s in stages if s.stuck), "")):
        return f"{why} {what_to_do(run.approval) if mine else ''}".strip()
    because = [f"{stage.because}." for stage in stages if stage.is_open and stage.because]
    return " ".join([state_of(run), *because])


def _emergency(run: Run, person: "User") -> dict[str, Any]:
    offered = is_offered(run, person)
    return {
        "emergency": emergency_of(run),
        "glass_offered": offered,
        "glass_holds": why_not(run, person) if offered else "",
    }


def _forced_at(run: Run) -> datetime | None:
    """When a run that was asked to stop is stopped by force."""
    if run.cancel_asked_at is None or run.started_at is None:
        return None
    grace = timedelta(seconds=settings.CANCEL_GRACE_SECONDS)
    return max(run.cancel_asked_at + grace, run.started_at)


def undo_shown(run: Run, person: "User") -> tuple[Run, bool] | None:
    """The run that undoes this one, and whether this person may open it."""
    undo = undone_by(run) if run.status == Run.Status.SUCCEEDED else None
    return (undo, _may_see(undo.pk, person)) if undo else None


def _may_see(key: UUID, person: "User") -> bool:
    return runs_for(person).filter(pk=key).exists()


def facts_of(run: Run) -> list[tuple[str, str]]:
    """The parameters in words, also when the code of the task is gone."""
    registered = code_of(run.task)
    declared = parameters.read(registered.function) if registered else []
    return parameters.display(declared, run.values)


def stages_of(run: Run) -> list[StageShown]:
    """Who was asked, stage by stage."""
    if run.approval is None:
        return []
    review = ReviewState(
        run.approval,
        list(run.approval.stages.prefetch_related("groups", "people")),
        list(run.approval.decisions.all()),
    )
    waits = run.approval.status == run.approval.Status.PENDING
    asked_now = review.open_stage() if waits else None
    stuck = nobody_left(run.approval) if asked_now else ""
    return [
        _stage(review, stage, *((True, stuck) if stage == asked_now else (False, "")))
        for stage in review.stages
    ]


def _stage(review: ReviewState, stage: Stage, is_open: bool, stuck: str) -> StageShown:
    return StageShown(
        stage.name,
        deciders(_picked(stage) if stage.picked else reviewers_named(stage), (), stage.needed),
        review.approvals(stage),
        stage.needed,
        is_open,
        stuck,
        reason_of(stage),
    )


def _picked(stage: Stage) -> list[str]:
    """The reviewers whom the requester chose."""
    own = stage.reviewers.filter(on_behalf_of=None, not_before=None).select_related("person")
    return sorted(str(reviewer.person) for reviewer in own)


def _may_open_request(run: Run, person: "User") -> bool:
    return run.approval_id is not None and visible_to(person).filter(pk=run.approval_id).exists()


def _may_cancel(run: Run, person: "User", administers: bool) -> bool:
    if run.status == Run.Status.AWAITING_APPROVAL:
        # What waits for approval is a request, and only who made a request withdraws it.
        return run.requested_by_id == person.pk
    begun = (Run.Status.QUEUED, Run.Status.RUNNING, Run.Status.PAUSED)
    mine = run.requested_by_id == person.pk or administers
    return mine and run.status in begun and run.cancel_asked_at is None


def _pausing(run: Run, person: "User", administers: bool) -> dict[str, Any]:
    mine = run.requested_by_id == person.pk or administers
    pause = open_pause(run)
    # Who asked for it may see the request as well, and only withdraw it.
    asked = pause.approval_id if pause and run.requested_by_id != person.pk else None
    return {
        "pause": pause,
        "may_pause": mine and not why_not_pausable(run),
        "may_resume": pause is not None and mine and not may_not_resume(pause, person),
        "may_look": asked and visible_to(person).filter(pk=asked).exists(),
    }


def _may_resolve(run: Run, person: "User", administers: bool) -> bool:
    return run.status == Run.Status.UNCERTAIN and administers and run.requested_by_id != person.pk


def _may_ask(run: Run, person: "User") -> bool:
    return code_of(run.task) is not None and allowed(person, Right.REQUEST, run.task)
