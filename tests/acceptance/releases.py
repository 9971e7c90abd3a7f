"""One task in two releases: which of the two a process has is said by its environment."""

import os

from tasks.declaration.registry import task
from tasks.worker.task_run import TaskRun


def before(run: TaskRun) -> None:
    """Tells which release it is."""
    run.log("old")


def after(run: TaskRun) -> None:
    """Tells which release it is."""
    run.log("new")


RELEASES = {"old": before, "new": after}

task(name="Which release", category="Tests", owner="Testers", slug="which-release")(
    RELEASES[os.environ.get("RELEASE", "old")]
)
