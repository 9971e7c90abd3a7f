"""A run that did a part and not the rest: it can go on, and nobody is led to have the part done twice."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.urls import reverse

from audit.context import Door
from tasks.actions import cancel_run, expire_pauses, resolve_run, resume_run
from tasks.actions.runs.lifecycle import MAX_ATTEMPTS
from tasks.declaration.errors import Busy, OutcomeUnknown, Refused
from tasks.models import Effect, Pause, Resolution, Run
from tasks.runs.partial import so_far
from tasks.runs.texts import what_next
from tests.owner import without_guards
from tests.tasks.admin.reading import words
from tests.tasks.admin.test_request_again import send

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


class Rest:
    """What the second step meets."""

    wrong: Exception | None = None

    @classmethod
    def answer(cls):
        if cls.wrong:
            raise cls.wrong
        return {"id": "entry 1"}


@pytest.fixture
def sent(credit) -> list[str]:
    """The task pays and then books. What is sent is here; `Rest.wrong` is what booking meets."""
    sent: list[str] = []

    def behave(run):
        run.once("pay", lambda key: sent.append("pay") or {"id": "re_1"})
        run.once("book", lambda key: sent.append("book") or Rest.answer())
        return "All done"

    Rest.wrong = Busy("The books are closed for a minute.")
    credit.behave = behave
    return sent


@pytest.fixture
def last_attempt(ask, work):
    def act() -> Run:
        run = ask("50.00")
        Run.objects.filter(pk=run.pk).update(attempt=MAX_ATTEMPTS - 1)
        return work(run)

    return act


# --- It can go on ---------------------------------------------------------------------------------


def test_what_was_held_up_to_the_end_waits_for_somebody_who_lets_it_go_on(
    sent, last_attempt, work, idempotent, alice
):
    run = last_attempt()
    assert (run.status, run.error) == (Status.PAUSED, "")
    pause = run.pauses.get()
    assert not pause.needs_look
    assert pause.why == (
        "It failed 4 times. “pay” was done and stays done. It can be resumed. "
        "Last error: The books are closed for a minute."
    )
    Rest.wrong = None
    resume_run(run.pk, by=alice, door=Door.ADMIN)
    assert work(run).status == Status.SUCCEEDED
    assert sent == ["pay", "book", "book"]


def test_each_time_it_goes_on_is_one_attempt_more(sent, last_attempt, work, idempotent, alice):
    run = last_attempt()
    resume_run(run.pk, by=alice, door=Door.ADMIN)
    assert work(run).status == Status.PAUSED
    assert run.pauses.count() == 2


def test_of_a_run_over_many_items_too(credit, last_attempt, work, idempotent, alice):
    taken = []

    def take(letter, key):
        taken.append(letter)
        if letter == "b" and len(taken) < 4:
            raise Busy("Too many at once.")
        return letter

    credit.behave = lambda run: run.each("letter", "abc", take, key=str)
    run = last_attempt()
    assert run.status == Status.PAUSED
    assert "2 of 3 items were done and stay done. 1 was not started." in run.pauses.get().why
    resume_run(run.pk, by=alice, door=Door.ADMIN)
    assert work(run).status == Status.SUCCEEDED
    assert taken == ["a", "b", "c", "b"]


def test_what_has_done_nothing_fails(credit, last_attempt, idempotent):
    credit.behave = lambda run: run.once("pay", lambda key: Rest.answer())
    Rest.wrong = Busy("Too many at once.")
    run = last_attempt()
    assert (run.status, run.error) == (Status.FAILED, "Too many at once.")


def test_what_was_to_be_stopped_is_not_left_to_go_on(credit, last_attempt, idempotent, alice):
    def book(key):
        cancel_run(Run.objects.get().pk, by=alice, door=Door.ADMIN)
        raise Busy("The books are closed for a minute.")

    credit.behave = lambda run: (run.once("pay", lambda key: 1), run.once("book", book))
    assert last_attempt().status == Status.FAILED


def test_a_refusal_does_not_pass(sent, last_attempt, idempotent):
    Rest.wrong = Refused("There is no such account.")
    assert last_attempt().status == Status.FAILED


def test_a_doubt_is_not_paused(sent, last_attempt, idempotent):
    Rest.wrong = OutcomeUnknown("No answer came.")
    assert last_attempt().status == Status.UNCERTAIN


def test_where_nobody_comes_it_says_what_was_done(sent, last_attempt, idempotent):
    run = last_attempt()
    with without_guards("tasks_pause"):
        Pause.objects.update(waits_until=Now() - timedelta(seconds=1))
    assert expire_pauses(door=Door.SCHEDULE) == 1
    run.refresh_from_db()
    assert run.status == Status.EXPIRED
    assert run.error.endswith("“pay” was done and stays done.")


# --- Nobody is led to have it done twice ----------------------------------------------------------


@pytest.fixture
def half_done(sent, ask, approve, work) -> Run:
    Rest.wrong = Refused("There is no such account.")
    run = ask("150.00")
    approve(run)
    assert work(run).status == Status.FAILED
    return run


def test_its_page_does_not_offer_the_same_again(half_done, client, alice):
    client.force_login(alice)
    page = words(client.get(reverse("admin:tasks_run_change", args=[half_done.pk])))
    assert "“pay” was done and stays done. Do not request the same again" in page
    assert "or contact Testers." in page
    assert "Request what is left" in page
    assert "Request again" not in page


def test_the_page_of_one_that_was_stopped_says_what_was_done(credit, ask, work, client, alice):
    def take(letter, key):
        if letter == "b":
            cancel_run(Run.objects.get().pk, by=alice, door=Door.ADMIN)
        return letter

    credit.behave = lambda run: run.each("letter", "abc", take, key=str)
    run = work(ask("50.00"))
    client.force_login(alice)
    response = client.get(reverse("admin:tasks_run_change", args=[run.pk]))
    done = "2 of 3 items were done and stay done. 1 was not started."
    assert f"{done} Do not request the same" in words(response)
    assert "bo-note--quiet" in response.content.decode()  # it is no fault
    assert "bo-note--bad" not in response.content.decode()


def test_one_that_ended_where_it_had_paused_says_it_once(sent, last_attempt, idempotent, alice):
    run = cancel_run(last_attempt().pk, by=alice, door=Door.ADMIN)
    assert run.error.endswith("“pay” was done and stays done.")
    assert what_next(run, run.requested_by, half_done=True).startswith(
        "Do not request the same again"
    )


def test_one_that_has_done_nothing_may_be_asked_for_again(credit, ask, work, client, alice):
    def refuse(run):
        raise Refused("There is no such account.")

    credit.behave = refuse
    run = work(ask("50.00"))
    client.force_login(alice)
    page = words(client.get(reverse("admin:tasks_run_change", args=[run.pk])))
    assert "Fix what the error says and request it again" in page
    assert "Request again" in page


def test_who_asks_for_the_same_and_who_decides_are_warned(half_done, client, alice, task):
    client.force_login(alice)
    url = reverse("admin:tasks_task_request", args=[task.slug])
    answered = client.get(url, {"again": half_done.pk})
    warning = "“pay” was done and stays done. Request only what is left."
    assert f"The earlier run was partly done. {warning}" in words(answered)
    send(client, task, answered.content.decode())
    again = Run.objects.exclude(pk=half_done.pk).get()
    assert again.approval.shown["facts"][0] == ["Partly done earlier", warning]


def test_nothing_is_said_of_one_that_did_all_of_it(sent, ask, work, client, alice, task):
    Rest.wrong = None
    run = work(ask("50.00"))
    client.force_login(alice)
    url = reverse("admin:tasks_task_request", args=[task.slug])
    assert "partly done" not in words(client.get(url, {"again": run.pk}))


def test_what_a_person_found_not_to_have_happened_is_not_done(credit, ask, work, root):
    credit.behave = lambda run: run.once("pay", lambda key: Rest.answer())
    Rest.wrong = OutcomeUnknown("No answer came.")
    run = work(ask("50.00"))
    finding = Resolution.Finding.DID_NOT
    resolve_run(run.pk, finding=finding, by=root, door=Door.ADMIN, reason="Not at the bank.")
    run.refresh_from_db()
    assert so_far(run) == "Nothing was done."


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("a", "“a” was done and stays done."),
        ("ab", "“a” and “b” were done and stay done."),
        ("abcd", "“a”, “b”, “c” and 1 more were done and stay done."),
    ],
)
def test_the_steps_are_named(ask, steps, said):
    run = ask("50.00")
    for each in steps:
        at = Now()
        Effect.objects.create(run=run, step=each, key=each, sent_at=at, answered_at=at, answer={})
    assert so_far(run) == said
