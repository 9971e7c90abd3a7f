"""The demo's programs: one that dies is named, and none is left behind."""

import os
import signal
import subprocess
import sys

import psutil  # type: ignore[import-untyped]
import pytest

from backoffice.demo import data_folder, processes
from backoffice.demo.data_folder import ROOT, DataFolder
from backoffice.demo.processes import Programs, Stopped, Surroundings
from backoffice.progress import Refused
from tests.backoffice.conftest import dead

FOR_EVER = "import signal; print('here', flush=True); signal.pause()"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOR_EVER}"
WITH_A_CHILD = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); {FOR_EVER}"
)


class Wish:
    """A wish to stop that no signal is needed for."""

    made = False

    def heed(self):
        if self.made:
            raise Stopped


@pytest.fixture
def stop():
    return Wish()


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path / "data")


@pytest.fixture
def programs(data, stop, monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE", 2.0)
    with data.held() as lock:
        programs = Programs(Surroundings(data.path, dict(os.environ), data.log, lock), stop)
        yield programs
        programs.end()


def python(programs, script, name="web server"):
    program = programs.start(name, sys.executable, "-c", script)
    programs.wait_until(lambda: "here" in program.log.read_text(), seconds=60, what="Silent")
    return program


def test_one_that_ends_by_itself_is_named_with_its_last_words(programs):
    programs.start("worker", sys.executable, "-c", "raise SystemExit('no queue')")
    with pytest.raises(Refused, match=r"(?s)Worker ended with the result 1\. .*no queue"):
        programs.wait_until(lambda: False, seconds=60, what="Silent")


def test_one_that_is_killed_is_named_with_the_signal(programs):
    os.kill(python(programs, FOR_EVER).pid, signal.SIGKILL)
    with pytest.raises(Refused, match="Web server was killed by signal 9"):
        programs.wait_until(lambda: False, seconds=60, what="Silent")


def test_waiting_has_an_end(programs):
    with pytest.raises(Refused, match="No page comes after 0 seconds"):
        programs.wait_until(lambda: False, seconds=0.1, what="No page comes")


def test_a_step_that_fails_stops_the_start(programs):
    with pytest.raises(Refused, match=r"(?s)Migrate ended with the result 3"):
        programs.run("migrate", sys.executable, "-c", "raise SystemExit(3)")


def test_a_step_that_ends_well_is_not_missed_later(programs):
    programs.run("migrate", sys.executable, "-c", "pass")
    programs.watch()


def test_a_wish_to_stop_is_heeded_during_a_step(programs, stop):
    stop.made = True
    with pytest.raises(Stopped):
        programs.run("migrate", sys.executable, "-c", FOR_EVER)


def test_the_end_ends_all_of_them(programs):
    pids = [python(programs, FOR_EVER, name).pid for name in ("web server", "worker")]
    programs.end()
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_one_that_does_not_listen_is_killed(programs):
    deaf = python(programs, DEAF)
    programs.end()
    assert deaf.result == -signal.SIGKILL


def test_children_of_children_are_ended_too(programs):
    program = python(programs, WITH_A_CHILD)
    (child,) = psutil.Process(program.pid).children()
    programs.end()
    assert dead(child)


def test_a_ctrl_c_in_the_terminal_does_not_reach_them(programs):
    program = python(programs, FOR_EVER)
    assert os.getsid(program.pid) == os.getpgid(program.pid) == program.pid


# A signal that is ignored stays so in a child, and under nohup SIGHUP is.
WAITS = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from backoffice.demo.processes import StopRequest, Stopped
from time import sleep
stop = StopRequest()
print("here", flush=True)
try:
    while True:
        stop.heed()
        sleep(0.01)
except Stopped:
    print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_way_of_ending_it_is_a_wish_to_stop(number):
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout
        it.stdout.readline()
        it.send_signal(number)
        assert it.stdout.readline() == "stopped\n"


def test_a_data_folder_is_held_by_one_at_a_time(data):
    holder = rf"in use already \(process numbers: {os.getpid()}\)"
    with data.held(), pytest.raises(Refused, match=holder), DataFolder(data.path).held():
        pass


@pytest.fixture
def killed_launcher(data):
    """One that has started a program and was killed then. The program's process number."""

    def kill_it(script):
        launcher = f"""
import sys, os, pathlib, time
from backoffice.demo.data_folder import DataFolder
from backoffice.demo.processes import Program, Surroundings
data = DataFolder(pathlib.Path({str(data.path)!r}))
with data.held() as lock:
    around = Surroundings(data.path, dict(os.environ), data.log, lock)
    program = Program("worker", [sys.executable, "-c", {script!r}], around)
    while "here" not in program.log.read_text():
        time.sleep(0.01)
    print(program.pid, flush=True)
    os.kill(os.getpid(), 9)
"""
        killed = subprocess.run(
            [sys.executable, "-c", launcher], cwd=ROOT, capture_output=True, text=True
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        return int(killed.stdout)

    return kill_it


@pytest.mark.skipif(sys.platform != "linux", reason="Elsewhere nothing ends them.")
def test_what_a_killed_launcher_has_started_ends_and_the_next_can_start(data, killed_launcher):
    left = killed_launcher(FOR_EVER)
    with data.held():
        assert not psutil.pid_exists(left) or dead(psutil.Process(left))


def test_a_data_folder_is_held_by_programs_that_go_on_and_only_those_are_named(
    data, killed_launcher, monkeypatch
):
    monkeypatch.setattr(data_folder, "PATIENCE", 0.5)
    left = killed_launcher(DEAF)
    try:
        with pytest.raises(Refused, match=rf"process numbers: {left}\)"), data.held():
            pass
    finally:
        os.kill(left, signal.SIGKILL)


def test_the_data_folder_must_be_ours_to_write(tmp_path):
    (tmp_path / "data").write_text("a file, where a folder should be")
    with pytest.raises(Refused, match="Nothing can be written to"):
        DataFolder(tmp_path / "data")


def test_a_secret_is_made_once_and_is_private(data):
    secret = data.secret("secret_key")
    assert (secret, 0o600) == (
        data.secret("secret_key"),
        (data.path / "secret_key").stat().st_mode & 0o777,
    )


def test_clearing_leaves_what_is_not_the_demos(data):
    (data.path / "letter.txt").write_text("mine")
    data.secret("secret_key")
    data.clear()
    assert {file.name for file in data.path.iterdir()} == {"letter.txt"}
