"""Code that may not reach anything outside, and everybody else who still may."""

import contextvars
import socket
import subprocess
import sys
import threading
from contextlib import suppress

import pytest
import requests
from django.db import connection

from tasks.declaration.offline import WentOnline, offline
from tests.doubles.stripe import StripeDouble


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


def test_a_connection_is_refused(listener):
    with (
        socket.socket() as ours,
        pytest.raises(WentOnline, match=r"socket\.connect"),
        offline(),
    ):
        ours.connect(listener)


def test_a_name_is_not_looked_up():
    with pytest.raises(WentOnline, match="getaddrinfo"), offline():
        socket.getaddrinfo("example.invalid", 443)


def test_a_datagram_is_refused(listener):
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        pytest.raises(WentOnline),
        offline(),
    ):
        sender.sendto(b"hello", listener)


def test_no_other_process_is_started():
    with pytest.raises(WentOnline), offline():
        subprocess.run([sys.executable, "--version"], check=False)


def test_what_was_caught_is_raised_at_the_end(listener):
    with pytest.raises(WentOnline), offline(), suppress(WentOnline):
        socket.create_connection(listener)


def test_what_was_made_another_error_is_raised_as_what_it_is(listener):
    def say_something_else():
        try:
            socket.create_connection(listener)
        except WentOnline as error:
            raise ValueError("Try later.") from error

    with pytest.raises(WentOnline) as raised, offline():
        say_something_else()
    assert isinstance(raised.value.__cause__, ValueError)


def test_other_errors_pass():
    with pytest.raises(ValueError, match="mine"), offline():
        raise ValueError("mine")


def test_an_open_connection_is_not_used_again():
    with StripeDouble() as double, requests.Session() as session:
        session.get(double.url)
        before = len(double.requests)
        with pytest.raises(WentOnline, match=r"http\.client\.send"), offline():
            session.get(double.url)
        assert len(double.requests) == before


def test_afterwards_connections_are_made_again(listener):
    with suppress(WentOnline), offline():
        socket.create_connection(listener)
    socket.create_connection(listener).close()


def test_another_thread_connects_meanwhile(listener):
    entered, connected = threading.Event(), threading.Event()

    def connect():
        entered.wait(10)
        socket.create_connection(listener).close()
        connected.set()

    # With a context of its own, as the threads of a web server have.
    thread = threading.Thread(target=contextvars.Context().run, args=(connect,))
    thread.start()
    with offline():
        entered.set()
        assert connected.wait(10)
    thread.join()


@pytest.mark.django_db
def test_the_database_is_at_hand():
    with offline(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
