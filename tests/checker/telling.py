"""Promise 8 and the door of Slack: what is told goes out, and who decides there is known there."""

from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.invariants import invariant


@invariant(8)
def no_message_is_left_by_its_sender(evidence: Evidence) -> Iterator[str]:
    """No message is being sent whose sender's lease ran out longer ago than the grace.

    Those of a channel that has stopped wait until somebody has mended it.
    """
    for message, channel, until in evidence.rows("""
        SELECT id, channel, lease_until FROM approvals_delivery
        WHERE status = 'sending' AND (lease_until IS NULL OR lease_until < now() - %(grace)s)
            AND channel NOT IN (SELECT channel FROM approvals_channelshutdown)
        ORDER BY id
    """):
        yield f"Message {message} by {channel} was left alone by its sender, with a lease until {until}."


@invariant(3)
def who_decided_in_slack_was_known_there(evidence: Evidence) -> Iterator[str]:
    """Who decided in Slack had a link that was confirmed before and had not ended."""
    for request, person in evidence.rows("""
        SELECT decision.request_id, decision.decided_by_id FROM approvals_decision decision
        WHERE decision.door = 'slack' AND NOT EXISTS (
            SELECT FROM approvals_slacklink link
            WHERE link.person_id = decision.decided_by_id
                AND link.confirmed_at <= decision.decided_at
                AND coalesce(link.ended_at, 'infinity') >= decision.decided_at)
        ORDER BY decision.id
    """):
        yield f"Person {person} decided request {request} in Slack without a link at that time."


@invariant(3)
def slack_decided_only_what_it_may(evidence: Evidence) -> Iterator[str]:
    """What was decided in Slack was open to that, and asked for no fresh proof."""
    for request, mode in evidence.rows("""
        SELECT request.id, request.slack_mode FROM approvals_decision decision
        JOIN approvals_approvalrequest request ON request.id = decision.request_id
        JOIN approvals_stage stage ON stage.id = decision.stage_id
        WHERE decision.door = 'slack' AND (request.slack_mode <> 'decide' OR stage.fresh_proof)
        ORDER BY decision.id
    """):
        yield f"Request {request} was decided in Slack, which may show “{mode}” of it."
