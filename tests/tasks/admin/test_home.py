"""The first page says what concerns its reader now."""

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from approvals import actions as approvals
from audit.context import Door
from tasks.access.rights import Right
from tasks.actions.changes.grants import set_right
from tasks.models import PinnedTask, Task
from tasks.runs.statistics import week_of
from tests.tasks.admin.reading import count_queries, signed_in, url, words

HOME = "/"


def shown(person) -> str:
    return words(signed_in(person).get(HOME))


def send_pin(person, task, **sent):
    return signed_in(person).post(url("tasks_task_pin", task.slug), sent)


def test_what_waits_stands_with_who_decides_it(ask, alice, bob):
    ask("150.00")
    assert "Needs your review Test credit: 150.00 USD Requested by Alice Example" in shown(bob)
    assert "Your open requests Test credit: 150.00 USD Requested" in shown(alice)
    assert "Nothing needs your review." in shown(alice)


def test_what_is_over_is_open_no_more_unless_it_is_to_be_edited(ask, work, alice, bob):
    work(ask("50.00"))
    run = ask("150.00")
    decision = {"decided_by": bob, "seal": run.seal, "door": Door.ADMIN, "reason": "Why?"}
    approvals.decide(run.approval_id, verdict="change", **decision)
    page = shown(alice)
    assert "150.00 USD Requested" in page
    assert "Changes requested" in page
    assert "50.00 USD Requested" not in page.replace("150.00", "")


def test_tasks_are_at_hand_before_and_after_they_are_used(ask, task, alice):
    assert "Tasks you can request Test credit" in shown(alice)
    ask("50.00")
    assert "Recently used tasks Test credit" in shown(alice)
    send_pin(alice, task)
    assert "Pinned tasks Test credit" in shown(alice)
    assert "Recently used" not in shown(alice)
    send_pin(alice, task, unpin="1")
    assert "Pinned tasks" not in shown(alice)


def test_a_task_is_pinned_by_who_sees_it_once_and_leads_back(task, alice, mallory):
    back = reverse("admin:tasks_task_changelist") + "?q=credit"
    for _ in range(2):
        assert send_pin(alice, task, back=back).url == back
    assert send_pin(alice, task, back="//evil.example/").url == HOME
    assert send_pin(mallory, task).status_code == 404
    assert [pin.person for pin in PinnedTask.objects.all()] == [alice]


def test_what_one_lost_the_right_to_see_is_gone(task, alice):
    send_pin(alice, task)
    set_right(task, None, to=alice)
    assert "Test credit" not in shown(alice)


def test_who_answers_for_tasks_sees_the_numbers_of_the_week(ask, work, erin, alice, bob):
    work(ask("50.00"))
    run = ask("150.00")
    decision = {"decided_by": bob, "seal": run.seal, "door": Door.ADMIN, "reason": "No"}
    approvals.decide(run.approval_id, verdict="reject", **decision)
    page = shown(erin)
    assert "Requested 2 0 Succeeded 1 0 Rejected 1 0 Failed 0 0" in page
    assert "Median time to a decision" in page
    assert "The last 7 days" not in shown(alice)


def test_last_week_is_not_this_week(ask, work, task):
    work(ask("50.00"))
    week = week_of(Task.objects.all(), now=timezone.now() + timedelta(days=8))
    assert [(f.label, f.now, f.before) for f in week.figures][:2] == [
        ("Requested", 0, 1),
        ("Succeeded", 0, 1),
    ]
    assert week.to_decision is None
    assert sum(requested for _, requested, _ in week.days) == 1


def test_it_costs_the_same_with_more_on_it(ask, alice, erin, task):
    set_right(task, Right.CHANGE, to=alice)
    ask("150.00")
    client = signed_in(alice)
    first = count_queries(client, HOME)
    for _ in range(3):
        ask("150.00")
    assert count_queries(client, HOME) == first
