"""What the sentinel makes of what it sees. The processes themselves: tests/acceptance/test_worker.py."""

import signal
from multiprocessing import Value
from types import SimpleNamespace
from uuid import uuid4

import pytest

from tasks.queue import sentinel
from tasks.queue.processes import TO_STOP, Activity, Flag, Moment
from tasks.queue.sentinel import Guard, Result, WatchedBroker, waiting


class Broken(Exception):
    pass


def ago(seconds):
    moment = Moment()
    moment._at.value -= seconds
    return moment


@pytest.fixture
def guard(monkeypatch):
    """A sentinel that looks at queues and processes and has started none."""
    before = {number: signal.getsignal(number) for number in TO_STOP}
    guard = Guard(Flag(), Flag(), uuid4(), WatchedBroker("test"), start=False)
    for number, handler in before.items():
        signal.signal(number, handler)
    guard.pool = [member(), member()]
    guard._flowing = ago(1)

    def broken(why):
        raise Broken(why)

    monkeypatch.setattr(guard, "_broken", broken)
    yield guard
    for queue in (guard.task_queue, guard.result_queue):
        queue.close()
        queue.join_thread()


def member(exitcode=None, timer=-1.0):
    """A worker as its sentinel sees it."""
    shared = Value("f", timer)
    return SimpleNamespace(pid=1, exitcode=exitcode, activity=Activity(shared))


def busy(*members):
    for each in members:
        each.activity.begin()


def last_begun(guard, seconds):
    for each in guard.pool:
        each.activity.began = ago(seconds)


# --- Queues that stall ---------------------------------------------------------------------------


def test_a_quiet_cluster_is_well(guard):
    last_begun(guard, 3600)
    guard.broker.asked.mark()
    assert guard._stuck() == ""


def test_a_message_that_free_workers_do_not_take_is_seen(guard):
    last_begun(guard, 2)
    guard.broker.asked.mark()
    guard.task_queue.put("message")
    assert "waited in memory" in guard._stuck()


def test_a_message_waits_rightly_while_all_are_busy(guard):
    guard.broker.asked.mark()
    guard.task_queue.put("message")
    busy(*guard.pool)
    last_begun(guard, 2)
    assert guard._stuck() == ""


def test_a_message_waits_rightly_while_others_begin(guard):
    guard.broker.asked.mark()
    guard.task_queue.put("message")
    last_begun(guard, 2)
    guard.pool[1].activity.began.mark()
    assert guard._stuck() == ""


def test_a_pusher_that_asks_for_nothing_is_seen(guard):
    guard.broker.asked = ago(2)
    assert "no messages were fetched" in guard._stuck()


def test_a_pusher_waits_rightly_while_all_are_busy(guard):
    guard.broker.asked = ago(2)
    busy(*guard.pool)
    assert guard._stuck() == ""


def test_results_that_nobody_acknowledges_are_seen_also_while_all_are_busy(guard):
    guard.broker.acknowledged = ago(2)
    guard.result_queue.put("result")
    busy(*guard.pool)
    assert "none was acknowledged" in guard._stuck()


def test_results_wait_rightly_while_others_are_acknowledged(guard):
    guard.broker.asked.mark()
    guard.broker.acknowledged.mark()
    guard.result_queue.put("result")
    assert guard._stuck() == ""


def test_a_moment_without_movement_is_no_reason_to_end(guard):
    guard.broker.asked = ago(2)
    guard._look_after_queues()
    assert guard._flowing.age >= 1


def test_a_minute_without_movement_ends_the_cluster(guard):
    guard._flowing, guard.broker.asked = ago(61), ago(62)
    with pytest.raises(Broken, match="no messages were fetched"):
        guard._look_after_queues()


def test_what_flows_again_is_forgiven(guard):
    guard._flowing = ago(61)
    guard.broker.asked.mark()
    guard._look_after_queues()
    assert guard._flowing.age < 1


def test_a_queue_can_be_looked_into_while_a_dead_process_holds_its_lock(guard):
    """Its own qsize() would wait for ever."""
    guard.task_queue.put("message")
    guard.task_queue.size.count.get_lock().acquire()
    assert waiting(guard.task_queue)
    guard.task_queue.size.count.get_lock().release()


# --- Workers -------------------------------------------------------------------------------------


def test_a_worker_killed_between_two_tasks_may_hold_a_queue(guard):
    assert guard._left_locked(member(exitcode=-9))


def test_a_worker_killed_in_a_task_holds_none(guard):
    killed = member(exitcode=-9, timer=60.0)
    busy(killed)
    assert guard._left_locked(killed) == ""


def test_a_worker_killed_in_a_task_may_have_been_writing_the_result_before(guard):
    killed = member(exitcode=-9, timer=60.0)
    busy(killed)
    guard.result_queue._wlock.acquire()
    assert "wrote a result" in guard._left_locked(killed)
    guard.result_queue._wlock.release()


def test_a_worker_that_ends_in_order_holds_none(guard):
    guard.result_queue._wlock.acquire()
    assert guard._left_locked(member(exitcode=0)) == ""
    guard.result_queue._wlock.release()


def test_a_worker_that_is_replaced_after_its_last_task_leaves(guard):
    assert member(timer=-2.0).activity.leaving
    assert member(timer=0.0).activity.leaving
    assert not member(timer=-1.0).activity.leaving


@pytest.mark.parametrize(
    ("timer", "since", "overdue"),
    [(5.0, 4, False), (5.0, 6, True), (-1.0, 10**6, False)],
)
def test_time_outs_go_by_the_clock(timer, since, overdue):
    """A guard whose round takes long, as with a slow database, does not count it as one cycle."""
    activity = member(timer=timer).activity
    activity.begin()
    activity.began = ago(since)
    assert activity.overdue is overdue


def test_a_worker_without_a_task_is_never_overdue():
    activity = member(timer=5.0).activity
    activity.began = ago(100)
    activity.end()
    assert not activity.overdue


# --- The wish to stop ----------------------------------------------------------------------------


def test_a_flag_is_raised_for_good():
    flag = Flag()
    assert not flag.is_set()
    assert not flag.wait(0)
    flag.set()
    assert flag.is_set()
    assert flag.wait(0)


def test_the_results_that_ask_for_a_new_start_differ_from_the_one_that_does_not():
    assert [Result.STOPPED, Result.BROKEN, Result.CUT_OFF] == [0, 70, 75]
    assert sentinel.STALLED > sentinel.FLUSH
