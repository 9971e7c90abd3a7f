"""A run over many items that pauses: for a look, by a limit, because somebody asked; and goes on."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.db.models.functions import Now

from approvals import actions as approvals
from approvals.models import ApprovalRequest
from approvals.requests.outdated import Outdated
from approvals.requests.policy import OwnRequest
from audit.context import Door
from tasks.access.rights import NotGranted
from tasks.actions import (
    Finding,
    NotPausable,
    answer_effect,
    begin_effect,
    cancel_run,
    expire_pauses,
    pause_run,
    recover_lost_runs,
    resolve_run,
    resume_run,
)
from tasks.actions.runs.effects import Planned, plan_effects
from tasks.actions.runs.lifecycle import MAX_ATTEMPTS
from tasks.declaration.errors import Busy, OutcomeUnknown, Refused
from tasks.declaration.limits import Limits
from tasks.models import Pause, Run
from tasks.runs.timeline import timeline_of
from tasks.secrets.masking import without_settings
from tests.owner import without_guards
from tests.races import at_once
from tests.tasks.actions.test_lost_runs import due, silent
from tests.tasks.worker.test_items import LETTERS, Provider, states

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


@pytest.fixture(autouse=True)
def may_be_sent_again(idempotent):
    """Each task of this module may be sent again under its keys."""


@pytest.fixture
def provider(credit) -> Provider:
    provider = Provider()
    credit.behave = lambda run: run.each(
        "letter", LETTERS, provider.take, key=str, amount=lambda letter: Decimal(10)
    )
    return provider


@pytest.fixture
def limited(provider, deploy):
    """Give the task these limits from now on."""
    return lambda **limits: deploy(recorded=False, limits=Limits(**limits))


@pytest.fixture
def paused(ask, approve, work, limited) -> Run:
    """Two of five items have run, and wait for a look."""
    limited(first=2)
    run = ask("150.00")
    approve(run)
    assert work(run).status == Status.PAUSED
    return run


@pytest.fixture
def look(bob):
    """Decide whether a paused run goes on."""

    def decide(run, by=bob, verdict="approve", reason=""):
        pause = run.pauses.last()
        approvals.decide(
            pause.approval_id,
            decided_by=by,
            verdict=verdict,
            seal=pause.approval.seal,
            door=Door.ADMIN,
            reason=reason,
        )
        run.refresh_from_db()

    return decide


@pytest.fixture
def asks_to_pause(provider, alice):
    """Alice asks for a pause while the second item is done; the next look at the row hears of it."""
    take = provider.take

    def take_and_ask(letter, key):
        if letter == "b":
            pause_run(Run.objects.latest("requested_at").pk, by=alice, door=Door.ADMIN)
        return take(letter, key)

    provider.take = take_and_ask


# --- The first items ------------------------------------------------------------------------------


def test_the_first_items_run_and_wait_for_a_look(paused, provider):
    assert provider.letters == ["a", "b"]
    assert states(paused)["c"] == "not begun"
    assert (
        paused.pauses.get().why == "The first 2 items ran. Review the results before the rest runs."
    )
    assert (paused.lease_until, paused.error) == (None, "")


def test_the_limits_are_sealed_with_the_run(paused):
    assert paused.limits == {"first": 2}
    with pytest.raises(DatabaseError), transaction.atomic():
        Run.objects.filter(pk=paused.pk).update(limits={})


def test_who_approves_is_told_of_the_limit(paused):
    assert ["Limit", "Pauses for review after the first 2 items."] in paused.approval.shown["facts"]


def test_it_goes_on_with_the_rest_when_another_person_agrees(paused, look, work, provider):
    look(paused)
    assert paused.status == Status.QUEUED
    assert work(paused).status == Status.SUCCEEDED
    assert provider.letters == LETTERS


def test_nobody_lets_it_go_on_under_other_code(paused, look, deploy):
    deploy(source_hash="2" * 64)
    with pytest.raises(Outdated):
        look(paused)
    paused.refresh_from_db()
    assert paused.status == Status.PAUSED


def test_who_asked_for_it_does_not_look(paused, look, alice):
    with pytest.raises(OwnRequest):
        look(paused, by=alice)
    with pytest.raises(NotPausable, match="needs a review before it can continue"):
        resume_run(paused.pk, by=alice, door=Door.ADMIN)


def test_who_looks_sees_what_became_of_the_first_items(paused):
    shown = paused.pauses.get().approval.shown
    assert ["Not started", "3"] in shown["facts"]
    assert shown["receipts"] == [["a", "Done"], ["b", "Done"]]


def test_it_stops_here_when_that_person_says_no(paused, look, work, provider):
    look(paused, verdict="reject", reason="The amounts are wrong")
    assert paused.status == Status.CANCELLED
    assert "2 of 5 items were done and stay done. 3 were not started." in paused.error
    work(paused)
    assert provider.letters == ["a", "b"]


def test_who_asked_for_it_may_stop_it_there(paused, alice):
    run = cancel_run(paused.pk, by=alice, door=Door.ADMIN)
    assert (run.status, run.pauses.get().approval.status) == (Status.CANCELLED, "withdrawn")


def test_what_changed_after_the_question_makes_it_out_of_date(paused, look):
    paused.effects.filter(label="a").update(refused=True)
    look(paused)
    assert paused.status == Status.STALE
    assert "The stored data does not match what was reviewed." in paused.error


def test_nobody_looks_in_time(paused):
    with without_guards("approvals_approvalrequest"):
        ApprovalRequest.objects.filter(pause__run=paused).update(expires_at=Now())
    approvals.expire_due(door=Door.SCHEDULE)
    paused.refresh_from_db()
    assert paused.status == Status.EXPIRED
    assert "stay done" in paused.error


def test_its_approval_is_checked_again_before_it_goes_on(paused, look, work, approvers, carol):
    look(paused, by=carol)
    approvals.remove_member(
        user=paused.approval.decisions.get().decided_by,
        group=approvers,
        by=None,
        door=Door.COMMAND,
        reason="Moved",
    )
    assert work(paused).status == Status.STALE
    assert "2 of 5 items were done" in paused.error
    paused.approval.refresh_from_db()
    assert paused.approval.status == "stale"


def test_a_worker_that_died_among_the_first_items_does_not_make_them_more(
    ask, approve, work, limited, provider
):
    limited(first=3)
    run = ask("150.00")
    approve(run)
    silent(run)
    plan_effects(run, [Planned(f"letter:{each}", each) for each in LETTERS])
    for each in "ab":
        effect, _ = begin_effect(run, f"letter:{each}")
        answer_effect(effect, {"id": f"made-{each}"}, without_settings())
    recover_lost_runs(door=Door.SCHEDULE)
    assert work(run).status == Status.PAUSED
    assert provider.letters == ["c"]


# --- Limits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "wrong", "tried"),
    [
        ({"failures": 2}, {"a": Refused("No."), "c": Refused("No.")}, "abc"),
        ({"failures": 2}, {"a": Refused("No."), "b": OutcomeUnknown("No answer.")}, "ab"),
        ({"amount": Decimal(30)}, {}, "abc"),
        ({"amount": Decimal(30)}, {"a": Refused("No.")}, "abcd"),
        ({"amount": Decimal("9.99")}, {}, ""),
    ],
)
def test_it_pauses_where_a_limit_is_reached(ask, work, limited, provider, limits, wrong, tried):
    limited(**limits)
    provider.behave = wrong
    run = work(ask("50.00"))
    assert (run.status, "".join(provider.letters)) == (Status.PAUSED, tried)
    assert run.pauses.get().needs_look


def test_what_was_looked_at_does_not_count_again(ask, approve, work, limited, provider, look):
    limited(failures=2)
    provider.behave = {each: Refused("No.") for each in "abcd"}
    run = ask("150.00")
    approve(run)
    work(run)
    look(run)
    assert work(run).status == Status.PAUSED
    assert provider.letters == ["a", "b", "c", "d"]
    look(run)
    assert work(run).status == Status.FAILED
    assert provider.letters == LETTERS


def test_an_item_without_an_answer_that_may_not_be_sent_again_is_left_to_a_person(
    ask, work, limited, provider, task
):
    type(task).objects.filter(pk=task.pk).update(idempotent=False)
    limited(failures=1)
    provider.behave["b"] = OutcomeUnknown("No answer.")
    assert work(ask("50.00")).status == Status.UNCERTAIN


@pytest.fixture
def last_attempt(ask, approve, work, limited) -> Callable[[], Run]:
    """The last attempt of a run that pauses after two items, and that is not all known after it."""

    def act() -> Run:
        limited(first=2)
        run = ask("150.00")
        approve(run)
        Run.objects.filter(pk=run.pk).update(attempt=MAX_ATTEMPTS - 1)
        assert work(run).status == Status.UNCERTAIN
        return run

    return act


@pytest.fixture
def sent_again(work, root) -> Callable[[Run], Run]:
    """Somebody looks and says: send it again."""

    def act(run: Run) -> Run:
        resolve_run(
            run.pk, finding=Finding.SEND_AGAIN, by=root, door=Door.ADMIN, reason="Not at the bank."
        )
        return work(run)

    return act


def test_an_item_without_an_answer_is_sent_again_before_the_run_pauses(
    last_attempt, sent_again, provider
):
    provider.behave["b"] = OutcomeUnknown("No answer.")
    run = last_attempt()
    provider.behave.clear()
    assert sent_again(run).status == Status.PAUSED
    assert provider.letters == ["a", "b", "b"]
    assert states(run) == dict.fromkeys(LETTERS, "not begun") | {"a": "done", "b": "done"}


def test_it_is_sent_again_before_those_that_are_not_begun(last_attempt, sent_again, provider):
    provider.behave = {"b": Busy("Later."), "c": OutcomeUnknown("No answer.")}
    run = last_attempt()
    provider.behave.clear()
    assert sent_again(run).status == Status.PAUSED
    assert provider.letters == ["a", "b", "c", "c"]


def test_one_that_still_has_no_answer_is_left_to_a_person_again(last_attempt, sent_again, provider):
    provider.behave["b"] = OutcomeUnknown("No answer.")
    assert sent_again(last_attempt()).status == Status.UNCERTAIN
    assert provider.letters == ["a", "b", "b"]


def test_an_amount_that_counts_already_does_not_count_again(ask, work, limited, provider):
    limited(amount=Decimal(50))
    provider.behave["e"] = OutcomeUnknown("No answer.")
    run = work(ask("50.00"))
    provider.behave.clear()
    due(run)
    assert work(run).status == Status.SUCCEEDED
    assert run.pauses.count() == 0


def test_where_nobody_could_be_asked_who_administers_the_task_looks(
    ask, work, limited, root, alice, provider
):
    limited(first=1)
    run = work(ask("50.00"))
    assert run.pauses.get().approval is None  # nobody has been given the right to approve
    with pytest.raises(NotPausable, match="You requested this run"):
        resume_run(run.pk, by=alice, door=Door.ADMIN)
    resume_run(run.pk, by=root, door=Door.ADMIN)
    assert work(run).status == Status.SUCCEEDED


# --- A person -------------------------------------------------------------------------------------


def test_a_run_pauses_before_its_next_item_when_its_requester_asks(ask, work, asks_to_pause):
    run = work(ask("50.00"))
    assert (run.status, states(run)["d"]) == (Status.PAUSED, "not begun")
    assert not run.pauses.get().needs_look


def test_it_does_not_pause_before_an_item_that_has_no_answer_yet(ask, work, provider, alice):
    provider.behave = {each: OutcomeUnknown("No answer.") for each in "bd"}
    run = work(ask("50.00"))
    provider.behave.clear()
    pause_run(run.pk, by=alice, door=Door.ADMIN)
    due(run)
    assert work(run).status == Status.SUCCEEDED  # nothing was left to begin
    assert provider.letters == [*LETTERS, "b", "d"]


def test_its_requester_lets_it_go_on(ask, work, asks_to_pause, alice, provider):
    run = work(ask("50.00"))
    resume_run(run.pk, by=alice, door=Door.ADMIN)
    assert work(run).status == Status.SUCCEEDED
    assert provider.letters == LETTERS


def test_others_do_neither(ask, work, asks_to_pause, dave):
    run = work(ask("50.00"))
    with pytest.raises(NotGranted):
        resume_run(run.pk, by=dave, door=Door.ADMIN)
    with pytest.raises(NotGranted):
        pause_run(run.pk, by=dave, door=Door.ADMIN)


def test_a_run_that_is_over_does_not_pause(ask, work, alice, provider):
    run = work(ask("50.00"))
    with pytest.raises(NotPausable, match="Its status is “Succeeded”"):
        pause_run(run.pk, by=alice, door=Door.ADMIN)


def test_a_paused_run_for_which_nobody_comes_expires(ask, work, asks_to_pause, provider):
    run = work(ask("50.00"))
    done = len(provider.letters)
    assert done in (2, 3)  # a heartbeat meanwhile hears of it one item sooner
    with without_guards("tasks_pause"):
        Pause.objects.update(waits_until=Now() - timedelta(seconds=1))
    assert expire_pauses(door=Door.SCHEDULE) == 1
    run.refresh_from_db()
    assert (run.status, run.error.split(". ")[1]) == (
        Status.EXPIRED,
        f"{done} of 5 items were done and stay done",
    )


def test_pauses_do_not_use_up_the_attempts(ask, work, asks_to_pause, provider, alice):
    run = work(ask("50.00"))
    resume_run(run.pk, by=alice, door=Door.ADMIN)
    Run.objects.filter(pk=run.pk).update(attempt=4)
    run.refresh_from_db()
    provider.behave["c"] = OutcomeUnknown("No answer.")
    # Four attempts and one pause: the fifth is not the fifth that went wrong.
    assert work(run).attempt == 5


def test_its_timeline_says_so(paused, look):
    look(paused)
    told = [(entry.what, entry.who) for entry in timeline_of(paused)]
    assert ("Paused", "") in told
    assert ("Resumed", "Bob Example (bob)") in told


def test_its_timeline_says_why_it_paused_each_time_and_who_asked(
    paused, look, work, provider, credit, alice
):
    def take(letter, key):
        if letter == "c":
            pause_run(paused.pk, by=alice, door=Door.ADMIN, reason="The list was wrong")
        return provider.take(letter, key)

    credit.behave = lambda run: run.each("letter", LETTERS, take, key=str)
    look(paused)
    assert work(paused).status == Status.PAUSED
    told = [(entry.what, entry.who, entry.why) for entry in timeline_of(paused)]
    assert [entry for entry in told if not entry[0].startswith("Started")][-4:] == [
        ("Paused", "", "The first 2 items ran. Review the results before the rest runs."),
        ("Resumed", "Bob Example (bob)", ""),
        ("Pause requested", "Alice Example (alice)", "The list was wrong"),
        ("Paused", "", "Paused on request."),
    ]


# --- The database, and races ----------------------------------------------------------------------


@pytest.mark.parametrize("status", ["queued", "running", "succeeded", "cancelled"])
def test_the_database_lets_no_paused_run_go_on_or_end_by_itself(paused, status):
    with pytest.raises(DatabaseError), transaction.atomic():
        Run.objects.filter(pk=paused.pk).update(status=status)


def test_the_database_lets_nobody_go_on_without_the_look(paused, alice, bob):
    for person in (alice, bob):
        with pytest.raises(DatabaseError, match="Somebody else has to look"), transaction.atomic():
            Pause.objects.update(resumed_at=Now(), resumed_by=person)


def test_the_database_lets_no_pause_be_rewritten(paused):
    for change in ({"needs_look": False}, {"why": "x"}, {"seen": {}}, {"approval": None}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Pause.objects.update(**change)


@pytest.mark.parametrize("turn", range(10))
def test_going_on_twice_at_once_happens_once(ask, work, asks_to_pause, alice, provider, turn):
    run = work(ask("50.00"))
    found = at_once(*[lambda: resume_run(run.pk, by=alice, door=Door.ADMIN)] * 2)
    assert sorted(isinstance(each, NotPausable) for each in found) == [False, True]
    assert work(run).status == Status.SUCCEEDED
    assert provider.letters == LETTERS


@pytest.mark.parametrize("turn", range(10))
def test_of_going_on_and_stopping_at_once_one_happens(ask, work, asks_to_pause, alice, turn):
    run = work(ask("50.00"))
    at_once(
        lambda: resume_run(run.pk, by=alice, door=Door.ADMIN),
        lambda: cancel_run(run.pk, by=alice, door=Door.ADMIN),
    )
    pause = run.pauses.get()
    run.refresh_from_db()
    assert (pause.resumed_at is None) != (pause.ended_at is None)
    assert run.status in (Status.CANCELLED, Status.QUEUED)


@pytest.mark.parametrize("turn", range(10))
def test_a_look_and_a_withdrawal_at_once_end_in_one_of_them(paused, alice, look, turn):
    at_once(
        lambda: look(paused),
        lambda: cancel_run(paused.pk, by=alice, door=Door.ADMIN),
    )
    paused.refresh_from_db()
    asked = paused.pauses.get().approval.status
    assert (asked, paused.status) in [("approved", "queued"), ("withdrawn", "cancelled")]


@pytest.mark.parametrize("turn", range(10))
def test_a_pause_at_the_moment_of_the_end_loses_nothing(ask, work, alice, provider, turn):
    run = ask("50.00")
    found = at_once(
        lambda: work(run),
        lambda: pause_run(run.pk, by=alice, door=Door.ADMIN),
    )
    run.refresh_from_db()
    if run.status == Status.PAUSED:
        resume_run(run.pk, by=alice, door=Door.ADMIN)
        work(run)
    assert run.status == Status.SUCCEEDED, found
    assert provider.letters == LETTERS
