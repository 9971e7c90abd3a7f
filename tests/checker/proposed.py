"""Promise 3 for what decides about runs: rules and rights change when another person has agreed."""

from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.invariants import invariant


@invariant(3)
def what_was_changed_was_agreed_to(evidence: Evidence) -> Iterator[str]:
    """A change that was made has the approval of somebody else, under the seal of its request."""
    for proposed_change, person in evidence.rows("""
        SELECT proposed.id, proposed.proposed_by_id FROM tasks_proposedchange proposed
        WHERE proposed.applied_at IS NOT NULL AND proposed.approval_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM approvals_approvalrequest request
                JOIN approvals_decision yes ON yes.request_id = request.id
                WHERE request.id = proposed.approval_id AND request.status = 'approved'
                    AND yes.verdict = 'approve' AND yes.seal = request.seal
                    AND yes.decided_by_id <> proposed.proposed_by_id)
        ORDER BY proposed.id
    """):
        yield f"Proposal {proposed_change} of person {person} was made, and nobody else agreed to it."


@invariant(3)
def nobody_changes_alone_what_was_shared(evidence: Evidence) -> Iterator[str]:
    """A change is made alone only where nobody else had been an administrator before."""
    # Members of groups that administer a task are not looked for here: who was in which group when
    # is told by two histories together.
    for proposed_change, person, other in evidence.rows("""
        SELECT proposed.id, proposed.proposed_by_id, min(earlier.person)
        FROM tasks_proposedchange proposed JOIN (
            SELECT id AS person, NULL::bigint AS task, recorded_at
            FROM backoffice_historicaluser WHERE is_superuser AND is_active
            UNION ALL SELECT held.user_id, held.content_object_id, held.recorded_at
            FROM tasks_historicaltaskuserpermission held
            JOIN auth_permission permission ON permission.id = held.permission_id
            WHERE permission.codename = 'change_task') earlier
            ON earlier.person <> proposed.proposed_by_id
            AND (earlier.task IS NULL OR earlier.task = proposed.task_id)
            AND earlier.recorded_at < proposed.proposed_at
        WHERE proposed.approval_id IS NULL
        GROUP BY proposed.id, proposed.proposed_by_id ORDER BY proposed.id
    """):
        yield f"Person {person} made proposal {proposed_change} alone, and person {other} could have agreed."


@invariant(3)
def rules_come_and_go_by_proposed_change(evidence: Evidence) -> Iterator[str]:
    """A rule that replaced another, or has ended, was proposed so."""
    # Rules that were written before there were proposals (written_in = 0) are let pass.
    for rule, name in evidence.rows("""
        SELECT rule.id, rule.name FROM tasks_approvalrule rule
        WHERE rule.written_in <> 0 AND (
            (rule.replaces_id IS NOT NULL AND rule.brought_by_id IS NULL)
            OR (rule.ended_at <= now() AND NOT EXISTS (SELECT FROM tasks_proposedchange proposed
                WHERE proposed.rule_id = rule.id AND proposed.applied_at IS NOT NULL)))
        ORDER BY rule.id
    """):
        yield f"Rule {rule}, “{name}”, came or went, and nobody had proposed that."
