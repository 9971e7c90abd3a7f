"""What a person sees before a run of theirs starts, and that they have seen it.

A door with a page sends along the seal of what it showed. Where that is not what would run now, the
page is shown once more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from approvals.requests.policy import StageSpec
from audit.seals import seal_of
from tasks import parameters
from tasks.access.rights import runs_for
from tasks.actions.runs.drafts import Draft
from tasks.models import Run
from tasks.parameters import Money
from tasks.runs.alike import open_or_just_ended
from tasks.runs.confirmation_limits import needs_no_confirmation, small_amount_of
from tasks.runs.previews import binding

LISTED: Final = 10


@dataclass(frozen=True)
class Shown:
    """What would run, what it would change, what speaks against it, and whom it needs."""

    run: Run
    facts: list[tuple[str, str]]
    warnings: Sequence[str]
    others: Sequence[Run]
    stages: Sequence[StageSpec]
    seal: str
    # The amount that this person may start without this page, from the next time on.
    skippable: Money | None = None


class NotConfirmed(Exception):
    """The person has not seen this yet: `shown`. `changed` says that they saw something else."""

    def __init__(self, shown: Shown, *, changed: bool) -> None:
        super().__init__("This has to be confirmed first.")
        self.shown = shown
        self.changed = changed


def must_be_seen(
    run: Run, draft: Draft, stages: Sequence[StageSpec], warnings: Sequence[str], seen: str | None
) -> None:
    """Raise `NotConfirmed` unless the person has seen this, or needs not. None: nobody sees a page.

    It is needed for what runs at once and moves money: nobody else looks at it. The person may have
    chosen to start small amounts without it. It is always needed for whatever was done a moment
    ago, or has a file that was sent before.
    """
    if seen is None:
        return
    others = _others(run) if run.task.moves_money else []
    unattended = run.task.moves_money and not stages
    if not (warnings or others) and not (unattended and not _is_small(run, draft)):
        return
    shown = _shown(run, draft, stages, warnings, others)
    if shown.seal != seen:
        raise NotConfirmed(shown, changed=bool(seen))


def _is_small(run: Run, draft: Draft) -> bool:
    return needs_no_confirmation(run.requested_by, run.task, draft.form.cleaned_data)


def _others(run: Run) -> list[Run]:
    visible = runs_for(run.requested_by).values("pk")
    return list(open_or_just_ended(run).filter(pk__in=visible)[:LISTED])


def _shown(
    run: Run,
    draft: Draft,
    stages: Sequence[StageSpec],
    warnings: Sequence[str],
    others: Sequence[Run],
) -> Shown:
    facts = parameters.display(parameters.read(draft.registered.function), run.values)
    seal = seal_of(
        {
            # A secret has another reference each time that it is sent.
            "values": {n: v for n, v in run.values.items() if not _is_secret(v)},
            # What may differ until an approved run starts may differ until this one does.
            "preview": [list(row) for row in binding(run.preview)],
            "reason": run.reason,
            "ticket": run.ticket,
            "warnings": list(warnings),
            "others": [str(other.pk) for other in others],
            "stages": [[stage.name, stage.needed, stage.because] for stage in stages],
        }
    )
    ordinary = not (warnings or others or stages)
    skippable = small_amount_of(draft.form.cleaned_data) if ordinary else None
    return Shown(run, facts, warnings, others, stages, seal, skippable)


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and "secret" in value
