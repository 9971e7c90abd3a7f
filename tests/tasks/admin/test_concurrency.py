"""What the pages say about runs that exclude each other."""

from dataclasses import replace

import pytest

from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import adopt_task, start_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import registry
from tasks.models import Task
from tests.tasks.admin.conftest import Other
from tests.tasks.admin.reading import form_of, live, page_of, signed_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def limited(credit, task):
    def limit(**limits: tuple[str, ...]) -> None:
        registry._tasks["test-credit"] = replace(credit.registered, **limits)
        adopt_task(registry.get("test-credit"))

    return limit


def send(person, task):
    sent = {"amount": "50.00", "amount_currency": "USD", "run-reason": "The parcel was late"}
    return signed_in(person).post(form_of(task), sent)


def test_a_second_request_is_refused_beside_the_form_with_a_link_to_the_first(
    limited, ask, alice, task
):
    limited(one_open_per=("amount",))
    first = ask("50.00")
    answer = send(alice, task)
    assert answer.status_code == 409
    assert "There is already an open run for the same amount. Its status is “Queued”." in words(
        answer
    )
    assert page_of(first) in answer.content.decode()
    assert 'name="amount" value="50.00"' in answer.content.decode()


def test_a_run_that_waits_says_for_which(limited, ask, alice):
    limited(one_running_per=("amount",))
    first, second = ask("50.00"), ask("50.00")
    start_run(first.pk, worker="test:1", door=Door.WORKER)
    answer = signed_in(alice).get(page_of(second))
    assert f"Waiting for {first} to finish: only one of these runs at a time." in words(answer)
    assert page_of(first) in answer.content.decode()
    assert "Starts within seconds. " in words(signed_in(alice).get(live(second)))


def test_a_run_that_does_not_wait_for_another_says_nothing_of_it(limited, ask, shown):
    limited(one_running_per=("amount",))
    assert "only one of these" not in shown(ask("50.00"))


def about_somebody(who: Other) -> None:
    """Does something with a person."""


@pytest.mark.parametrize("limit", ["one_open_per", "one_running_per"])
def test_a_run_of_another_task_that_one_may_not_see_is_not_named(
    credit, alice, mallory, dave, limit
):
    declared = [
        replace(credit.registered, slug=slug, name=slug, function=about_somebody, preview=None)
        for slug in ("block", "unblock")
    ]
    first, second = (replace(each, approval=(), **{limit: ("who",)}) for each in declared)
    registry.register(first)
    registry.register(second)
    for registered, person in ((first, alice), (second, mallory)):
        adopt_task(registered)
        set_right(Task.objects.get(slug=registered.slug), Right.EXECUTE, to=person)
    signed_in(alice).post(form_of(Task.objects.get(slug="block")), {"who": dave.pk})
    address = form_of(Task.objects.get(slug="unblock"))
    answer = signed_in(mallory).post(address, {"who": dave.pk}, follow=True)
    assert f"block: {dave}" not in words(answer).replace("unblock", "")
    expected = {
        "one_open_per": "There is already an open run for the same who. Its status is “Queued”.",
        "one_running_per": "Waiting for another run to finish",
    }
    assert expected[limit] in words(answer)
