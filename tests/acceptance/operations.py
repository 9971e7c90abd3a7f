"""Tasks for the stories with a real cluster."""

import time
from typing import Annotated

from tasks.parameters import Money, Param
from tasks.registry import Approval, task
from tasks.run import TaskRun


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
