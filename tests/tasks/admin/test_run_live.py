"""The story of a run, and what can be done with it while it goes on. S33, S34."""

import re

import pytest

from audit.context import Door
from audit.models import Event
from tasks.access.rights import Right
from tasks.actions import cancel_run
from tasks.actions.changes.grants import set_right
from tasks.declaration.errors import Refused
from tasks.models import Run
from tasks.runs.timeline import timeline_of
from tests.tasks.admin.reading import csv_of, live, page_of, signed_in, url, words

Status = Run.Status


def test_the_timeline_of_an_approved_run(ask, approve, work, shown):
    run = ask()
    approve(run, reason="Checked with the carrier")
    work(run)
    assert [
        (entry.what.split(" worker ")[0], entry.who, entry.door, entry.why)
        for entry in timeline_of(run)
    ] == [
        ("Approval requested", "Alice Example (alice)", "the web", "The parcel was late"),
        ("Approved", "Bob Example (bob)", "the web", "Checked with the carrier"),
        ("Queued", "", "", ""),
        ("Started by", "", "", ""),
        ("Finished", "", "", ""),
    ]
    text = shown(run)
    assert text.index("Approval requested") < text.index("Checked with the carrier")
    assert text.index("Checked with the carrier") < text.index("Queued")


def test_the_timeline_of_a_rejected_run_names_who_and_why_once(ask, approve):
    run = ask()
    approve(run, verdict="reject", reason="Not ours")
    _, rejected = timeline_of(run)
    assert (rejected.what, rejected.who, rejected.why) == (
        "Rejected",
        "Bob Example (bob)",
        "Not ours",
    )


def test_the_timeline_of_a_run_that_failed_says_how(ask, work, credit):
    def fail(run):
        raise Refused("The account is closed.")

    credit.behave = fail
    *_, last = timeline_of(work(ask("50.00")))
    assert (last.what, last.why) == ("Failed", "The account is closed.")


def test_the_timeline_of_a_run_taken_back_says_by_whom(ask, alice):
    run = ask("50.00")
    cancel_run(run.pk, by=alice, door=Door.ADMIN, reason="Wrong account")
    *_, last = timeline_of(run)
    assert (last.what, last.who, last.why) == (
        "Cancelled",
        "Alice Example (alice)",
        "Wrong account",
    )


def test_the_timeline_costs_five_queries(ask, approve, work, django_assert_num_queries):
    run = ask()
    approve(run)
    work(run)
    with django_assert_num_queries(5):
        timeline_of(run)


def test_an_auditor_downloads_the_timeline(ask, approve, auditor):
    run = ask()
    approve(run)
    header, *lines = csv_of(signed_in(auditor).post(url("tasks_run_timeline", run.pk)))
    assert header == ["when_utc", "what", "who", "via", "reason"]
    assert [line[1] for line in lines] == [entry.what for entry in timeline_of(run)]
    assert Event.objects.get(verb=Event.Verb.EXPORTED).subject_id == str(run.pk)


# --- Following it, taking it back


def test_the_page_asks_for_news_until_the_run_is_over(ask, approve, work, alice):
    client = signed_in(alice)
    run = ask()
    assert 'data-again="4000"' in client.get(live(run)).content.decode()
    approve(run)
    assert 'data-again="1000"' in client.get(live(run)).content.decode()
    work(run)
    assert 'data-again="0"' in client.get(live(run)).content.decode()
    assert "run_page.js" not in client.get(page_of(run)).content.decode()


def test_the_news_is_what_the_whole_page_would_say(ask, work, alice):
    run = work(ask("50.00"))
    client = signed_in(alice)
    part = re.compile(r'data-part="(\w+)"')
    assert set(part.findall(client.get(live(run)).content.decode())) == set(
        part.findall(client.get(page_of(run)).content.decode())
    )
    assert "Crediting 50.00 USD" in words(client.get(live(run)))


def test_the_news_is_never_taken_from_a_cache(ask, alice):
    assert "no-store" in signed_in(alice).get(live(ask()))["Cache-Control"]


@pytest.mark.parametrize(
    ("amount", "button", "said"),
    [
        ("50.00", "Cancel run", "Cancelled. Nothing was done."),
        ("150.00", "Withdraw request", "Request withdrawn. Nothing was done."),
    ],
)
def test_who_asked_can_take_it_back_while_it_waits(ask, alice, amount, button, said):
    run = ask(amount)
    client = signed_in(alice)
    assert button in words(client.get(page_of(run)))
    response = client.post(
        url("tasks_run_cancel", run.pk), {"reason": "Wrong account"}, follow=True
    )
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert said in words(response)
    assert button not in words(response)
    assert run.history.first().history_change_reason == "Wrong account"


def test_who_administers_the_task_can_take_back_a_queued_run(ask, task, mallory):
    set_right(task, Right.CHANGE, to=mallory)
    run = ask("50.00")
    assert "Cancel run" in words(signed_in(mallory).get(page_of(run)))
    signed_in(mallory).post(url("tasks_run_cancel", run.pk))
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


@pytest.mark.parametrize("who", ["dave", "bob"])
def test_somebody_else_is_offered_no_such_button_and_is_refused(ask, request, who):
    run = ask()
    client = signed_in(request.getfixturevalue(who))
    text = words(client.get(page_of(run)))
    assert "Withdraw request" not in text
    assert "Cancel run" not in text
    response = client.post(url("tasks_run_cancel", run.pk), follow=True)
    assert "You don't have the permission “Can administer” on “Test credit”." in words(response)
    run.refresh_from_db()
    assert run.status == Status.AWAITING_APPROVAL


def test_it_is_too_late_to_take_back_what_is_done(ask, work, alice):
    run = work(ask("50.00"))
    response = signed_in(alice).post(url("tasks_run_cancel", run.pk), follow=True)
    assert "This run can no longer be cancelled. Its status is “Succeeded”." in words(response)
