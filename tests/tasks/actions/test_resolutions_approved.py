"""A settlement that others have to agree to: proposed, sealed, decided, and done with the decision."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from approvals import actions as approvals
from approvals.models import ApprovalRequest, Notification
from approvals.requests.policy import NotEligible, NotRevisable, OwnRequest, StageSpec
from audit.context import Door
from tasks.access.rights import Right
from tasks.actions import Finding, NotResolved, RuleSpec
from tasks.actions.changes.grants import set_right
from tasks.actions.runs.effects import KEY_LIVES
from tasks.models import Effect, Resolution, Run
from tasks.runs.timeline import timeline_of
from tests.owner import without_guards
from tests.people import join, person
from tests.rules import save_rule

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status


@pytest.fixture
def for_resolving(task, administrator, approvers, bob):
    """A rule of the task asks the approvers, of whom Carol is one, to agree to settlements, too."""
    join(person("Frank"), approvers)
    return save_rule(
        task.pk,
        spec=RuleSpec("Two look", "amount < 100", groups=[approvers], for_resolving=True),
        by=administrator,
        door=Door.ADMIN,
        reason="Money",
    )


@pytest.fixture
def proposed(uncertain, for_resolving, resolve):
    run = resolve(uncertain, Finding.HAPPENED)
    assert run.status == Status.UNCERTAIN
    return Resolution.objects.get()


@pytest.fixture
def decide():
    def decide_it(resolution, by, verdict="approve", reason=""):
        request = resolution.approval
        approvals.decide(
            request.pk,
            decided_by=by,
            verdict=verdict,
            seal=request.seal,
            door=Door.ADMIN,
            reason=reason,
        )
        resolution.refresh_from_db()
        resolution.run.refresh_from_db()

    return decide_it


def test_it_waits_for_the_people_of_the_rule(proposed, bob):
    request = proposed.approval
    assert (request.status, request.requested_by) == ("pending", proposed.resolved_by)
    reviewers = request.stages.get().reviewers.values_list("person__username", flat=True)
    assert sorted(reviewers) == ["bob", "frank"]


def test_it_shows_what_was_found_and_what_follows(proposed):
    facts = dict(proposed.approval.shown["facts"])
    assert facts["Found"] == "It happened. Mark the run as succeeded"
    assert facts["What happens next"].startswith("The run ends as succeeded")
    assert facts["Amount"] == "50.00 USD"


def test_it_shows_the_look_up_whether_or_not_its_author_named_it(
    uncertain, for_resolving, resolve, look, shows
):
    shows(happened=True, what="There it is.")
    look(uncertain)
    resolve(uncertain, Finding.HAPPENED)
    assert (
        "pay: There it is." in dict(Resolution.objects.get().approval.shown["facts"])["Looked up"]
    )


def test_a_look_up_since_that_shows_something_else_makes_it_outdated(
    uncertain, for_resolving, resolve, look, shows, decide, bob
):
    shows(happened=None)
    look(uncertain)
    resolve(uncertain, Finding.HAPPENED)
    shows(happened=False)
    look(uncertain)
    resolution = Resolution.objects.get()
    decide(resolution, bob)
    assert (resolution.run.status, resolution.approval.status) == (Status.UNCERTAIN, "stale")


def test_it_follows_when_they_agree(proposed, decide, bob):
    decide(proposed, bob)
    assert proposed.applied_at
    assert proposed.run.status == Status.SUCCEEDED
    assert "Recorded by Carol Example: Looked at" in proposed.run.output["text"]


def test_who_proposed_it_does_not_decide_it(proposed, decide, administrator):
    with pytest.raises(OwnRequest):
        decide(proposed, administrator)


def test_who_asked_for_the_run_does_not_decide_it(
    uncertain, task, administrator, approvers, bob, alice, resolve, decide
):
    join(alice, approvers)
    spec = RuleSpec("Two look", "true", groups=[approvers], for_resolving=True)
    save_rule(task.pk, spec=spec, by=administrator, door=Door.ADMIN)
    resolve(uncertain, Finding.HAPPENED)
    with pytest.raises(NotEligible):
        decide(Resolution.objects.get(), alice)


@pytest.mark.parametrize("end", ["rejected", "withdrawn", "expired"])
def test_what_is_not_agreed_to_is_dropped_and_the_run_can_be_resolved_in_another_way(
    proposed, decide, bob, administrator, resolve, end
):
    if end == "rejected":
        decide(proposed, bob, "reject", "Look again")
    if end == "withdrawn":
        approvals.withdraw(proposed.approval_id, by=administrator, door=Door.ADMIN)
    if end == "expired":
        with without_guards("approvals_approvalrequest"):
            ApprovalRequest.objects.update(expires_at=Now())
        approvals.expire_due(door=Door.SCHEDULE)
    proposed.refresh_from_db()
    assert proposed.dropped_at
    assert not proposed.applied_at
    resolve(proposed.run, Finding.DID_NOT)
    assert Resolution.objects.count() == 2


def test_nothing_else_is_resolved_while_it_waits(proposed, resolve):
    with pytest.raises(NotResolved, match="Carol Example has already proposed"):
        resolve(proposed.run, Finding.DID_NOT)


def test_a_rule_that_is_not_for_resolving_asks_nobody(uncertain, task, administrator, resolve):
    save_rule(task.pk, spec=RuleSpec("All", "true"), by=administrator, door=Door.ADMIN)
    assert resolve(uncertain, Finding.HAPPENED).status == Status.SUCCEEDED


def test_a_rule_for_other_values_asks_nobody(uncertain, task, administrator, resolve):
    spec = RuleSpec("Large", "amount > 4000", for_resolving=True)
    save_rule(task.pk, spec=spec, by=administrator, door=Door.ADMIN)
    assert resolve(uncertain, Finding.HAPPENED).status == Status.SUCCEEDED


def test_every_rule_for_resolving_asks_when_the_code_is_another(
    uncertain, task, administrator, resolve, deploy
):
    spec = RuleSpec("Large", "amount > 4000", for_resolving=True)
    save_rule(task.pk, spec=spec, by=administrator, door=Door.ADMIN)
    set_right(task, Right.APPROVE, to=person("Gina"))
    deploy(source_hash="2" * 64)
    assert resolve(uncertain, Finding.HAPPENED).status == Status.UNCERTAIN


def is_out_of_date(proposed):
    proposed.approval.refresh_from_db()
    assert proposed.approval.status == ApprovalRequest.Status.STALE
    assert (bool(proposed.dropped_at), proposed.applied_at) == (True, None)
    assert proposed.run.status == Status.UNCERTAIN


def test_a_key_that_has_grown_too_old_meanwhile_is_not_sent(
    uncertain, for_resolving, idempotent, resolve, decide, bob
):
    resolve(uncertain, Finding.SEND_AGAIN)
    proposed = Resolution.objects.get()
    Effect.objects.update(sent_at=Now() - KEY_LIVES)
    decide(proposed, bob)
    is_out_of_date(proposed)


def test_a_proposer_who_lost_the_right_makes_it_out_of_date(
    proposed, decide, bob, task, administrator
):
    set_right(task, None, to=administrator)
    decide(proposed, bob)
    is_out_of_date(proposed)


def test_a_new_key_that_was_agreed_to_is_sent(
    uncertain, for_resolving, idempotent, over, shows, look, resolve, decide, bob, work, credit
):
    shows(happened=False)
    resolve(uncertain, Finding.NEW_KEY, look=look(uncertain).id)
    shows(happened=True)  # a later look changes nothing of what was agreed to
    decide(Resolution.objects.get(), bob)
    credit.behave = lambda run: run.once("pay", lambda key: {})
    assert work(uncertain).status == Status.SUCCEEDED
    assert uncertain.effects.count() == 2


def test_the_one_who_asked_hears_of_the_proposed_change_and_of_its_end(
    proposed, decide, bob, alice
):
    decide(proposed, bob)
    events = (
        Notification.objects.filter(person=alice).order_by("id").values_list("event", flat=True)
    )
    assert list(events) == ["run_uncertain", "run_resolution_proposed", "run_resolved"]


# --- The database ---------------------------------------------------------------------------------


def test_what_somebody_found_is_not_sent_back(proposed, decide, bob):
    with pytest.raises(NotRevisable):
        decide(proposed, bob, "change", "Look again")


def refuses(sql):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_database_applies_nothing_that_waits(proposed):
    refuses("UPDATE tasks_resolution SET applied_at = now()")


@pytest.mark.parametrize(
    "change", ["finding = 'did_not'", "reason = 'x'", "looked_up = '[1]'", "approval_id = NULL"]
)
def test_the_database_changes_nothing_of_what_was_proposed(proposed, change):
    refuses(f"UPDATE tasks_resolution SET {change}")  # noqa: S608


@pytest.mark.parametrize("asked_by", ["administrator", "bob"])
def test_the_database_takes_no_proposed_change_that_is_applied_or_asked_by_another(
    uncertain, administrator, bob, approvers, request, asked_by
):
    asked = approvals.open_request(
        title="Settle it",
        shown={},
        seal="x" * 64,
        requested_by=request.getfixturevalue(asked_by),
        door=Door.ADMIN,
        stages=[StageSpec("Approvers", 1, [approvers])],
    )
    applied = "now()" if asked_by == "administrator" else "NULL"
    refuses(f"""
        INSERT INTO tasks_resolution
            (run_id, finding, reason, resolved_by_id, looked_up, approval_id, applied_at)
        VALUES ('{uncertain.pk}', 'happened', 'x', {administrator.pk}, '[]', '{asked.pk}', {applied})
    """)  # noqa: S608


def test_the_timeline_says_what_was_proposed_and_that_it_went_on(
    uncertain, for_resolving, idempotent, resolve, decide, bob
):
    resolve(uncertain, Finding.SEND_AGAIN)
    decide(Resolution.objects.get(), bob)
    proposed_change, decision = [
        (entry.what, entry.who, entry.door) for entry in timeline_of(uncertain)
    ][-2:]
    what = "Investigated. Proposed resolution: It did not happen. Retry with the same key"
    assert proposed_change == (what, "Carol Example (carol)", "the web")
    assert decision[0] == "Queued again after investigation"
