"""Writing down under which words a run is found: when it is requested, and when it is over."""

from collections.abc import Iterable, Iterator
from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.search import SearchVectorField
from django.db.models import Func, TextField, Value
from django.db.models.functions import Cast

from tasks.models import OPEN, Run, RunWords
from tasks.outputs.serialization import parts
from tasks.runs.search import words_in

AT_MOST: Final = 200  # runs, each time
AT_ONCE: Final = 20  # in memory: each has a result of up to 4 MB
_READ: Final = (
    "status",
    "headline",
    "ticket",
    "reason",
    "error",
    "preview",
    "output",
    "task__name",
    "requested_by__username",
    "requested_by__first_name",
    "requested_by__last_name",
)


def keep_words(runs: Iterable[Run]) -> None:
    """Write the words of these runs. No history: they can be made anew at any time."""
    RunWords.objects.bulk_create(
        [RunWords(run=run, words=_vector(run), complete=run.status not in OPEN) for run in runs],
        update_conflicts=True,
        unique_fields=["run"],
        update_fields=["words", "complete"],
    )


def complete_words() -> int:
    """Add what ended runs returned; for how many. The worker that ends a run has no time for it."""
    done = 0
    while done < AT_MOST and (runs := _without_result()):
        keep_words(runs)
        done += len(runs)
    return done


def _without_result() -> list[Run]:
    """Some of the ended runs that are not yet found by what they returned, with what is read of them."""
    missing = RunWords.objects.filter(complete=False).values("run")
    over = Run.objects.filter(pk__in=missing).exclude(status__in=OPEN)
    return list(over.select_related("task", "requested_by").only(*_READ)[:AT_ONCE])


def _vector(run: Run) -> Func:
    words = Cast(Value(words_in(_texts(run))), ArrayField(TextField()))
    return Func(words, function="array_to_tsvector", output_field=SearchVectorField())


def _texts(run: Run) -> Iterator[str]:
    person = run.requested_by
    yield from (run.task.name, run.headline, run.ticket, run.reason, str(run.pk))
    yield from (person.get_full_name(), person.get_username(), run.error)
    yield from _strings(run.preview)
    yield from _strings(parts(run.output))


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _strings(each)
        case list():
            for each in value:
                yield from _strings(each)
        case int() | float() if not isinstance(value, bool):
            yield str(value)
