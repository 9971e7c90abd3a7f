"""A process that a task forks is no second worker: it ends where it would leave the task's code."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import os
from tasks.declaration.calling import author_code, call_with

def forks():
    {body}

def forks_in_a_step():
    with author_code():
        forks()

for act in (lambda: call_with(forks, {{}}), forks_in_a_step):
    try:
        act()
    except BaseException:
        pass
    print("went on", flush=True)
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


def went_on(body: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(body=body)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout.count("went on")


def test_both_return_and_one_goes_on():
    assert went_on("os.fork()") == 2


def test_one_raises_and_the_other_goes_on():
    assert went_on("1 / os.fork()") == 2
