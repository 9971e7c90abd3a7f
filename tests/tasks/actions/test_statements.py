"""What a worker reads of a run is what Django would read, under the same lock."""

import re

import pytest
from django.db import transaction
from django.db.models.functions import Now

from tasks.actions.runs.lifecycle import _TO_BEGIN, _TO_END
from tasks.models import Run
from tasks.runs.states import locked

pytestmark = pytest.mark.django_db


def with_all_that_comes(run):
    """Each value of a run and of the objects beside it, but not the time."""
    values = {name: value for name, value in vars(run).items() if name not in ("_state", "now")}
    joined = run._state.fields_cache
    return values, {
        name: beside and vars(beside) | {"_state": 0} for name, beside in joined.items()
    }


def after_the_columns(query):
    """From which tables, which rows, and which of them are locked."""
    text = query["sql"].split(' FROM "tasks_run" ')[1]
    return re.sub(r"(\(\$\d\)|'\w{32}'::uuid)( LIMIT 21)?", "?", text)


@pytest.fixture(params=["50.00", "150.00"], ids=["without approval", "with approval"])
def run(request, ask):
    """One whose messages have been put in line, and both statements been asked before."""
    run = ask(request.param)
    _TO_BEGIN.first(run=run.pk)
    _TO_END.get(run=run.pk)
    return run


def test_the_claim_reads_what_django_would(run, django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(2) as seen:
        found = _TO_BEGIN.get(run=run.pk)
        wanted = locked(Run.objects.filter(pk=run.pk)).annotate(now=Now()).get()
    assert with_all_that_comes(found) == with_all_that_comes(wanted)
    assert found.now <= wanted.now
    kept, expected = map(after_the_columns, seen.captured_queries)
    assert kept == expected
    assert kept.endswith('WHERE "tasks_run"."id" = ? FOR UPDATE OF "tasks_run"')


def test_the_end_reads_what_django_would(run, django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(2) as seen:
        found = _TO_END.get(run=run.pk)
        runs = Run.objects.select_for_update(of=("self",)).select_related("task", "requested_by")
        wanted = runs.get(pk=run.pk)
    values, joined = with_all_that_comes(found)
    annotated = ("in_doubt", "subscribed", "secret_answers")
    assert [values.pop(name) for name in annotated] == [False] * 3
    assert (values, joined) == with_all_that_comes(wanted)
    kept, expected = map(after_the_columns, seen.captured_queries)
    assert kept == expected
