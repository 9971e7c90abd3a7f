"""Tasks that do nothing, or nothing but write lines."""

from tasks.declaration.registry import Approval, task
from tasks.worker.task_run import TaskRun


@task(name="Nothing", category="Tests", owner="Testers")
def bench_nothing(run: TaskRun) -> None:
    """Does nothing."""


@task(
    name="First line",
    category="Tests",
    owner="Testers",
    approval=[Approval("true", groups=["Approvers"])],
)
def bench_first_line(run: TaskRun) -> None:
    """Says that it has begun."""
    run.log("Begun")


@task(name="Many lines", category="Tests", owner="Testers", timeout=120)
def bench_many_lines(run: TaskRun, number: int) -> None:
    """Writes so many lines."""
    for each in range(number):
        run.log(f"Line {each} of {number}, as long as such lines are: 42.00 USD to A-10042")
