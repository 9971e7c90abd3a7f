"""Two decisions at the same instant, on PostgreSQL, with threads. Attack 5."""

import pytest

from approvals.models import ApprovalRequest, Decision
from approvals.signals import request_decided
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 20


@pytest.fixture
def closings():
    """Every message that a request has been decided."""
    heard = []

    def hear(request, **_):
        heard.append(request.pk)

    request_decided.connect(hear)
    yield heard
    request_decided.disconnect(hear)


def test_the_last_two_of_two_approvals_close_the_request_exactly_once(
    ask, decide, bob, carol, closings
):
    for _ in range(ROUNDS):
        request = ask(needed=2)
        results = at_once(lambda r=request: decide(r, bob), lambda r=request: decide(r, carol))
        assert not [r for r in results if isinstance(r, Exception)]
        request.refresh_from_db()
        assert request.status == ApprovalRequest.Status.APPROVED
        assert closings.count(request.pk) == 1


def test_two_approvals_where_one_is_needed_close_the_request_once(
    ask, decide, bob, carol, closings
):
    for _ in range(ROUNDS):
        request = ask()
        at_once(lambda r=request: decide(r, bob), lambda r=request: decide(r, carol))
        assert closings.count(request.pk) == 1
        assert Decision.objects.filter(request=request).count() == 1


def test_approving_and_rejecting_at_once_gives_one_of_the_two(ask, decide, bob, carol, closings):
    for _ in range(ROUNDS):
        request = ask()
        at_once(
            lambda r=request: decide(r, bob),
            lambda r=request: decide(r, carol, "reject", reason="no"),
        )
        assert closings.count(request.pk) == 1
        request.refresh_from_db()
        verdict = Decision.objects.get(request=request).verdict
        assert request.status == {"approve": "approved", "reject": "rejected"}[verdict]


def test_one_person_in_two_windows_has_one_decision(ask, decide, bob):
    for _ in range(ROUNDS):
        request = ask(needed=2)
        at_once(lambda r=request: decide(r, bob), lambda r=request: decide(r, bob))
        assert Decision.objects.filter(request=request).count() == 1
