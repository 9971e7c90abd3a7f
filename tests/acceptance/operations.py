"""Tasks for the stories with a real cluster."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from tasks.declaration.registry import Approval, task
from tasks.parameters import Money, Param
from tasks.worker.task_run import TaskRun


@task(
    name="Cluster credit",
    category="Tests",
    owner="Testers",
    approval=[Approval("amount > 100", groups=["Approvers"])],
)
def cluster_credit(run: TaskRun, amount: Annotated[Money, Param(min="0.01")]) -> dict[str, str]:
    """A credit that a worker of a real cluster gives."""
    run.log("Begun")
    return {"Credited": str(amount)}


@task(name="Too slow", category="Tests", owner="Testers", timeout=1)
def too_slow(run: TaskRun) -> None:
    """Takes longer than it may."""
    run.log("Begun")
    time.sleep(30)


@task(name="Held", category="Tests", owner="Testers", timeout=60)
def held(run: TaskRun, gate: str) -> None:
    """Goes on until there is a file of this name."""
    run.log("Begun")
    while not Path(gate).exists():
        time.sleep(0.02)


@task(name="Stubborn", category="Tests", owner="Testers", timeout=1)
def stubborn(run: TaskRun) -> None:
    """Does not let itself be stopped."""
    run.log("Begun")
    while True:
        with suppress(BaseException):
            time.sleep(30)


@task(name="Deaf", category="Tests", owner="Testers", timeout=60)
def deaf(run: TaskRun) -> None:
    """Never looks whether it shall stop."""
    run.log("Begun")
    while True:
        time.sleep(0.01)


@task(name="Deaf to everything", category="Tests", owner="Testers", timeout=8)
def deaf_to_everything(run: TaskRun) -> None:
    """Swallows whatever would stop it."""
    run.log("Begun")
    while True:
        try:
            time.sleep(30)
        except BaseException as error:
            if type(error).__name__ == "Stopped":
                run.log("Went on")
