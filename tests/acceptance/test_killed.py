"""A worker dies by kill -9 in the middle of a refund: the money moves once. S8; promises 1 and 2."""

import os
import signal

import pytest

from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import recover_lost_runs, request_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import registry
from tasks.models import Effect, Run, Task
from tasks.sync import sync_tasks
from tests.acceptance.conftest import LONG, eventually, worker_of
from tests.acceptance.supervised import miss_the_dead
from tests.doubles.stripe import StripeDouble

pytestmark = [pytest.mark.alone, pytest.mark.django_db(transaction=True)]
MODULE = "tests.acceptance.refunds"
REFUNDS = "/v1/refunds"


@pytest.fixture
def double():
    with StripeDouble() as running:
        running.seed_customer(id="cus_1")
        running.seed_payment(id="pi_danger0001", amount=10_000, customer="cus_1")
        yield running


@pytest.fixture
def may_refund(transactional_db, alice):
    registry.load([MODULE])
    sync_tasks()
    set_right(Task.objects.get(slug="refund-in-danger"), Right.EXECUTE, to=alice)


@pytest.fixture
def workers(may_refund, double, tmp_path):
    stripe = {"STRIPE_API_KEY": "sk_test_double", "STRIPE_API_BASE": double.url}
    with worker_of(MODULE, tmp_path, **stripe) as process:
        yield process


@pytest.fixture
def asked(may_refund, alice):
    def ask() -> Run:
        return request_run(
            Task.objects.get(slug="refund-in-danger").pk,
            requested_by=alice,
            door=Door.ADMIN,
            values={"payment": "pi_danger0001", "amount": "25.00"},
        )

    return ask


@pytest.mark.parametrize(("when", "moved_before"), [("hang_before", False), ("hang_after", True)])
def test_the_money_moves_once(workers, asked, double, when, moved_before):
    fault = double.fault(when, method="POST", path=REFUNDS)
    run = asked()
    double.wait_for_requests(1, path=REFUNDS, timeout=LONG)
    eventually(lambda: bool(double.effects("refund")) is moved_before)
    run.refresh_from_db()

    os.kill(int(run.worker.rpartition(":")[2]), signal.SIGKILL)
    fault.release()

    def is_over() -> bool:
        run.refresh_from_db()
        miss_the_dead(run)
        recover_lost_runs(door=Door.SCHEDULE)  # as the sweep does each minute
        run.refresh_from_db()
        return run.is_over

    eventually(is_over)
    assert (run.status, run.attempt) == (Run.Status.SUCCEEDED, 2)
    (effect,) = double.effects("refund")
    assert effect["idempotency_key"] == Effect.objects.get().key
    assert run.output["pairs"] == [["Refund", effect["id"]]]
