"""`manage.py worker` when its processes are killed. Each test names the fault that it covers.

The tests at the end show with django-q2's own `qcluster` that the faults are there.
"""

import os
import signal
import time
from contextlib import contextmanager
from uuid import uuid4

import psutil  # type: ignore[import-untyped]
import pytest
from django.conf import settings
from django.db import connection, transaction
from django_q.models import OrmQ

from tasks.models import Run, Sign
from tasks.queue.messages import enqueue_run
from tasks.queue.sentinel import Result
from tests.acceptance.conftest import MODULE, eventually, url_of_the_database
from tests.acceptance.supervised import Service
from tests.acceptance.test_cluster import ask, credit

pytestmark = [pytest.mark.alone, pytest.mark.django_db(transaction=True)]
SOON = 20.0  # seconds: less than what anything that goes on is waited for
BOUND = 3.0  # seconds after which a stock cluster counts as hanging


@pytest.fixture
def start(operations, tmp_path):
    services = []

    def start_it(command="worker", workers=2, **environment):
        folder = tmp_path / str(len(services))
        folder.mkdir()
        surroundings = os.environ | {
            "DATABASE_URL": url_of_the_database(),
            "TASK_MODULES": ",".join([*settings.TASK_MODULES, MODULE]),
            "WORKERS": str(workers),
        }
        service = Service(command, surroundings | environment, folder)
        services.append(service)
        service.ready()
        return service

    yield start_it
    for service in services:
        service.clear()


@pytest.fixture
def gate(tmp_path):
    return tmp_path / "gate"


def begun(run):
    return run.log_lines.filter(text="Begun").count()


def hold(alice, gate):
    """A run that is going on, until the gate is there."""
    run = ask("held", alice, gate=str(gate))
    eventually(lambda: begun(run))
    run.refresh_from_db()
    return run


def all_acknowledged():
    return not OrmQ.objects.exists()


# --- Killed --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "role",
    [
        "worker",  # with the lock of the queue: nobody reads it any more (E02)
        "monitor",  # results are never read, each task comes again for ever (E18)
        "pusher",  # may have half a message in the pipe
        "sentinel",  # orphans without guard; the main process ends with 0 (E04)
    ],
)
def test_after_any_idle_process_is_killed_its_lane_starts_anew(start, finished, alice, role):
    service = start()
    before = finished(credit(alice, "1.00"))
    eventually(all_acknowledged)
    service.kill(role)
    service.says("cluster of runs ended with")
    eventually(lambda: not service.left_of_runs())
    after = finished(credit(alice, "2.00"))
    assert [begun(before), begun(after)] == [1, 1]
    eventually(all_acknowledged)
    assert "cluster of messages ended" not in service.log.read_text()
    assert service.results == []
    assert service.end() == 0


def test_after_the_main_process_is_killed_the_service_works_again(start, finished, alice):
    """Stock leaves orphans that go on beside the next cluster. (E04)"""
    service = start()
    service.kill("main")
    eventually(lambda: service.results == [-signal.SIGKILL])
    eventually(lambda: not service.left())
    assert begun(finished(credit(alice, "1.00"))) == 1


def test_a_cluster_that_breaks_again_and_again_ends_for_whoever_supervises_it(start):
    service = start()
    for number in range(1, 4):
        eventually(lambda number=number: len(service.pids("pusher")) >= number)
        os.kill(service.pids("pusher")[-1], signal.SIGKILL)
    eventually(lambda: service.results == [Result.BROKEN])


def test_a_worker_that_cannot_claim_is_replaced(start, finished, alice):
    """Its processes live and look well. Here the table of the runs is not to be found."""
    service = start(workers=1)
    finished(credit(alice, "1.00"))
    with renamed("tasks_run"):
        for _ in range(2):
            with transaction.atomic():
                enqueue_run(uuid4(), timeout=60)
        service.says("2 claims failed in a row")
        service.says("ended with 70 in a task")
    finished(credit(alice, "2.00"))
    assert Sign.objects.filter(name=Sign.Name.REPLACED).exists()
    assert service.results == []


@contextmanager
def renamed(table):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")


def test_a_killed_busy_worker_is_replaced_and_its_run_does_not_begin_again(
    start, finished, alice, gate
):
    """Stock delivers the message again, and a task that trusts messages is done twice. (E01)"""
    service = start()
    lost = hold(alice, gate)
    os.kill(int(lost.worker.rpartition(":")[2]), signal.SIGKILL)
    service.says("ended with -9 in a task")
    others = [finished(credit(alice, "1.00")) for _ in range(4)]
    assert [begun(run) for run in (lost, *others)] == [1] * 5
    assert service.results == []


@pytest.mark.parametrize("role", ["main", "sentinel", "monitor", "pusher"])
def test_a_run_that_goes_on_dies_with_its_cluster(start, alice, gate, role):
    """Stock leaves the worker at work with nobody to end it in time. (E04)"""
    service = start()
    run = hold(alice, gate)
    service.kill(role)
    left = service.left if role == "main" else service.left_of_runs
    eventually(lambda: not left())
    assert begun(run) == 1


def test_what_is_asked_for_while_nobody_works_is_done_by_the_next(start, finished, alice):
    service = start()
    service.kill("sentinel")
    runs = [credit(alice, "1.00") for _ in range(3)]
    assert [begun(finished(run)) for run in runs] == [1, 1, 1]
    assert service.end() == 0


def test_a_cluster_that_starts_looks_for_what_was_lost(start, finished, alice):
    """Stock looks for schedules after half a minute."""
    Sign.objects.create(name=Sign.Name.SWEEP)
    run = credit(alice, "1.00")
    OrmQ.objects.all().delete()
    Run.objects.filter(pk=run.pk).update(rung_at=None)
    start()
    assert begun(finished(run)) == 1


def test_two_clusters_do_each_run_once(start, finished, alice):
    start(), start()
    runs = [credit(alice, "1.00") for _ in range(20)]
    assert [begun(finished(run)) for run in runs] == [1] * 20
    eventually(all_acknowledged)


# --- Time-outs -----------------------------------------------------------------------------------


def test_a_run_that_does_not_let_itself_be_stopped_costs_its_worker_only(start, finished, alice):
    """Stock counts rounds of its guard, which other work makes longer, and keeps no record. (E06)"""
    service = start()
    run = ask("stubborn", alice)
    service.says("did not stop its task in time")
    finished(credit(alice, "1.00"))
    assert begun(run) == 1
    assert service.results == []


# --- Stopped -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_lets_what_has_begun_finish(
    start, finished, alice, gate, number
):
    """Stock dies in the middle of its runs, and its main process hangs, 18 times of 20. (#346, E05b)"""
    service = start()
    run = hold(alice, gate)
    os.killpg(service.main.pid, number)
    service.says("stopping")
    time.sleep(0.5)  # in which nothing must happen
    assert service.results == []
    gate.touch()
    assert service.end(number) == 0
    assert finished(run).status == Run.Status.SUCCEEDED
    assert begun(run) == 1
    assert service.left() == []


def test_an_idle_cluster_stops_soon(start):
    service = start()
    begun_at = time.monotonic()
    assert service.end() == 0
    assert time.monotonic() - begun_at < SOON
    assert service.left() == []


def test_a_run_that_outlasts_the_stop_is_cut_off(start, alice, gate):
    """Stock waits for its workers without an end. (E05)"""
    service = start(WORKER_STOP_SECONDS="1")
    hold(alice, gate)
    assert service.end(within=40) == Result.CUT_OFF  # less than the task itself may take
    eventually(lambda: not service.left())


# --- The same with django-q2's own cluster -------------------------------------------------------


def test_fault_a_killed_idle_worker_stops_a_stock_cluster_for_ever(start, alice):
    """E02. It is replaced, everybody is alive, and nothing is done; nor does it stop."""
    service = start("qcluster", workers=1)
    service.kill("worker")
    service.says("after death")
    run = credit(alice, "1.00")
    time.sleep(BOUND)
    assert begun(run) == 0
    service.main.terminate()
    with pytest.raises(psutil.TimeoutExpired):
        psutil.Process(service.main.pid).wait(BOUND)


def test_fault_a_killed_monitor_leaves_a_stock_cluster_that_acknowledges_nothing(
    start, finished, alice
):
    """E18. The message comes again after each `retry`, for ever."""
    service = start("qcluster")
    service.kill("monitor")
    service.says("reincarnated monitor")
    finished(credit(alice, "1.00"))
    time.sleep(BOUND)
    assert OrmQ.objects.count() == 1
    assert service.results == []


def test_fault_a_killed_main_process_leaves_the_stock_children_at_work(start, finished, alice):
    """E04. Here they do the run before the new cluster is up."""
    service = start("qcluster")
    workers = service.pids("worker")
    service._ending = True  # no new cluster
    service.kill("main")
    run = finished(credit(alice, "1.00"))
    assert int(run.worker.rpartition(":")[2]) in workers
