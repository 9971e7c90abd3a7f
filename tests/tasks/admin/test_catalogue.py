"""The catalogue: who sees which task, and what of it. S51."""

from dataclasses import replace

import pytest

from backoffice.models import User
from tasks.access.rights import Right
from tasks.actions import adopt_task, retire_task
from tasks.actions.changes.grants import set_right
from tasks.models import Run, Task
from tests.tasks.admin.reading import catalogue, count_queries, form_of, signed_in, words


def make_tasks(numbers: range, who: User) -> None:
    """Tasks that a person may run, each with a run."""
    for number in numbers:
        task = Task.objects.create(
            slug=f"task-{number}",
            name=f"Task {number}",
            category=f"Category {number % 4}",
            owner="Testers",
            description="Does something.",
            timeout=60,
            idempotent=False,
            source_hash="1" * 64,
        )
        set_right(task, Right.EXECUTE, to=who)
        Run.objects.create(
            task=task,
            requested_by=who,
            door="admin",
            headline="Task",
            values={},
            source_hash="1" * 64,
            seal="1" * 64,
            needs_approval=False,
            status=Run.Status.QUEUED,
        )


def test_a_card_says_what_the_task_does_and_how_it_last_went(task, ask, alice, credit):
    registered = replace(credit.registered, description="Gives a credit. Use it with care.")
    adopt_task(registered)
    ask("50.00")
    shown = words(signed_in(alice).get(catalogue()))
    assert "Test credit Gives a credit. You can run this · Owner: Testers Last run today" in shown
    assert "Use it with care" not in shown
    assert "Queued" in shown


@pytest.mark.parametrize(
    ("right", "said"),
    [
        (Right.VIEW, "View only"),
        (Right.REQUEST, "You can request this"),
        (Right.EXECUTE, "You can run this"),
        (Right.CHANGE, "You can run this"),
    ],
)
def test_a_card_says_what_this_person_may_do(task, mallory, right, said):
    set_right(task, right, to=mallory)
    assert said in words(signed_in(mallory).get(catalogue()))


def test_a_superuser_sees_every_task_and_may_only_look(task, root):
    assert "View only" in words(signed_in(root).get(catalogue()))


def test_a_task_that_was_not_given_does_not_appear(task, mallory):
    shown = words(signed_in(mallory).get(catalogue()))
    assert "Test credit" not in shown
    assert "You don't have access to any task yet." in shown


@pytest.mark.parametrize("query", ["CREDIT", "give customer", "tests", "testers"])
def test_search_looks_at_name_description_category_and_owner(task, alice, query):
    assert "Test credit" in words(signed_in(alice).get(catalogue(), {"q": query}))


@pytest.mark.parametrize("query", ["refund", "credit refund", "\0"])
def test_a_search_that_finds_nothing_says_so(task, alice, query):
    shown = words(signed_in(alice).get(catalogue(), {"q": query}))
    assert ("No task matches" in shown) is (query != "\0")


def test_a_retired_task_stands_apart_and_leads_to_no_form(task, alice):
    retire_task(task)
    response = signed_in(alice).get(catalogue())
    assert "Retired Retired tasks can no longer be run." in words(response)
    assert form_of(task) not in response.content.decode()


def test_the_catalogue_cannot_be_posted_to(task, alice):
    assert signed_in(alice).post(catalogue()).status_code == 405


def test_the_catalogue_costs_the_same_for_3_tasks_as_for_30(alice):
    make_tasks(range(3), alice)
    few = count_queries(signed_in(alice), catalogue())
    make_tasks(range(3, 30), alice)
    assert count_queries(signed_in(alice), catalogue()) == few
