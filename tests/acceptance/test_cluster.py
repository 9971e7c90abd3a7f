"""The whole story with a real cluster: asked, approved, done once, on record."""

import statistics

import pytest
from django_q.models import OrmQ

from approvals import actions as approvals
from audit.context import Door
from tasks.actions import request_run
from tasks.models import Run, Task
from tests.acceptance.conftest import eventually

pytestmark = [pytest.mark.alone, pytest.mark.django_db(transaction=True)]


def ask(slug, by, **values) -> Run:
    return request_run(
        Task.objects.get(slug=slug).pk,
        requested_by=by,
        door=Door.ADMIN,
        values=values,
        reason="For the story",
    )


def approve(run, by) -> None:
    approvals.decide(
        run.approval_id, decided_by=by, verdict="approve", seal=run.seal, door=Door.ADMIN
    )


def credit(by, amount="150.00") -> Run:
    return ask("cluster-credit", by, amount=amount, amount_currency="USD")


def test_asked_approved_and_done_once(cluster, finished, alice, bob):
    run = credit(alice)
    approve(run, bob)
    finished(run)
    assert run.status == Run.Status.SUCCEEDED
    assert run.output["pairs"] == [["Credited", "150.00 USD"]]
    assert [line.text for line in run.log_lines.all()] == ["Begun"]
    eventually(lambda: not OrmQ.objects.exists())


def test_a_run_of_the_cluster_whose_message_comes_twice_is_done_once(cluster, finished, alice):
    run = credit(alice, "5.00")
    message = OrmQ.objects.first()
    if message:  # the cluster may have been faster
        message.pk = None
        message.save()
    finished(run)
    eventually(lambda: not OrmQ.objects.exists())
    assert run.log_lines.count() == 1


def test_a_run_that_takes_too_long_is_stopped_and_says_so(cluster, finished, alice):
    run = finished(ask("too-slow", alice))
    assert run.status == Run.Status.FAILED
    assert "longer than 1 seconds" in run.error


def test_a_worker_begins_soon_after_the_approval(cluster, finished, alice, bob):
    finished(credit(alice, "1.00"))  # the cluster is up
    waits = []
    for _ in range(20):
        run = credit(alice)
        approve(run, bob)
        finished(run)
        waits.append((run.log_lines.get().at - run.queued_at).total_seconds())
    print(f"approval to first line, median of 20: {statistics.median(waits) * 1000:.0f} ms")  # noqa: T201
    # The aim is 100 ms, see `make bench`; here other tests run beside it.
    assert statistics.median(waits) < 2
