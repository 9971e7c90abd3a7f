"""A deploy while workers with the old code are still there: each run meets the code it is for."""

import importlib

import pytest
from django.conf import settings

from audit.context import Door
from tasks.actions import adopt_task, enqueue_again
from tasks.declaration.registry import registry
from tasks.models import Run
from tasks.queue.sentinel import Result
from tests.acceptance import releases
from tests.acceptance.conftest import eventually
from tests.acceptance.test_cluster import ask
from tests.acceptance.test_worker import start  # noqa: F401 - a fixture

pytestmark = [pytest.mark.alone, pytest.mark.django_db(transaction=True)]
MODULE = "tests.acceptance.releases"


@pytest.fixture
def release(operations, alice, monkeypatch):
    """Has this process know a release of the task, and records it as `migrate` would."""

    def deploy(name: str) -> None:
        monkeypatch.setenv("RELEASE", name)
        registry._tasks.pop("which-release", None)
        importlib.reload(releases)
        adopt_task(registry.get("which-release"))

    with registry.temporarily():
        yield deploy


@pytest.fixture
def worker(start):  # noqa: F811
    modules = ",".join([*settings.TASK_MODULES, MODULE])
    return lambda name: start(workers=1, TASK_MODULES=modules, RELEASE=name)


def which(run: Run) -> list[str]:
    return [line.text for line in run.log_lines.all()]


def over(runs: list[Run]) -> bool:
    """Whether all are over. A sweep each minute would ring for those that were declined."""
    enqueue_again(door=Door.SCHEDULE)
    return all(Run.objects.get(pk=run.pk).is_over for run in runs)


def test_only_the_worker_with_the_deployed_code_takes_a_run(release, worker, alice):
    release("new")
    old = worker("old")
    run = ask("which-release", alice)
    old.says(f"Run {run.pk} stays in the queue")
    run.refresh_from_db()
    assert (run.status, which(run)) == (Run.Status.QUEUED, [])
    worker("new")
    runs = [run, *(ask("which-release", alice) for _ in range(5))]
    eventually(lambda: over(runs))
    assert [which(each) for each in runs] == [["new"]] * 6
    assert old.results == []


def test_a_worker_of_the_next_release_leaves_runs_to_the_present_one(release, worker, alice):
    release("old")
    new = worker("new")
    run = ask("which-release", alice)
    new.says(f"Run {run.pk} stays in the queue")
    worker("old")
    eventually(lambda: over([run]))
    assert which(run) == ["old"]


def test_a_cluster_ends_once_after_a_deploy_and_not_again(release, worker, alice):
    release("old")
    service = worker("old")
    service.says("Cluster of runs is running")
    release("new")
    eventually(lambda: service.results == [Result.OUTDATED])
    service.ready()  # with the old code once more, as if that were all there is
    run = ask("which-release", alice)
    service.says(f"Run {run.pk} stays in the queue")
    assert service.results == [Result.OUTDATED]
    assert service.end() == 0
