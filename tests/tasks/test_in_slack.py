"""What Slack may decide of a task is said in its code, up to an amount."""

from dataclasses import replace
from decimal import Decimal

import pytest

from approvals.models import SlackMode
from tasks.in_slack import InSlack
from tasks.registry import registry


@pytest.mark.parametrize(
    ("amount", "mode"), [("150.00", "decide"), ("200.00", "decide"), ("200.01", "link")]
)
def test_it_is_decided_in_slack_up_to_an_amount(ask, credit, amount, mode):
    small = InSlack("decide", up_to=Decimal(200))
    registry._tasks["test-credit"] = replace(credit.registered, slack=small)
    assert ask(amount).approval.slack_mode == mode


@pytest.mark.parametrize("mode", ["off", "notify", "link"])
def test_the_others_hold_for_every_amount(ask, credit, mode):
    registry._tasks["test-credit"] = replace(credit.registered, slack=InSlack(mode))
    assert ask("150.00").approval.slack_mode == mode


def test_without_a_word_there_is_a_link(ask):
    assert ask("150.00").approval.slack_mode == SlackMode.LINK
