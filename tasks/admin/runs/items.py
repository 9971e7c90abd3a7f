"""What became of the items of a run that has many: a few on its page, all of them on one of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_POST, require_safe

from audit.actions import record
from audit.admin.base import CappedPaginator
from audit.admin.pages import page, person_of
from audit.context import Door
from audit.history.export import csv_response
from audit.models import Event
from tasks.admin.pages import run_or_404
from tasks.admin.rows import Given, given_to
from tasks.models import Effect, Run
from tasks.outputs import text_of
from tasks.runs.texts import item_state, tone_of_item

PER_PAGE = 100
FEW = 10  # on the run's own page: those that a person has to look at
State = Effect.State


@dataclass(frozen=True, slots=True)
class SumKey:
    """How many items are in one state."""

    state: str
    label: str
    tone: str
    count: int


def sum_keys_of(run: Run) -> list[SumKey]:
    """How many items there are in each state that occurs. Empty for a run without items."""
    counts = run.effects.sum_key()
    return [
        SumKey(state.value, item_state(state, run), tone_of_item(state, run), counts[state])
        for state in State
        if state in counts
    ]


def to_look_at(run: Run) -> list[Effect]:
    """The first items that were refused or had no answer."""
    return list(run.effects.items(State.REFUSED, State.OPEN)[:FEW])


@require_safe
def items(request: HttpRequest, pk: UUID) -> HttpResponse:
    """All items of a run, or those in one state."""
    run = run_or_404(request, pk)
    asked = request.GET.get("state", "")
    chosen = asked if asked in State.values else ""
    found = run.effects.items(chosen) if chosen else run.effects.items()
    return page(
        request,
        "tasks/items.html",
        title=run.task.name,
        subtitle=run.headline,
        run=run,
        chosen=chosen,
        sum_keys=sum_keys_of(run),
        items=CappedPaginator(found, PER_PAGE).get_page(request.GET.get("page")),
    )


@require_POST
def export(request: HttpRequest, pk: UUID) -> StreamingHttpResponse:
    """A receipt for each item, as a file."""
    run = run_or_404(request, pk)
    person, what = person_of(request), {"what": "items"}
    record(Event.Verb.EXPORTED, by=person, door=Door.ADMIN, subject=run, data=what)
    given = given_to(run)
    header = [*_HEADER, *(f"given_{name}" for each in given for name in each.header)]
    name = f"{run.task.slug}-{str(run.pk)[:8]}-items.csv"
    return csv_response(name, header, _lines(run, given))


_HEADER = (
    "number",
    "item",
    "state",
    "error",
    "sent_utc",
    "answered_utc",
    "key",
    "answer",
    "amount",
    "currency",
)


def _lines(run: Run, given: Sequence[Given]) -> Iterator[Sequence[object]]:
    for item in run.effects.items().iterator():
        yield (
            item.position, item.label, State(item.state).label,  # type: ignore[attr-defined]
            item.error, item.sent_at,
            item.answered_at, item.key, _as_text(item.answer), item.amount, item.currency,
            *(cell for each in given for cell in _row_of(item, each)),
        )  # fmt: skip


def _row_of(item: Effect, given: Given) -> list[str]:
    """The row that an item was made from, if its key is that of one."""
    key = item.step.partition(":")[2]
    return given.cells.get(key, [""] * len(given.header))


def _as_text(answer: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(answer, dict):
        return ", ".join(f"{name}: {text_of(value)}" for name, value in answer.items())
    return text_of(answer)
