"""One thread for many hearts: it beats for the one that is there, and for none that is over."""

import threading

import pytest
from django.db import connection

from tasks.worker.heartbeat_thread import BEATS_EVERY, pace
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
    heart = Beats()
    pacemaker = pace(heart)
    assert heart.beaten.wait(SOON)
    heart.beaten.clear()
    assert heart.beaten.wait(SOON)
    pacemaker.end()


def test_it_beats_at_once_when_it_is_woken():
    heart = Beats()
    pacemaker = pace(heart)
    for _ in range(50):  # in far less than 50 seconds
        pacemaker.awake.set()
        assert heart.beaten.wait(BEATS_EVERY / 2)
        heart.beaten.clear()
    pacemaker.end()


def test_one_thread_serves_those_that_follow_each_other():
    served = set()
    for _ in range(20):
        pacemaker = pace(Beats())
        served.add(pacemaker)
        pacemaker.end()
    assert len(served) <= 2  # it may end in the middle, after a second without a heart


def test_each_thread_that_works_has_its_own():
    def work():
        pacemaker = pace(heart)
        assert heart.beaten.wait(SOON)
        pacemaker.end()

    mine, heart = Beats(), Beats()
    pacemaker = pace(mine)
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    mine.beaten.clear()
    assert mine.beaten.wait(SOON)
    pacemaker.end()


def test_the_end_waits_for_the_beat_that_goes_on_and_no_other_comes():
    go_on, over = threading.Event(), threading.Event()
    heart = Beats(go_on.wait)
    pacemaker = pace(heart)
    assert heart.beaten.wait(SOON)
    ending = threading.Thread(target=lambda: (pacemaker.end(), over.set()))
    ending.start()
    assert not over.wait(0.1)
    go_on.set()
    assert over.wait(SOON)
    ending.join()
    number = heart.number
    pacemaker.awake.set()
    pacemaker._thread.join()
    assert heart.number == number


def test_it_ends_without_a_heart_and_another_one_begins():
    pacemaker = pace(Beats())
    pacemaker.end()
    pacemaker._thread.join(SOON)
    assert not pacemaker._thread.is_alive()
    heart = Beats()
    another = pace(heart)
    assert another is not pacemaker
    assert heart.beaten.wait(SOON)
    another.end()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_heart_that_breaks_does_not_take_the_next_one_with_it():
    def breaks():
        raise RuntimeError("On purpose")

    broken = pace(Beats(breaks))
    broken._thread.join(SOON)
    broken.end()
    heart = Beats()
    pacemaker = pace(heart)
    assert heart.beaten.wait(SOON)
    pacemaker.end()


@pytest.mark.django_db(transaction=True)
def test_its_connection_is_closed_at_the_end():
    seen = []

    def ask():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            seen.append(cursor.fetchone()[0])

    pacemaker = pace(Beats(ask))
    eventually(lambda: seen)
    pacemaker.end()

    def is_there():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", seen[:1])
            return cursor.fetchone()

    eventually(lambda: not is_there())
