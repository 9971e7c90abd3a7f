from datetime import timedelta

import pytest

from approvals import actions, channels
from approvals.models import ApprovalRequest
from approvals.models.deliveries import Delivery
from approvals.requests.policy import StageSpec
from audit.context import Door
from tests.approvals.channels.memory import Memory

SEAL = "5ea1" * 16


@pytest.fixture
def ask(alice, bob, carol, approvers):
    """Alice puts a question to Bob and Carol."""

    def open_one(*, needed=1, stages=None, waits_for=timedelta(days=1), by=alice, **more):
        return actions.open_request(
            title=more.pop("title", "Issue credit: 150.00 USD"),
            shown=more.pop("shown", {"facts": [["Amount", "150.00 USD"]], "changes": []}),
            seal=more.pop("seal", SEAL),
            requested_by=by,
            door=Door.ADMIN,
            stages=stages or [StageSpec("Managers", needed, [approvers])],
            reason=more.pop("reason", "The parcel was late"),
            waits_for=waits_for,
            **more,
        )

    return open_one


@pytest.fixture
def decide():
    def decide_it(request: ApprovalRequest, by, verdict="approve", *, seal=None, reason=""):
        return actions.decide(
            request.pk,
            decided_by=by,
            verdict=verdict,
            seal=seal or request.seal,
            door=Door.ADMIN,
            reason=reason,
        )

    return decide_it


@pytest.fixture
def memory():
    """A channel of our own, and no other."""
    channel = Memory()
    with channels.temporarily(channel):
        yield channel


@pytest.fixture
def outbox():
    """Each address with what has become of its message."""
    return lambda: dict(Delivery.objects.values_list("address", "status"))
