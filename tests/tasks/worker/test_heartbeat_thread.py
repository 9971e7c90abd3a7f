"""One thread for many hearts: it beats for the one that is there, and for none that is over."""

import threading

import pytest
from django.db import connection

from tasks.worker.heartbeat_thread import BEATS_EVERY, start_heartbeat
from tests.acceptance.conftest import eventually

SOON = 10 * BEATS_EVERY


class Beats:
    """Says when it beats, and does something then."""

    def __init__(self, act=lambda: None):
        self.act, self.beaten, self.number = act, threading.Event(), 0

    def beat(self):
        self.number += 1
        self.beaten.set()
        self.act()
        return BEATS_EVERY


def test_a_heart_beats_within_a_second_and_again():
    heartbeat = Beats()
    thread = start_heartbeat(heartbeat)
    assert heartbeat.beaten.wait(SOON)
    heartbeat.beaten.clear()
    assert heartbeat.beaten.wait(SOON)
    thread.end()


def test_it_beats_at_once_when_it_is_woken():
    heartbeat = Beats()
    thread = start_heartbeat(heartbeat)
    for _ in range(50):  # in far less than 50 seconds
        thread.awake.set()
        assert heartbeat.beaten.wait(BEATS_EVERY / 2)
        heartbeat.beaten.clear()
    thread.end()


def test_one_thread_serves_those_that_follow_each_other():
    served = set()
    for _ in range(20):
        thread = start_heartbeat(Beats())
        served.add(thread)
        thread.end()
    assert len(served) <= 2  # it may end in the middle, after a second without a heartbeat


def test_each_thread_that_works_has_its_own():
    def work():
        thread = start_heartbeat(heartbeat)
        assert heartbeat.beaten.wait(SOON)
        thread.end()

    mine, heartbeat = Beats(), Beats()
    thread = start_heartbeat(mine)
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    mine.beaten.clear()
    assert mine.beaten.wait(SOON)
    thread.end()


def test_the_end_waits_for_the_beat_that_goes_on_and_no_other_comes():
    go_on, over = threading.Event(), threading.Event()
    heartbeat = Beats(go_on.wait)
    thread = start_heartbeat(heartbeat)
    assert heartbeat.beaten.wait(SOON)
    ending = threading.Thread(target=lambda: (thread.end(), over.set()))
    ending.start()
    assert not over.wait(0.1)
    go_on.set()
    assert over.wait(SOON)
    ending.join()
    number = heartbeat.number
    thread.awake.set()
    thread._thread.join()
    assert heartbeat.number == number


def test_it_ends_without_a_heart_and_another_one_begins():
    thread = start_heartbeat(Beats())
    thread.end()
    thread._thread.join(SOON)
    assert not thread._thread.is_alive()
    heartbeat = Beats()
    another = start_heartbeat(heartbeat)
    assert another is not thread
    assert heartbeat.beaten.wait(SOON)
    another.end()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_heart_that_breaks_does_not_take_the_next_one_with_it():
    def breaks():
        raise RuntimeError("On purpose")

    broken = start_heartbeat(Beats(breaks))
    broken._thread.join(SOON)
    broken.end()
    heartbeat = Beats()
    thread = start_heartbeat(heartbeat)
    assert heartbeat.beaten.wait(SOON)
    thread.end()


@pytest.mark.django_db(transaction=True)
def test_its_connection_is_closed_at_the_end():
    seen = []

    def ask():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            seen.append(cursor.fetchone()[0])

    thread = start_heartbeat(Beats(ask))
    eventually(lambda: seen)
    thread.end()

    def is_there():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", seen[:1])
            return cursor.fetchone()

    eventually(lambda: not is_there())
