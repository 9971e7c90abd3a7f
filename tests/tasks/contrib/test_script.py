"""Scripts as tasks: what they are given, what they say, how they end, and what is left of them."""

import json
import os
import shutil
import signal
import socket
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.db.models.functions import Now

from audit.context import Door
from backoffice.models import User
from tasks.access.rights import Right
from tasks.actions import adopt_task, recover_lost_runs, request_run
from tasks.actions.changes.grants import set_right
from tasks.authoring import Money
from tasks.contrib.script import isolation, script_task
from tasks.contrib.script.checks import check_interpreters, check_sandbox
from tasks.contrib.script.process import (
    MARK,
    Ended,
    Process,
    Start,
    end_marked,
    folder_for,
)
from tasks.declaration.registry import registry
from tasks.models import Effect, LogLine, Run, Task
from tasks.worker.execution import execute

pytestmark = pytest.mark.django_db(transaction=True)
SAID = {"name": "Refund", "category": "Payments", "owner": "Payments"}
PYTHON = f"#!{sys.executable}\n"
SAY = (
    PYTHON
    + "import json, os, sys\nsay = lambda **it: os.write(3, json.dumps(it).encode() + b'\\n')\n"
)
READ = "given = json.loads(sys.stdin.readline())\n"


def refund(note: str, amount: Money):
    """Refunds something."""


@dataclass
class Scripted:
    """A task of a script, and how to run it."""

    slug: str
    by: User

    def run(self, note="late", *, reason="They asked") -> Run:
        run = request_run(
            Task.objects.get(slug=self.slug).pk,
            requested_by=self.by,
            door=Door.ADMIN,
            values={"note": note, "amount": "12.50", "amount_currency": "USD"},
            reason=reason,
        )
        execute(str(run.pk))
        run.refresh_from_db()
        return run


@pytest.fixture
def scripted(db, tmp_path, alice, monkeypatch):
    def make(text, *, name="refund", function=refund, **said) -> Scripted:
        (tmp_path / name).write_text(text)
        script_task(str(tmp_path / name), **{**SAID, **said})(function)
        task = registry.get("refund")
        adopt_task(task)
        set_right(Task.objects.get(slug=task.slug), Right.EXECUTE, to=alice)
        return Scripted(task.slug, alice)

    monkeypatch.setenv("SOME_TOKEN", "token-of-another-system")
    with registry.temporarily():
        yield make


def said_by(run):
    return [line.text for line in LogLine.objects.filter(run=run).order_by("pk")]


def living(mark):
    """What still runs with this mark, but what has ended and is not yet forgotten."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                if mark.encode() in (each / "environ").read_bytes():
                    found.append(each.name)
            except OSError:
                continue
    return found


def until(condition, seconds=20.0):
    """Wait until something is so that nobody sends an event of: the end of other processes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "It did not come about."
        time.sleep(0.05)


# --- What it is given, and what it says -------------------------------------------------------------


def test_values_arrive_as_json_and_never_through_a_shell(scripted, tmp_path):
    note = f"$(touch {tmp_path}/made) `id` ' \" ; & | \\ é"
    text = (
        SAY
        + READ
        + "say(log='Refunding'); say(progress=[1, 2]); print('plain')\nsay(result=given['values'])\n"
    )
    run = scripted(text, changes="nothing").run(note)
    assert run.status == Run.Status.SUCCEEDED, run.error
    shown = json.dumps(run.output, ensure_ascii=False)
    assert json.dumps(note, ensure_ascii=False)[1:-1] in shown
    assert "'amount': '12.50'" in shown.replace('"', "'")
    assert not (tmp_path / "made").exists()
    assert set(said_by(run)) == {"Refunding", "plain"}
    assert (run.steps_done, run.steps_total) == (1, 2)


def test_a_script_of_a_shell_is_a_task_too(scripted):
    text = 'read given\necho "{\\"result\\": {\\"Rate\\": 1.10}}" >&3\n'
    run = scripted(text, name="rate.sh", changes="nothing").run()
    assert (run.status, "1.10" in json.dumps(run.output)) == (Run.Status.SUCCEEDED, True)


ENDS = {
    "says nothing": ("", "ended without saying what came of it"),
    "half a line": ("os.write(3, b'{\"result\": 1')", "in the middle of a line"),
    "fails": ("sys.exit(3)", "the exit status 3"),
    "result, then fails": ("say(result=1); sys.exit(3)", "gave a result and then ended"),
    "goes on behind its end": ("say(result=1); say(log='x')", "went on after"),
    "no number": ("os.write(3, b'{\"result\": NaN}\\n')", "NaN"),
    "repeats a name": ("os.write(3, b'{\"result\": 1, \"result\": 2}\\n')", "twice"),
    "another line": ("say(resulting=1)", "means nothing here"),
    "a gigabyte": ("b = b'x' * 2**20\nfor _ in range(1024): os.write(2, b)", "a line of more than"),
    "gigabyte in lines": (
        "while True: os.write(3, b'{\"log\": \"%s\"}\\n' % (b'x' * 900_000))",
        "more than",
    ),
    "too much memory": ("x = b'x' * 10**9; sys.stdin.close(); __import__('time').sleep(60)", "of memory"),
    "is killed": ("os.kill(os.getpid(), 9)", "the signal 9"),
    "asks for a step": ("say(step='refund')", "means nothing here"),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDS)
def test_each_bad_end_is_a_sentence_and_where_it_had_effects_unknown(scripted, case):
    text, sentence = ENDS[case]
    run = scripted(SAY + text).run()
    assert sentence in run.error
    assert run.status == Run.Status.UNCERTAIN
    assert Effect.objects.get(run=run).answered_at is None
    assert execute(str(run.pk)) == "nothing to do"


def test_without_effects_a_bad_end_is_a_failure(scripted):
    run = scripted(SAY, changes="nothing").run()
    assert (run.status, run.error) == (
        Run.Status.FAILED,
        "It ended without saying what came of it.",
    )


@pytest.mark.parametrize(
    ("said", "status"), [("refused", "FAILED"), ("busy", "FAILED"), ("unknown", "UNCERTAIN")]
)
def test_it_can_say_that_nothing_happened_or_that_it_does_not_know(scripted, said, status):
    run = scripted(SAY + f"say({said}='The bank is closed.')\n").run()
    assert (run.status, run.error) == (Run.Status[status], "The bank is closed.")


BEGINS = {
    "no interpreter": (
        {"interpreter": ["no-such-node"]},
        "no-such-node is not installed on this worker",
    ),
    "not executable": ({"interpreter": ["/etc"]}, "/etc is not installed on this worker"),
    "variable missing": ({"env": ["NO_SUCH_VARIABLE"]}, "NO_SUCH_VARIABLE is not set"),
}


@pytest.mark.parametrize("case", BEGINS)
def test_what_cannot_begin_has_done_nothing(scripted, case):
    said, sentence = BEGINS[case]
    run = scripted(SAY, **said).run()
    assert run.status == Run.Status.FAILED
    assert sentence in run.error


def test_a_program_that_the_system_cannot_start_has_done_nothing(scripted, tmp_path):
    broken = tmp_path / "broken"
    broken.write_bytes(b"\x7fELF and nothing else")
    broken.chmod(0o755)
    run = scripted(SAY, interpreter=[str(broken)]).run()
    assert run.status == Run.Status.FAILED
    assert "could not be started" in run.error
    assert "Nothing happened." in run.error


# --- Steps --------------------------------------------------------------------------------------------

TWO_STEPS = SAY + READ + """
def once(step):
    say(step=step)
    told = json.loads(sys.stdin.readline())
    if "key" in told:
        say(log=f"sent {step} {told['key']}")
        say(answer={"id": step.upper()})
        return "sent"
    return told["answer"]["id"]
first = once("charge")
if first == "sent":
    say(busy="The second system is away.")
else:
    say(result=[first, once("tell")])
"""  # fmt: skip


def test_a_step_is_sent_once_and_its_answer_comes_back(scripted, settings):
    settings.RUN_FIRST_PAUSE_SECONDS = 0
    scripted = scripted(TWO_STEPS, changes="steps", idempotent=True)
    run = scripted.run()
    assert run.status == Run.Status.QUEUED
    execute(str(run.pk))
    run.refresh_from_db()
    assert run.status == Run.Status.SUCCEEDED, run.error
    sent = [line for line in said_by(run) if line.startswith("sent")]
    keys = dict(Effect.objects.filter(run=run).values_list("step", "key"))
    assert sent == [f"sent {step} {keys[step]}" for step in ("charge", "tell")]
    assert "CHARGE" in json.dumps(run.output)


def test_a_step_without_an_answer_is_unknown(scripted):
    run = scripted(SAY + READ + "say(step='charge'); sys.stdin.readline()\n", changes="steps").run()
    assert run.status == Run.Status.UNCERTAIN
    assert "It may have done “charge”." in run.error


# --- What runs is what was approved -----------------------------------------------------------------


def test_what_runs_is_what_was_read_when_the_task_was_declared(scripted, tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "rate.txt").write_text("1.10")
    task = scripted(
        SAY + "say(result=open('lib/rate.txt').read())\n", covers=["lib/*.txt"], changes="nothing"
    )
    (tmp_path / "refund").write_text(SAY + "say(result='another')\n")
    (tmp_path / "lib" / "rate.txt").write_text("9.90")
    assert "1.10" in json.dumps(task.run().output)


def hash_of(path, **said):
    with registry.temporarily():
        script_task(str(path), **SAID | said)(refund)
        return registry.get("refund").source_hash


def test_every_byte_and_every_limit_is_in_the_fingerprint_and_the_owner_is_not(tmp_path):
    script, more = tmp_path / "a.py", tmp_path / "more.txt"
    script.write_text("1\n")
    more.write_text("x")
    plain = hash_of(script, covers=["*.txt"])
    assert plain == hash_of(script, covers=["*.txt"], owner="Sales")
    others = [
        {"changes": "nothing"},
        {"env": ["A"]},
        {"network": True},
        {"interpreter": ["python"]},
    ]
    hashes = [hash_of(script, covers=["*.txt"], **said) for said in others]
    more.write_text("y")
    hashes.append(hash_of(script, covers=["*.txt"]))
    script.write_text("1 \n")
    hashes.append(hash_of(script, covers=["*.txt"]))
    assert len({plain, *hashes}) == 7


def problems_of(path, **said):
    with registry.temporarily():
        script_task(str(path), **SAID | said)(refund)
        return " ".join(f"{each.message} {each.hint}" for each in registry.problems)


def test_wrong_declarations_say_what_to_write(tmp_path):
    script = tmp_path / "refund"
    assert "There is no file" in problems_of(script)
    script.write_text("print(1)")
    assert "Nothing says what runs refund" in problems_of(script)
    script.write_text("#!/bin/sh\n")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert "symbolic link" in problems_of(script, covers=["li*"])
    assert "is not below" in problems_of(script, covers=["../*"])
    assert "no file is like that" in problems_of(script, covers=["*.lock"])
    assert "changes is 'all'" in problems_of(script, changes="all")
    assert "memory is 1" in problems_of(script, memory=1)
    assert "can always be run again" in problems_of(script, changes="nothing", idempotent=False)
    assert problems_of(script) == ""


def test_an_interpreter_that_is_missing_is_named_by_the_check(scripted):
    scripted(SAY, interpreter=["no-such-node"])
    assert "no-such-node, which runs refund, is not installed" in check_interpreters()[0].msg


# --- What it can reach ---------------------------------------------------------------------------------

REACHES = SAY + """
import socket
def can(do):
    try:
        do()
    except OSError:
        return False
    return True
say(result={
    "variables": sorted(os.environ),
    "reads": can(lambda: open(%(secret)r).read()),
    "writes": can(lambda: open("more", "w")),
    "connects": can(lambda: socket.create_connection(("127.0.0.1", %(port)d), 1)),
    "processes": sum(each.isdecimal() for each in os.listdir("/proc")),
})
"""  # fmt: skip


def reach_of(scripted, tmp_path, **said):
    secret = tmp_path / "secret"
    secret.write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as server:
        text = REACHES % {"secret": str(secret), "port": server.getsockname()[1]}
        run = scripted(text, changes="nothing", **said).run()
    assert run.status == Run.Status.SUCCEEDED, (run.error, said_by(run))
    return dict(run.output["pairs"])


def test_a_script_gets_only_the_variables_that_its_task_names(scripted, tmp_path):
    found = reach_of(scripted, tmp_path, env=["SOME_TOKEN"])
    assert "SOME_TOKEN" in str(found["variables"])
    for name in ("SECRET_KEY", "DATABASE_URL", "PYTHONPATH"):
        assert name not in str(found["variables"])


@pytest.mark.skipif(not isolation.bubblewrap_works(), reason="bubblewrap does not work here")
def test_in_the_sandbox_it_reaches_its_own_files_and_nothing_else(scripted, tmp_path, settings):
    settings.SCRIPT_SANDBOX = "required"
    found = reach_of(scripted, tmp_path)
    assert (found["reads"], found["writes"], found["connects"]) == ("No", "No", "No")
    assert int(found["processes"]) <= 3


def test_where_a_sandbox_is_required_and_does_not_work_nothing_is_started(
    scripted, settings, monkeypatch
):
    monkeypatch.setattr(isolation, "bubblewrap_works", lambda: False)
    monkeypatch.setattr("tasks.contrib.script.checks.bubblewrap_works", lambda: False)
    settings.SCRIPT_SANDBOX = "required"
    run = scripted(SAY + "say(result=1)\n").run()
    assert (run.status, "Nothing was started" in run.error) == (Run.Status.FAILED, True)
    assert [each.id for each in check_sandbox()] == ["tasks.E031"]
    settings.SCRIPT_SANDBOX = "if_possible"
    assert [each.id for each in check_sandbox()] == ["tasks.W031"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can choose another user")
def test_without_a_sandbox_root_has_it_run_as_nobody(scripted, settings, monkeypatch):
    monkeypatch.setattr(isolation, "bubblewrap_works", lambda: False)
    settings.SCRIPT_SANDBOX = "if_possible"
    text = 'echo "{\\"result\\": \\"$(id -un) $(cat /proc/$PPID/environ | wc -c)\\"}" >&3\n'
    run = scripted(text, name="who.sh", changes="nothing").run()
    assert "nobody 0" in json.dumps(run.output)


# --- Nothing is left of it ---------------------------------------------------------------------------

LINGERS = 'trap "" TERM; sleep 600 & setsid sleep 600 & read line; echo begun >&3; sleep 600\n'


def started(text, *, mark, seconds=60.0):
    """A script as a worker starts it, until it has begun."""
    with folder_for(mark) as (folder, lock):
        script = folder / "script"
        script.write_text(text)
        start = Start(
            [shutil.which("sh"), str(script)],
            {"PATH": os.environ["PATH"], MARK: mark},
            folder,
            seconds,
            10**9,
        )
        with Process(start, mark=mark, lock=lock, remove=folder) as process:
            process.say(b"go")
            heard = []
            while not heard or "process" not in process._end:
                heard += process.listen(10)
            yield process
    yield folder


def test_what_ignores_the_request_to_end_is_ended_with_all_that_it_has_started(db):
    steps = started(LINGERS, mark="lingers-time", seconds=1)
    process = next(steps)
    heard = []
    while not heard:
        heard = process.listen(10)
    assert heard == [Ended(result=-signal.SIGKILL, over="time")]
    assert living("lingers-time") == []
    assert not next(steps).exists()


@pytest.mark.parametrize("killed", ["worker", "keeper", "script"])
def test_killed_at_any_moment_it_leaves_no_process_behind(killed):
    mark = f"lingers-{killed}-{os.getpid()}"
    reads, writes = os.pipe()
    worker = os.fork()
    if worker == 0:  # a worker that has started a script, and nothing else
        try:
            process = next(steps := started(LINGERS, mark=mark))
            numbers = {"worker": os.getpid(), "keeper": process._keeper.pid}
            numbers["script"] = process._end["process"]
            os.write(writes, str(numbers[killed]).encode())
            while not any(isinstance(each, Ended) for each in process.listen(10)):
                pass
            list(steps)
        finally:
            os._exit(0)
    os.close(writes)
    number = int(os.read(reads, 20))
    until(lambda: len(living(mark)) == 5)  # the keeper, the script and what that has started
    os.kill(number, signal.SIGKILL)
    until(lambda: not living(mark))
    os.waitpid(worker, 0)
    os.close(reads)


NOTES = SAY + READ + """
with open(given["values"]["note"], "a") as notes:
    notes.write(given["key"] + "\\n")
if os.path.exists(given["values"]["note"] + ".goes-on"):
    say(result="done")
else:
    __import__("time").sleep(600)
"""  # fmt: skip


@pytest.mark.parametrize("idempotent", [False, True])
def test_after_its_worker_was_killed_it_does_not_run_twice(scripted, tmp_path, idempotent):
    notes = tmp_path / "notes"
    task = scripted(NOTES, idempotent=idempotent)
    connections.close_all()
    worker = os.fork()
    if worker == 0:
        try:
            task.run(str(notes))
        finally:
            os._exit(0)
    until(notes.exists)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    run = Run.objects.get()
    until(lambda: not living(str(run.pk)))

    Path(f"{notes}.goes-on").touch()
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
    assert recover_lost_runs(door=Door.SCHEDULE) == 1
    execute(str(run.pk))
    run.refresh_from_db()
    key = Effect.objects.get(run=run).key
    # Again only where its author says that it may, and then under the same key.
    assert run.status == (Run.Status.SUCCEEDED if idempotent else Run.Status.UNCERTAIN)
    assert notes.read_text().split() == [key] * (2 if idempotent else 1)


def test_a_second_attempt_waits_for_what_the_first_has_started(db):
    steps = started("read line; echo begun >&3; sleep 600\n", mark="lingers-twice")
    next(steps)
    assert living("lingers-twice")
    end_marked(f"{MARK}=lingers-twice".encode())
    steps.close()
    assert living("lingers-twice") == []
