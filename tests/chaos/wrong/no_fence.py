"""Wrong: whoever comes to the end of a run writes it down, also a worker that has lost the run."""

from uuid import UUID

from tasks.actions.runs.lifecycle import Outcome
from tasks.models import Run
from tasks.worker import execution

right = execution.finish_run  # type: ignore[attr-defined]  # it only imports it


def finish_run(run_id: UUID, *, attempt: int, outcome: Outcome, door: str) -> Run.Status | None:
    newest = Run.objects.get(pk=run_id).attempt
    return right(run_id, attempt=newest, outcome=outcome, door=door)


execution.finish_run = finish_run  # type: ignore[attr-defined]
