"""The page of a run that pauses, and of the request that asks whether it goes on."""

import pytest
from django.urls import reverse

from audit.context import Door
from tasks.actions import pause_run
from tasks.declaration.limits import Limits
from tasks.models import Run
from tests.tasks.admin.reading import page_of, signed_in, url, words

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


@pytest.fixture
def over_letters(credit, idempotent):
    credit.behave = lambda run: run.write_each("letter", "abc", str, key=str)
    return credit


@pytest.fixture
def paused(ask, approve, work, deploy, over_letters):
    deploy(recorded=False, limits=Limits(first=1))
    run = ask("150.00")
    approve(run)
    return work(run)


@pytest.fixture
def paused_by_alice(ask, work, alice, over_letters):
    def write(letter):
        if letter == "a":
            pause_run(Run.objects.get().pk, by=alice, door=Door.ADMIN)

    over_letters.behave = lambda run: run.write_each("letter", "abc", write, key=str)
    return work(ask("50.00"))


def test_the_page_says_why_it_paused_and_that_somebody_looks(paused, shown):
    text = shown(paused)
    assert "The first item ran. Review the results before the rest runs." in text
    assert "Somebody other than Alice Example has to review these items" in text


def test_those_who_decide_are_led_to_the_request_which_says_what_became_of_the_items(paused, bob):
    client, pause = signed_in(bob), paused.pauses.get()
    asked = reverse("admin:approvals_approvalrequest_change", args=[pause.approval_id])
    assert asked in client.get(page_of(paused)).content.decode()
    text = words(client.get(asked))
    assert "Approve The run continues with the remaining items." in text
    assert "Not started 2" in text
    assert page_of(paused) in client.get(asked).content.decode()


def test_who_asked_for_it_sees_no_button_to_go_on_and_one_to_stop(paused, shown):
    text = shown(paused)
    assert "Review checkpoint" not in text
    assert "Resume" not in text
    assert "Cancel run" in text


def test_stopping_there_says_that_what_is_done_stays_done(paused, alice):
    answer = signed_in(alice).post(url("tasks_run_cancel", paused.pk), follow=True)
    assert "Cancelled. What is done stays done." in words(answer)
    paused.refresh_from_db()
    assert paused.status == Status.CANCELLED


def test_ones_own_pause_is_ended_by_a_button(paused_by_alice, alice):
    run, client = paused_by_alice, signed_in(alice)
    assert "Resume" in words(client.get(page_of(run)))
    assert "Resumed." in words(client.post(url("tasks_run_resume", run.pk), follow=True))
    run.refresh_from_db()
    assert run.status == Status.QUEUED


def test_a_pause_that_is_over_is_said_to_be(paused_by_alice, alice):
    client = signed_in(alice)
    client.post(url("tasks_run_resume", paused_by_alice.pk))
    again = client.post(url("tasks_run_resume", paused_by_alice.pk), follow=True)
    assert "This run is not paused. Its status is “Queued”." in words(again)


@pytest.mark.parametrize("door", ["tasks_run_resume", "tasks_run_pause"])
def test_others_do_not_get_through_and_a_get_does_nothing(
    paused_by_alice, dave, mallory, alice, door
):
    address = url(door, paused_by_alice.pk)
    refused = words(signed_in(dave).post(address, follow=True))
    assert "You don't have the permission “Can administer” on “Test credit”." in refused
    assert signed_in(mallory).post(address).status_code == 404
    assert signed_in(alice).get(address).status_code == 405
    paused_by_alice.refresh_from_db()
    assert paused_by_alice.status == Status.PAUSED
