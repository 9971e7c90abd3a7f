"""Claims, decisions and cancellations at the same instant. Attack 5."""

import pytest
from django_q.models import OrmQ

from audit.context import Door
from tasks.actions import cancel_run, start_run
from tasks.models import Run
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 20


def claim(run):
    return start_run(run.pk, worker="test:1", door=Door.WORKER)


def test_two_workers_claim_a_run_once(ask):
    for _ in range(ROUNDS):
        run = ask("50.00")
        claims = at_once(lambda r=run: claim(r), lambda r=run: claim(r))
        assert sorted(c is None for c in claims) == [False, True]


def test_a_run_is_either_cancelled_or_claimed(ask, alice):
    for _ in range(ROUNDS):
        run = ask("50.00")
        _, claimed = at_once(
            lambda r=run: cancel_run(r.pk, by=alice, door=Door.ADMIN), lambda r=run: claim(r)
        )
        run.refresh_from_db()
        assert run.status == (Run.Status.RUNNING if claimed else Run.Status.CANCELLED)


def test_two_approvals_at_the_same_instant_release_exactly_one_run(ask, approve, bob, carol, task):
    for round_ in range(ROUNDS):
        run = ask("150.00")
        mine, hers = Run.objects.get(pk=run.pk), Run.objects.get(pk=run.pk)
        at_once(lambda r=mine: approve(r, bob), lambda r=hers: approve(r, carol))
        run.refresh_from_db()
        assert run.status == Run.Status.QUEUED
        assert OrmQ.objects.count() == round_ + 1
