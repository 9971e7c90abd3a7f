"""The same file, sent before: what a task says happens then."""

from dataclasses import replace
from typing import Annotated, Any

import pytest

from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import InvalidValues, NotConfirmed, adopt_task, request_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import RegisteredTask, registry
from tasks.models import Run, Task
from tasks.parameters import File, Param
from tasks.secrets.storage import store_file
from tests.races import at_once

pytestmark = pytest.mark.django_db
Letter = Annotated[File, Param(accept=(".txt",))]


def post(letter: Letter) -> None:
    """Posts a letter."""


@pytest.fixture
def known(alice):
    """Puts a task into the catalogue that takes a file."""

    def make(slug: str = "post-a-letter", **said: Any) -> Task:
        declared = RegisteredTask(slug, "Post a letter", "Tests", "Testers", "Posts it.", post)
        declared = replace(declared, source_hash="7" * 64, **said)
        registry._tasks[slug] = declared
        adopt_task(declared)
        task = Task.objects.get(slug=slug)
        set_right(task, Right.EXECUTE, to=alice)
        return task

    with registry.temporarily():
        yield make


@pytest.fixture
def ask(alice):
    def ask_for(task: Task, text: str = "Dear Bob", *, reason: str = "", seen=None) -> Run:
        letter = File.of("letter.txt", text)
        return request_run(
            task.pk,
            requested_by=alice,
            door=Door.ADMIN,
            values={"letter": letter},
            reason=reason,
            seen=seen,
        )

    return ask_for


@pytest.mark.parametrize(
    "said", [{"same_file": "refuse"}, {"same_file": "refuse", "moves_money": True}]
)
def test_it_is_refused_beside_the_field_where_the_task_says_so(known, ask, said):
    task = known(**said)
    ask(task)
    with pytest.raises(InvalidValues) as refused:
        ask(task, reason="Once more")
    (why,) = refused.value.form.errors["letter"]
    assert why.startswith("The content of “Letter” is the same as in a run that Alice Example")
    assert ask(task, "Dear Carol")


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_the_same_instant_one_is_refused(known, ask):
    task = known(same_file="refuse")
    for text in map(str, range(10)):
        store_file(File.of("letter.txt", text))  # else who stores it second waits for the first
        asked = at_once(lambda t=text: ask(task, t), lambda t=text: ask(task, t))
        assert sorted(type(a).__name__ for a in asked) == ["InvalidValues", "Run"]


@pytest.mark.parametrize("said", [{}, {"same_file": "allow", "moves_money": True}])
def test_it_is_nothing_where_it_is_allowed(known, ask, said):
    task = known(**said)
    assert ask(task) != ask(task)


@pytest.mark.parametrize("said", [{"same_file": "warn"}, {"moves_money": True}])
def test_a_reason_and_a_look_are_needed_where_it_is_warned_of(known, ask, said):
    task = known(**said)
    ask(task)
    with pytest.raises(InvalidValues, match="Enter a reason why it is right to send it again"):
        ask(task)
    with pytest.raises(NotConfirmed) as unseen:
        ask(task, reason="Bob has lost it", seen="")
    shown = unseen.value.shown
    assert [warning[:25] for warning in shown.warnings] == ["The content of “Letter” i"]
    assert ask(task, reason="Bob has lost it", seen=shown.seal).reason == "Bob has lost it"


def test_of_a_run_of_another_task_no_name_is_said(known, ask):
    ask(known("post-by-hand"))
    task = known(same_file="warn")
    with pytest.raises(NotConfirmed) as unseen:
        ask(task, reason="For a friend", seen="")
    (warning,) = unseen.value.shown.warnings
    assert "in a run that was requested for another task on" in warning
    assert "Alice" not in warning
