"""A run that does not stop when it is asked to is stopped by force, and says what that means."""

import pytest

from audit.context import Door
from tasks.actions import cancel_run, recover_lost_runs
from tasks.models import Run
from tests.acceptance.conftest import LONG, eventually, worker_of
from tests.acceptance.supervised import miss_the_dead
from tests.acceptance.test_cluster import ask
from tests.acceptance.test_killed import (  # noqa: F401 - fixtures
    MODULE,
    REFUNDS,
    asked,
    double,
    may_refund,
)

pytestmark = [pytest.mark.alone, pytest.mark.django_db(transaction=True)]
GRACE = {"CANCEL_GRACE_SECONDS": "1"}
OPERATIONS = "tests.acceptance.operations"


@pytest.fixture
def stop(alice):
    """Asks a run that has begun to stop."""

    def ask_to_stop(run: Run) -> None:
        cancel_run(run.pk, by=alice, door=Door.ADMIN)

    return ask_to_stop


def begun(run: Run) -> bool:
    return run.log_lines.filter(text="Begun").exists()


def test_a_loop_that_never_looks_is_stopped(operations, tmp_path, finished, stop, alice):
    with worker_of(OPERATIONS, tmp_path, **GRACE):
        run = ask("deaf", alice)
        eventually(lambda: begun(run))
        stop(run)
        assert finished(run).status == Run.Status.CANCELLED
        assert "ended by force. What was done by then stays done." in run.error
        # The worker goes on with others.
        credit = ask("cluster-credit", alice, amount="1.00", amount_currency="USD")
        assert finished(credit).status == Run.Status.SUCCEEDED


@pytest.mark.parametrize("when", ["hang_before", "hang_after"])
def test_a_call_without_an_answer_is_cut_off_and_left_to_a_person(
    may_refund,  # noqa: F811
    double,  # noqa: F811
    asked,  # noqa: F811
    tmp_path,
    finished,
    stop,
    when,
):
    stripe = {"STRIPE_API_KEY": "sk_test_double", "STRIPE_API_BASE": double.url}
    with worker_of(MODULE, tmp_path, **GRACE, **stripe):
        fault = double.fault(when, method="POST", path=REFUNDS)
        run = asked()
        double.wait_for_requests(1, path=REFUNDS, timeout=LONG)
        eventually(lambda: bool(double.effects("refund")) is (when == "hang_after"))
        stop(run)
        assert finished(run).status == Run.Status.UNCERTAIN
        assert "ended by force" in run.error
        assert "A step was sent and had no answer." in run.error
        fault.release()


def test_what_swallows_everything_ends_by_its_time_out(operations, tmp_path, stop, alice):
    with worker_of(OPERATIONS, tmp_path, **GRACE):
        run = ask("deaf-to-everything", alice)
        eventually(lambda: begun(run))
        stop(run)
        eventually(lambda: run.log_lines.filter(text="Went on").exists())

        def is_lost() -> bool:
            run.refresh_from_db()
            miss_the_dead(run)
            return bool(recover_lost_runs(door=Door.SCHEDULE))

        eventually(is_lost)
    run.refresh_from_db()
    assert run.status == Run.Status.UNCERTAIN
    assert run.log_lines.filter(text="Went on").exists()
