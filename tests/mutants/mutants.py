"""Faults to put into the code on purpose, each with the tests that have to notification it.

A mutant replaces one text in one file. It names a promise that would be broken, and the tests by the
names of their files: those that speak of that promise, not all.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

POLICY: Final = "approvals/requests/policy.py"
REVIEW_STATE: Final = "approvals/requests/review_state.py"
PLACES: Final = "approvals/requests/quorum.py"
REQUESTS: Final = "approvals/actions/requests.py"
RUNS: Final = "tasks/actions/runs/lifecycle.py"
EFFECTS: Final = "tasks/actions/runs/effects.py"
DECIDE: Final = "tests/approvals/actions/test_decide.py"
DELEGATES: Final = "tests/approvals/actions/test_delegates.py"
EXECUTION: Final = "tests/tasks/worker/test_execution.py"
GUARD: Final = "tests/approvals/test_guard.py"
JOURNEYS: Final = "tests/journeys/test_journeys.py"
PAIRS: Final = "tests/journeys/test_pairs.py"
OUTBOX: Final = "tests/approvals/notifications/test_outbox.py"
SENDING: Final = "approvals/actions/deliveries.py"
PROPOSING: Final = "tests/tasks/actions/test_proposed_changes.py"
AGREED: Final = "tests/tasks/actions/test_what_is_agreed.py"


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands exactly once in `file`, and becomes `new`."""

    name: str
    file: str
    old: str
    new: str
    tests: str

    def applied_to(self, text: str) -> str:
        """The file with the fault. Raises ValueError when the code is not there, or not once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {text.count(self.old)} times.")
        return text.replace(self.old, self.new)


NOTICED_IN_PLACE: Final = (
    Mutant(
        "a number of a condition is read in one of two ways",
        "tasks/rules/syntax.py",
        "    check_numbers(code)\n",
        "",
        "tests/tasks/rules/test_syntax.py",
    ),
    Mutant(
        "a value of a condition ends its own quotes",
        "tasks/rules/parts.py",
        """.replace('"', '\\\\"'))""",
        ")",
        "tests/tasks/rules/test_parts.py",
    ),
    Mutant(
        "two workers claim the same message",
        SENDING,
        '        .select_for_update(skip_locked=True, of=("self",))\n',
        "",
        OUTBOX,
    ),
    Mutant(
        "who took longer than the lease writes down what became of it",
        SENDING,
        "pk=delivery.pk, status=delivery.status, attempts=delivery.attempts\n",
        "pk=delivery.pk\n",
        OUTBOX,
    ),
    Mutant(
        "what was decided is asked all the same",
        SENDING,
        "    if why := _pointless(delivery):\n",
        "    if False and (why := _pointless(delivery)):\n",
        OUTBOX,
    ),
    Mutant(
        "who may not see a run is told of it",
        "tasks/runs/subscriptions.py",
        " and _may_see(subscription.person, run)",
        "",
        "tests/tasks/runs/test_subscriptions.py",
    ),
    Mutant(
        "who was left alone changes alone",
        "tasks/actions/changes/proposed_changes.py",
        " or was_shared(change.proposed_change.task, by)\n",
        "\n",
        PROPOSING,
    ),
    Mutant(
        "who is away agrees to their own delegate",
        "tasks/actions/changes/delegates.py",
        "return {self.person, self.delegate}\n",
        "return {self.delegate}\n",
        AGREED,
    ),
    Mutant(
        "what a change gives is another than was shown",
        "tasks/actions/changes/proposed_changes.py",
        "    if shown == now:\n",
        "    if shown == now or now:\n",
        AGREED,
    ),
    Mutant(
        "who gains by a change agrees to it",
        "tasks/actions/changes/base.py",
        "*(person.pk for person in gains)",
        "",
        PROPOSING,
    ),
    Mutant(
        "who lost the right to agree is not asked again",
        "tasks/actions/changes/proposed_changes.py",
        "    if not change.could_agree().filter(pk=person.pk).exists():\n",
        "    if False:\n",
        PROPOSING,
    ),
    Mutant(
        "a change is not looked at again when it is made",
        "tasks/actions/changes/proposed_changes.py",
        "    if seal_of_proposed_change(proposed_change) != request.seal:\n",
        "    if False:\n",
        PROPOSING,
    ),
    Mutant(
        "one's own request",
        POLICY,
        "    if request.requested_by_id == person.pk:\n",
        "    if False:\n",
        DECIDE,
    ),
    Mutant(
        "a request whose time is over",
        POLICY,
        "    if request.expires_at <= now:\n",
        "    if False:\n",
        DECIDE,
    ),
    Mutant(
        "something else than was shown",
        POLICY,
        "    if seal != request.seal:\n",
        "    if False:\n",
        DECIDE,
    ),
    Mutant(
        "the email door takes what its link is about for what was shown",
        "approvals/actions/email_links.py",
        "            seal=seal,\n",
        "            seal=link.seal,\n",
        "tests/attacks/test_doors_and_attacks.py",
    ),
    Mutant(
        "a right that is gone still decides",
        PLACES,
        "named_or_member | rights.held_in_stage(whose_place)",
        'named_or_member | ~models.Q(stage__right_held="")',
        "tests/tasks/actions/test_rights_of_reviewers.py",
    ),
    Mutant(
        "a second decision by one person",
        REVIEW_STATE,
        "            if sharing & {decision.decided_by_id, decision.on_behalf_of_id}\n",
        "            if False\n",
        DECIDE,
    ),
    Mutant(
        "one approval is enough for two",
        REVIEW_STATE,
        "if self.approvals(s) < s.needed), None)",
        "if self.approvals(s) < 1), None)",
        DECIDE,
    ),
    Mutant(
        "a rejection ends nothing",
        REVIEW_STATE,
        "    Verdict.REJECT: Status.REJECTED,\n",
        "",
        DECIDE,
    ),
    Mutant(
        "who has left the group still decides",
        PLACES,
        "(own & meant & models.Q(not_before=None))",
        "(own & models.Q(not_before=None))",
        DECIDE,
    ),
    Mutant(
        "who is asked later decides at once",
        PLACES,
        "models.Q(models.Exists(asked_later), not_before__lte=Now())",
        "models.Q(models.Exists(asked_later))",
        "tests/approvals/actions/test_follow_ups.py",
    ),
    Mutant(
        "everybody sees every request",
        POLICY,
        "    return ApprovalRequest.objects.filter(models.Q(requested_by=person) | models.Exists(asked_to))",
        "    return ApprovalRequest.objects.all()",
        "tests/approvals/admin/test_inbox.py",
    ),
    Mutant(
        "one too few still agree at the claim",
        PLACES,
        "all(agreed >= needed for",
        "all(agreed >= needed - 1 for",
        EXECUTION,
    ),
    Mutant(
        "who is deactivated counts at the claim",
        PLACES,
        "        person__is_active=True,\n",
        "",
        EXECUTION,
    ),
    Mutant(
        "two decisions at once, without the lock",
        REQUESTS,
        'ApprovalRequest.objects.select_for_update(of=("self",)).get(pk=request_id)',
        "ApprovalRequest.objects.get(pk=request_id)",
        "tests/approvals/actions/test_races.py",
    ),
    Mutant(
        "who was deactivated in an open session decides",
        REQUESTS,
        ".filter(pk=person.pk, is_active=True)",
        ".filter(pk=person.pk)",
        DECIDE,
    ),
    Mutant(
        "who stands in decides beside who is away",
        REVIEW_STATE,
        "        sharing = {place.person_id, place.on_behalf_of_id} - {None}\n",
        "        sharing = {place.person_id}\n",
        DELEGATES,
    ),
    Mutant(
        "an absence that was ended early counts on",
        PLACES,
        "        ends_at__gt=at,\n        ended_at=None,\n",
        "        ends_at__gt=at,\n",
        DELEGATES,
    ),
    Mutant(
        "who stands in decides after the absence",
        PLACES,
        "        ends_at__gt=at,\n        ended_at=None,\n",
        "        ended_at=None,\n",
        DELEGATES,
    ),
    Mutant(
        "the requester stands in for who decides",
        REQUESTS,
        ".exclude(delegate__in=without)",
        ".exclude(delegate__in=[])",
        DELEGATES,
    ),
    Mutant(
        "the database takes two decisions from one place",
        "approvals/migrations/guards/approvals_decision.sql",
        "ARRAY[earlier.decided_by_id, earlier.on_behalf_of_id]",
        "ARRAY[earlier.decided_by_id]",
        DELEGATES,
    ),
    Mutant(
        "who stands in agrees to it",
        "tasks/actions/changes/delegates.py",
        "return {self.person, self.delegate}\n",
        "return {self.person}\n",
        "tests/tasks/actions/test_delegates.py",
    ),
    Mutant(
        "anybody withdraws",
        REQUESTS,
        "        if request.requested_by_id != by.pk:\n",
        "        if False:\n",
        DECIDE,
    ),
    Mutant(
        "the requester is among those who are asked",
        REQUESTS,
        "    without = {request.requested_by, *spec.without}\n",
        "    without = {*spec.without}\n",
        DECIDE,
    ),
    Mutant(
        "a rejection without a reason",
        REQUESTS,
        "        if verdict in REASON_MISSING and not reason.strip():\n",
        "        if False:\n",
        DECIDE,
    ),
    Mutant(
        "no proof of who agrees",
        "approvals/requests/proofs.py",
        "    return stage.fresh_proof and verdict == Decision.Verdict.APPROVE\n",
        "    return False\n",
        "tests/approvals/requests/test_proofs.py",
    ),
    Mutant(
        "proof from another session",
        "approvals/requests/proofs.py",
        "Proof.objects.filter(person=person, session=digest_of(session))",
        "Proof.objects.filter(person=person)",
        "tests/approvals/requests/test_proofs.py",
    ),
    Mutant(
        "passwords are guessed for ever",
        "approvals/requests/proofs.py",
        "    if failed.count() >= MOST_TRIES:\n",
        "    if False:\n",
        "tests/approvals/requests/test_proofs.py",
    ),
    Mutant(
        "the database takes a decision on something else",
        "approvals/migrations/guards/approvals_decision.sql",
        "    IF NEW.seal <> asked.seal THEN\n",
        "    IF false THEN\n",
        GUARD,
    ),
    Mutant(
        "the database approves without the people",
        "approvals/migrations/guards/approvals_approvalrequest.sql",
        "    IF NEW.status = 'approved' AND NOT approvals_has_quorum(NEW.id) THEN\n",
        "    IF false THEN\n",
        GUARD,
    ),
    Mutant(
        "the database queues what nobody approved",
        "tasks/migrations/guards/tasks_run.sql",
        "            WHERE id = NEW.approval_id AND status = 'approved' AND seal = NEW.seal)",
        "            WHERE id = NEW.approval_id)",
        "tests/tasks/test_guard.py",
    ),
    Mutant(
        "other code than was approved",
        RUNS,
        "    if why := why_outdated(run):\n",
        '    if why := "":\n',
        EXECUTION,
    ),
    Mutant(
        "other values than were approved",
        RUNS,
        "    if seal_of_run(run) != run.seal:\n",
        "    if False:\n",
        EXECUTION,
    ),
    Mutant(
        "who approved is not looked at again",
        RUNS,
        "    if not quorum_holds(request):\n",
        "    if False:\n",
        EXECUTION,
    ),
    Mutant(
        "a requester who lost the right",
        RUNS,
        "    if not allowed(run.requested_by, right, run.task):\n",
        "    if False:\n",
        EXECUTION,
    ),
    Mutant(
        "a late answer of an older attempt",
        RUNS,
        "        if run.status != Status.RUNNING or run.attempt != attempt:\n",
        "        if run.status != Status.RUNNING:\n",
        "tests/tasks/actions/test_lost_runs.py",
    ),
    Mutant(
        "the preview is not made again",
        RUNS,
        "        if why := why_not_as_approved(run):\n",
        '        if why := "":\n',
        "tests/tasks/runs/test_previews.py",
    ),
    Mutant(
        "what is requested is checked before the lock that keeps others out",
        "tasks/actions/runs/drafts.py",
        "    _exclude_others(key, registered)\n    form = _valid(registered, sent)\n",
        "    form = _valid(registered, sent)\n    _exclude_others(key, registered)\n",
        "tests/tasks/runs/test_under_the_lock.py",
    ),
    Mutant(
        "nobody is told that the same file was sent before",
        "tasks/runs/alike.py",
        '    if policy_of(task, registered) == "allow":\n',
        '    if policy_of(task, registered) != "refuse":\n',
        "tests/fixtures/test_credit_many.py",
    ),
    Mutant(
        "what was sent without an answer counts as failed",
        RUNS,
        "        if run.in_doubt and not (outcome.status == Status.PAUSED and may_repeat(run)):\n",
        "        if False:\n",
        EXECUTION,
    ),
    Mutant(
        "what is half done and was held up fails",
        RUNS,
        "        if _is_held_up(run, outcome):\n",
        "        if False:\n",
        "tests/tasks/runs/test_partial.py",
    ),
    Mutant(
        "a limit holds up what has no answer yet",
        "tasks/worker/checkpoints.py",
        "        if item.step in self._unanswered:\n            return\n",
        "",
        "tests/tasks/actions/test_pauses.py",
    ),
    Mutant(
        "a new key at each attempt",
        EFFECTS,
        'return f"bo-{run.pk}-{step}" if generation == 1',
        'return f"bo-{run.pk}-{run.attempt}-{step}" if generation == 1',
        "tests/tasks/actions/test_lost_runs.py tests/tasks/worker/test_execution.py tests/tasks/actions/test_resolutions.py",
    ),
    Mutant(
        "a key that is forgotten is sent again",
        RUNS,
        "        and not sent_too_long_ago(run)\n",
        "",
        "tests/tasks/actions/test_lost_runs.py tests/tasks/worker/test_execution.py",
    ),
    Mutant(
        "two steps of one name, of which one is sent",
        "tasks/worker/steps.py",
        "        if step in self._begun:\n",
        "        if False:\n",
        "tests/tasks/worker/test_every_end.py",
    ),
    Mutant(
        "something is sent whose record would be rolled back",
        "tasks/worker/steps.py",
        "        if is_open(connections[DEFAULT_DB_ALIAS]):\n",
        "        if connections[DEFAULT_DB_ALIAS].in_atomic_block:\n",
        "tests/tasks/worker/test_sessions.py",
    ),
    Mutant(
        "a second database is not rolled back",
        "tasks/databases.py",
        "    with frame(DEFAULT_DB_ALIAS), _around_others(DEFAULT_DB_ALIAS, frame):\n",
        "    with frame(DEFAULT_DB_ALIAS):\n",
        "tests/tasks/test_databases.py",
    ),
    Mutant(
        "a step begins after the stop",
        EFFECTS,
        "    _not_stopped(run)\n    if effect is None:\n",
        "    if effect is None:\n",
        "tests/tasks/actions/test_stops.py",
    ),
    Mutant(
        "the database begins what is stopped",
        "tasks/migrations/guards/tasks_run.sql",
        "    IF NEW.status = 'running' AND OLD.status <> 'running' AND EXISTS (",
        "    IF false AND EXISTS (",
        "tests/tasks/actions/test_stops.py",
    ),
    Mutant(
        "a restore in place is not found",
        "tasks/migrations/guards/tasks_databaseidentity.sql",
        "(present.system_identifier, present.database_oid, known.truly_written_in);",
        "(present.system_identifier, present.database_oid, known.written_in % 4294967296);",
        "tests/tasks/actions/test_restores.py",
    ),
    Mutant(
        "what was done in the time that is lost is done again",
        "tasks/actions/restores/reconciling.py",
        "        if shown.happened and shown.step not in waiting:\n",
        "        if False and shown.step not in waiting:\n",
        "tests/tasks/actions/test_restores.py",
    ),
    Mutant(
        "one person starts again what was stopped",
        "tasks/migrations/guards/tasks_stop.sql",
        "    IF NEW.ended_at IS NOT NULL AND NOT EXISTS (",
        "    IF false AND NOT EXISTS (",
        "tests/tasks/actions/test_stops.py",
    ),
    Mutant(
        "somebody else changes what was asked",
        "tasks/runs/revisions.py",
        "    if run.requested_by_id != person.pk:\n",
        "    if False:\n",
        "tests/tasks/runs/test_revisions.py",
    ),
    Mutant(
        "what is asked anew leaves the old request open",
        "tasks/actions/runs/requests.py",
        "    if run.status == Status.AWAITING_APPROVAL and run.approval_id:\n        approvals.withdraw",
        "    if False:\n        approvals.withdraw",
        "tests/tasks/runs/test_revisions.py",
    ),
    Mutant(
        "a superuser may do anything",
        "tasks/access/rights.py",
        "    if right in (Right.VIEW, Right.CHANGE) and person.is_superuser:\n",
        "    if person.is_superuser:\n",
        "tests/tasks/access/test_rights.py",
    ),
    Mutant(
        "two large sums slip past a limit together",
        "tasks/rules/totals.py",
        "        locks.hold(key)\n",
        "        pass\n",
        "tests/tasks/rules/test_sums.py",
    ),
    Mutant(
        "a rule that can never hold is taken, and never asks",
        "tasks/rules/comparisons.py",
        "    if not can_be(value):\n",
        "    if False:\n",
        "tests/tasks/rules/test_comparisons.py",
    ),
    Mutant(
        "another statement runs than was approved, of a task that a factory made",
        "tasks/declaration/source.py",
        "    for cell in function.__closure__ or ():\n",
        "    for cell in ():\n",
        "tests/tasks/declaration/test_registry.py",
    ),
    Mutant(
        "two runs for one account at once",
        "tasks/runs/concurrency.py",
        "    return locks.try_hold(_name(key), seconds=PATIENCE)\n",
        "    return True\n",
        "tests/tasks/runs/test_concurrency.py",
    ),
    Mutant(
        "two requests at once that exclude each other are both taken",
        "tasks/runs/concurrency.py",
        "    locks.hold(_name(key))\n",
        "    pass\n",
        "tests/tasks/runs/test_concurrency.py",
    ),
    Mutant(
        "two requests at once with the same file are both taken",
        "tasks/runs/alike.py",
        '        locks.hold(f"file {sha256}")\n',
        "        pass\n",
        "tests/tasks/runs/test_alike.py",
    ),
    Mutant(
        "an approval that came while the claim waited is not seen",
        RUNS,
        "        request.refresh_from_db()\n",
        "        pass\n",
        PAIRS,
    ),
    Mutant(
        "what was taken back is asked anew",
        "tasks/runs/revisions.py",
        "    if run.status != Run.Status.RETURNED and not taken_back:\n",
        "    if run.status not in (Run.Status.RETURNED, Run.Status.CANCELLED):\n",
        PAIRS,
    ),
    Mutant(
        "the requester's words go into an email as they were typed",
        "approvals/channels/email/message.py",
        "without_links(cited(request.reason))",
        "request.reason",
        "tests/approvals/channels/test_typed_texts.py",
    ),
    Mutant(
        "the answer to a step is kept with the secrets in it",
        "tasks/secrets/storage.py",
        "masked = redact.value(plain)",
        "masked = plain",
        "tests/tasks/secrets/test_redaction.py",
    ),
    Mutant(
        "what is to be sent waits where runs wait",
        "tasks/queue/messages.py",
        "    lane = get_broker(MESSAGES.queue)\n",
        "    lane = get_broker()\n",
        "tests/tasks/queue/test_lanes.py",
    ),
    Mutant(
        "a connection is used as a task has left it",
        "tasks/worker/sessions.py",
        "    _replace(connection)\n    return",
        "    return",
        "tests/tasks/worker/test_sessions.py",
    ),
    Mutant(
        "a run calls the function of another task, past its approval",
        "tasks/declaration/calling.py",
        "        if _AT_WORK.get():",
        "        if False:",
        "tests/tasks/worker/test_children.py",
    ),
    Mutant(
        "a row that is there with other values counts as imported",
        "tasks/contrib/imports/comparing.py",
        "elif found == row:",
        "elif found:",
        "tests/fixtures/test_imports.py",
    ),
    Mutant(
        "a script outlives its worker",
        "tasks/contrib/script/keeper.py",
        """            if self.leash in ready:
                return "leash\"""",
        """            if self.leash in ready:
                time.sleep(PAUSE)""",
        "tests/tasks/contrib/test_script.py",
    ),
    Mutant(
        "an error of a service counts as a refusal",
        "tasks/contrib/rest/outcomes.py",
        "if status in PERHAPS or status >= 500:",
        "if status in PERHAPS:",
        "tests/tasks/contrib/test_rest.py",
    ),
    Mutant(
        "a value leaves its place in an address",
        "tasks/contrib/rest/calling.py",
        'return quote(text, safe="")',
        "return quote(text)",
        "tests/tasks/contrib/test_rest.py",
    ),
)

# These have to be noticed as well by tests that know nothing of them.
ON_A_JOURNEY: Final = (
    "one's own request",
    "a request whose time is over",
    "something else than was shown",
    "a second decision by one person",
    "one approval is enough for two",
    "a rejection ends nothing",
    "who has left the group still decides",
    "one too few still agree at the claim",
    "who is deactivated counts at the claim",
    "anybody withdraws",
    "the requester is among those who are asked",
    "a rejection without a reason",
    "other code than was approved",
    "other values than were approved",
    "who approved is not looked at again",
    "a requester who lost the right",
    "the preview is not made again",
    "somebody else changes what was asked",
    "what is asked anew leaves the old request open",
    "a superuser may do anything",
)
IN_PAIRS: Final = ("two decisions at once, without the lock",)


def again(names: tuple[str, ...], where: str, tests: str) -> list[Mutant]:
    """The mutants of these names, for other tests."""
    by_name = {mutant.name: mutant for mutant in NOTICED_IN_PLACE}
    return [replace(by_name[name], name=f"{name}, {where}", tests=tests) for name in names]


MUTANTS: Final = (
    *NOTICED_IN_PLACE,
    *again(ON_A_JOURNEY, "on a journey", JOURNEYS),
    *again(IN_PAIRS, "statement by statement", PAIRS),
)
