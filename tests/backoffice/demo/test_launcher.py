"""`make demo` as a whole: it is started here as a program of its own, and stopped as people stop it."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import psutil  # type: ignore[import-untyped]
import pytest

from backoffice.demo.data_folder import ROOT
from backoffice.demo.mode import LOGINS, PASSWORD
from tests.backoffice.conftest import dead

pytestmark = pytest.mark.alone
START_LIMIT = 600.0  # seconds, on a machine that has much else to do


def environment(folder, port="0"):
    """Of a person at a terminal, not of these tests."""
    ours = ("DATABASE_URL", "DATABASE_OWNER_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    return env | {"BACKOFFICE_DATA": str(folder), "PORT": port}


COMMAND = [sys.executable, "-m", "backoffice.demo"]


class Running:
    """A demo that answers. `words` is what it has said up to then."""

    def __init__(self, folder):
        self.process = subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.words = self._until("Ctrl-C stops everything")
        ready = re.search(r"^Ready: http://(\S+)/$", self.words, re.MULTILINE)
        assert ready
        self.address = ready[1]
        postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.programs = [*children, psutil.Process(postmaster)]

    def _until(self, text):
        too_late = threading.Timer(START_LIMIT, self.process.kill)
        too_late.start()
        said = []
        for line in self.process.stdout or ():
            said.append(line)
            if text in line:
                break
        too_late.cancel()
        assert self.process.poll() is None, "".join(said)
        return "".join(said)

    def get(self, path):
        connection = http.client.HTTPConnection(self.address, timeout=120)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        return status

    def ended(self):
        """Its result and what it said last."""
        words, _ = self.process.communicate(timeout=180)
        return self.process.returncode, words

    def stop(self, number):
        self.process.send_signal(number)
        return self.ended()

    def left(self):
        return [program for program in self.programs if not dead(program)]

    def worker(self):
        return next(program for program in self.programs if "worker" in words_of(program))


def words_of(program):
    """Of its command line. None of one that has ended by now, as helpers of the database do."""
    with suppress(psutil.NoSuchProcess):
        return program.cmdline()
    return []


def roles(program):
    return {"worker", "gunicorn"}.intersection(words_of(program))


@contextmanager
def running(folder):
    demo = Running(folder)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.stop(signal.SIGTERM)


def another(folder, *arguments, port="0"):
    env = environment(folder, port)
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, env=env, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def first(folder):
    """A demo in an empty folder, looked at while it ran, and ended with Ctrl-C."""
    with running(folder) as demo:
        demo.page = demo.get("/login/")
        demo.at_work = set().union(*(roles(program) for program in demo.programs))
        demo.addresses = [program.environ() for program in demo.programs if roles(program)]
        demo.beside_it = another(folder)
        demo.reset_beside_it = another(folder, "--reset")
        demo.result, demo.last_words = demo.stop(signal.SIGINT)
    return demo


@pytest.fixture(scope="module")
def second(folder, first):
    """The next one on the same data, whose worker gets killed."""
    with running(folder) as demo:
        demo.worker().kill()
        demo.result, demo.last_words = demo.ended()
    return demo


def test_it_shows_each_step_with_its_seconds(first):
    assert len(re.findall(r"^  \w.* \.+ \d+\.\d s$", first.words, re.MULTILINE)) == 6


def test_it_says_who_can_log_in(first):
    assert all(re.search(rf"\b{login.name} +{login.role}", first.words) for login in LOGINS)
    assert PASSWORD in first.words


def test_it_answers_when_it_says_so(first):
    assert first.page == 200


def test_web_server_and_worker_do_not_have_the_address_of_the_owner(first):
    # One of each at least: how many processes a worker has started by then is luck.
    assert first.at_work == {"worker", "gunicorn"}
    assert all("backoffice_app" in env["DATABASE_URL"] for env in first.addresses)
    assert not any("DATABASE_OWNER_URL" in env for env in first.addresses)


def test_ctrl_c_is_no_failure(first):
    assert first.result == 0
    assert "The data are kept" in first.last_words


def test_after_ctrl_c_no_program_is_left(first):
    assert len(first.programs) >= 3
    assert first.left() == []


def test_a_second_demo_on_the_same_data_is_refused(first):
    result, words = first.beside_it
    assert result == 1
    assert "in use already" in words
    assert "Traceback" not in words


def test_the_data_of_a_running_demo_are_not_removed(first):
    result, words = first.reset_beside_it
    assert result == 1
    assert "in use already" in words


def test_the_next_demo_goes_on_with_the_data(second, folder):
    assert "People: there already" in (folder / "log" / "load_demo.log").read_text()


def test_a_worker_that_dies_ends_everything(second):
    assert second.result == 1
    assert second.left() == []


def test_the_program_that_died_is_named(second):
    assert "Worker was killed by signal 9. The end of" in second.last_words


def test_a_reset_removes_the_data(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "stripe.json").touch()
    result, _ = another(tmp_path, "--reset")
    assert result == 0
    assert not {"postgres", "stripe.json"} & {file.name for file in tmp_path.iterdir()}


@pytest.fixture
def taken():
    """A port on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


def test_a_port_in_use_is_one_sentence(tmp_path, taken):
    result, words = another(tmp_path, port=taken)
    assert result == 1
    assert words.strip().startswith(f"Port {taken} cannot be used (Address already in use)")


def test_a_port_that_is_no_number_is_one_sentence(tmp_path):
    assert "not a number between 0 and 65535" in another(tmp_path, port="http")[1]


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path):
    env = environment(tmp_path) | {"DATABASE_URL": "postgresql://me@127.0.0.1:1/shop"}
    done = subprocess.run(COMMAND, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Connection refused" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
