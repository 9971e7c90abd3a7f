"""One person stops; two start again; and nothing that waits slips through."""

from functools import partial
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.urls import reverse

from approvals import actions as approvals
from approvals.actions import NobodyCanDecide
from approvals.models import ApprovalRequest
from approvals.requests.policy import OwnRequest
from audit.context import Door
from tasks.access.rights import Right
from tasks.access.stops import is_stopped, stop_of
from tasks.actions.changes.grants import set_right
from tasks.actions.runs.lifecycle import start_run
from tasks.actions.runs.requests import TaskStopped
from tasks.actions.stops import NotStarted, NotStopped, propose_start, stop_tasks
from tasks.models import Run, Stop, Task
from tests.races import at_once
from tests.tasks.admin.reading import page_of, signed_in, words

pytestmark = pytest.mark.django_db(transaction=True)
Scope = Stop.Scope
ROUNDS = 25


@pytest.fixture
def deciders(task, bob, carol, approvers):
    """Bob and Carol may approve the task, and so may stop it."""
    set_right(task, Right.APPROVE, to=approvers)


@pytest.fixture
def stop(task, deciders, bob):
    def stop_it(scope=Scope.TASK, *, by=bob, reason="Wrong amounts", **which):
        if scope == Scope.TASK:
            which = {"task": task}
        return stop_tasks(scope, by=by, door=Door.ADMIN, reason=reason, **which)

    return stop_it


def agree(request, by, verdict="approve", reason=""):
    approvals.decide(
        request.pk,
        decided_by=by,
        verdict=verdict,
        seal=request.seal,
        door=Door.ADMIN,
        reason=reason,
    )


def propose(stop, by, reason="Mended"):
    return propose_start(stop.pk, by=by, door=Door.ADMIN, reason=reason)


def claim(run):
    return start_run(run.pk, worker="test:1", door=Door.WORKER)


ALL = [
    (Scope.TASK, {}),
    (Scope.CATEGORY, {"category": "Tests"}),
    (Scope.MONEY, {}),
    (Scope.EVERYTHING, {}),
]


@pytest.mark.parametrize(("scope", "which"), ALL)
def test_what_waits_in_line_stays_there(ask, stop, work, credit, scope, which):
    run = ask("50.00")
    stop(scope, **which)
    assert work(run).status == Run.Status.QUEUED
    assert credit.calls == []
    assert Run.objects.filter(is_stopped()).get() == run


@pytest.mark.parametrize(("scope", "which"), ALL)
def test_nobody_can_ask_for_it(ask, stop, scope, which):
    stop(scope, **which)
    with pytest.raises(TaskStopped, match=r"Bob Example has stopped .*: Wrong amounts"):
        ask("50.00")


@pytest.mark.parametrize(
    ("scope", "which", "change"),
    [
        (Scope.CATEGORY, {"category": "Tests"}, {"category": "Another"}),
        (Scope.MONEY, {}, {"moves_money": False}),
    ],
)
def test_a_stopped_task_does_not_change_so_that_the_stop_misses_it(
    ask, stop, deploy, task, scope, which, change
):
    ask("50.00")
    stop(scope, **which)
    with pytest.raises(IntegrityError, match="is stopped by its category"), transaction.atomic():
        Task.objects.filter(pk=task.pk).update(**change)
    # A deploy goes through, and leaves it stopped.
    deploy(name="Test credit 2", category="Another")
    task.refresh_from_db()
    assert task.name == "Test credit 2"
    assert stop_of(task)


def test_another_category_goes_on(ask, stop, root):
    with pytest.raises(NotStopped):
        stop(Scope.CATEGORY, category="Another")
    Stop.objects.create(scope="category", category="Another", reason="x", stopped_by=root)
    assert ask("50.00")
    assert not Run.objects.filter(is_stopped()).exists()


def test_what_is_approved_meanwhile_waits(ask, stop, approve, work):
    run = ask("150.00")
    stop()
    approve(run)
    assert work(run).status == Run.Status.QUEUED


def test_a_run_in_the_middle_sends_no_further_step(ask, stop, work, credit):
    sent = []

    def two_steps(run):
        run.once("first", lambda key: sent.append("first") or {})
        stop()
        run.once("second", lambda key: sent.append("second") or {})

    credit.behave = two_steps
    run = work(ask("50.00"))
    assert (sent, run.status) == (["first"], Run.Status.CANCELLED)
    assert "has stopped" in run.error
    assert "stays done" in run.error


def test_nor_does_it_write(ask, stop, work, credit):
    def write(run):
        stop()
        run.write_once("book", lambda: pytest.fail("It was written."))

    credit.behave = write
    assert work(ask("50.00")).status == Run.Status.CANCELLED


def test_a_run_over_items_pauses_before_the_next(ask, stop, work, credit):
    done = []

    def each(run):
        def one(item, key):
            done.append(item)
            stop()

        run.each("item", ["a", "b", "c"], one, key=str)

    credit.behave = each
    run = work(ask("50.00"))
    assert (done, run.status) == (["a"], Run.Status.PAUSED)
    assert "Bob Example has stopped" in run.pauses.get().why


def test_two_start_it_again_and_what_waits_begins(ask, stop, work, bob, carol):
    run = ask("50.00")
    stopped = stop()
    agree(propose(stopped, bob), carol)
    stopped.refresh_from_db()
    assert stopped.ended_at
    assert work(run).status == Run.Status.SUCCEEDED


def test_whoever_proposes_it_does_not_agree_to_it(stop, bob):
    with pytest.raises(OwnRequest):
        agree(propose(stop(), bob), bob)


def test_nor_does_who_may_not_approve_its_tasks_any_more(stop, task, approvers, bob, carol):
    stopped = stop()
    request = propose(stopped, bob)
    set_right(task, None, to=approvers)
    with pytest.raises(NotStarted, match="You can no longer restart"):
        agree(request, carol)
    stopped.refresh_from_db()
    assert stopped.ended_at is None


def test_a_rejected_proposed_change_leaves_it_stopped_and_can_be_made_anew(stop, bob, carol):
    stopped = stop()
    agree(propose(stopped, bob), carol, "reject", "Not yet")
    stopped.refresh_from_db()
    assert stopped.ended_at is None
    agree(propose(stopped, carol), bob)
    stopped.refresh_from_db()
    assert stopped.ended_at


def test_nobody_proposes_twice(stop, bob, carol):
    stopped = stop()
    propose(stopped, bob)
    with pytest.raises(NotStarted, match="already"):
        propose(stopped, carol)


def test_with_nobody_else_it_is_not_started(stop, task, bob, carol, approvers):
    stopped = stop()
    approvals.remove_member(user=carol, group=approvers, by=None, door=Door.COMMAND, reason="Left")
    with pytest.raises(NobodyCanDecide):
        propose(stopped, bob)


@pytest.mark.parametrize("who", ["alice", "dave", "mallory"])
def test_only_who_may_approve_or_administer_stops(stop, who, request):
    with pytest.raises(NotStopped, match="only if you can approve"):
        stop(by=request.getfixturevalue(who))


def test_only_they_propose_to_start(stop, alice):
    with pytest.raises(NotStarted):
        propose(stop(), alice)


def test_a_stop_has_a_reason(stop):
    with pytest.raises(NotStopped, match="Enter a reason"):
        stop(reason="  ")


def test_all_who_are_concerned_are_told(ask, stop, alice, carol):
    ask("150.00")
    stop()
    for person in (alice, carol):
        assert person.notifications.filter(event="stopped").exists()


# --- The database -----------------------------------------------------------------------------------


def refuses(sql, *values):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


@pytest.mark.parametrize(("scope", "which"), ALL)
def test_the_database_lets_nothing_begin(ask, stop, scope, which):
    run = ask("50.00")
    stop(scope, **which)
    refuses(
        "UPDATE tasks_run SET status = 'running', worker = 'w', started_at = now(), "
        "lease_until = now(), attempt = 1 WHERE id = %s",
        run.pk,
    )


def test_the_database_ends_no_stop_without_two(stop, bob):
    stopped = stop()
    refuses("UPDATE tasks_stop SET ended_at = now()")
    propose(stopped, bob)
    refuses("UPDATE tasks_stop SET ended_at = now()")
    refuses("UPDATE tasks_stop SET reason = 'x'")
    refuses("DELETE FROM tasks_stop")


# --- At the same instant ----------------------------------------------------------------------------


def test_claimed_and_stopped_at_once_is_one_after_the_other(ask, stop, bob, carol):
    for _ in range(ROUNDS):
        run = ask("50.00")
        claimed, stopped = at_once(partial(claim, run), stop)
        assert isinstance(stopped, Stop)
        run.refresh_from_db()
        assert run.status == ("running" if isinstance(claimed, Run) else "queued")
        assert claim(run) is None  # from now on in any case
        agree(propose(stopped, bob), carol)


def test_stopped_twice_at_once_is_stopped_once(stop, bob, carol):
    results = at_once(partial(stop, by=bob), partial(stop, by=carol))
    assert sorted(type(each).__name__ for each in results) == ["NotStopped", "Stop"]


# --- The pages and the command ----------------------------------------------------------------------

PAGE = "admin:tasks_stop_changelist"


def test_the_page_stops_and_says_so_everywhere(deciders, bob, alice, task):
    client = signed_in(bob)
    assert "Nothing is stopped." in words(client.get(reverse(PAGE)))
    answer = client.post(
        reverse(PAGE), {"what": f"task:{task.pk}", "reason": "Wrong amounts"}, follow=True
    )
    assert "You have stopped “Test credit”" in words(answer)
    asker = signed_in(alice)
    assert "Stopped" in words(asker.get(reverse("admin:tasks_task_changelist")))
    page = words(asker.get(reverse("admin:tasks_task_request", args=[task.slug])))
    assert "Bob Example stopped this" in page
    assert "Request restart" not in words(asker.get(reverse(PAGE)))


def test_the_page_proposes_to_start_again(stop, bob, carol):
    stopped = stop()
    client = signed_in(carol)
    answer = client.post(
        reverse("admin:tasks_stop_start", args=[stopped.pk]), {"reason": "Mended"}, follow=True
    )
    assert "Restart requested. It restarts when a second person approves." in words(answer)
    assert ApprovalRequest.objects.get().requested_by == carol
    assert "needs a second person" in words(client.get(reverse(PAGE)))


def test_without_a_reason_the_message_stands_beside_the_field(deciders, bob, task):
    answer = signed_in(bob).post(reverse(PAGE), {"what": f"task:{task.pk}", "reason": ""})
    assert answer.status_code == 400
    assert "Enter a reason. It is shown to everyone affected." in words(answer)
    assert not Stop.objects.exists()


def test_nobody_is_offered_what_they_may_not_stop(deciders, alice, task):
    client = signed_in(alice)
    assert "Stop tasks" not in words(client.get(reverse(PAGE)))
    assert client.post(reverse(PAGE), {"what": "everything", "reason": "x"}).status_code == 400
    assert not Stop.objects.exists()


def test_the_page_of_a_run_says_why_it_waits(ask, stop, alice):
    run = ask("50.00")
    stop()
    assert "Waiting: Bob Example has stopped “Test credit”." in words(
        signed_in(alice).get(page_of(run))
    )


def test_the_command_stops_everything(deciders, bob):
    out = StringIO()
    call_command("stop_tasks", by="bob", reason="Under attack", stdout=out)
    assert out.getvalue() == "Stopped: everything.\n"
    assert Stop.objects.get().history.get().history_door == "command"


@pytest.mark.parametrize(
    ("by", "message"), [("nobody", "no active person"), ("dave", "only if you can approve")]
)
def test_the_command_says_what_is_wrong(deciders, dave, by, message):
    with pytest.raises(CommandError, match=message):
        call_command("stop_tasks", by=by, reason="x")
