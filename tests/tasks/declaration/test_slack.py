"""What Slack may decide of a task is said in its code, up to an amount."""

from dataclasses import replace
from decimal import Decimal
from typing import get_args

import pytest

from approvals import channels
from approvals.models import SlackMode
from approvals.models.deliveries import Delivery
from tasks.checks import check_tasks
from tasks.declaration.errors import Refused
from tasks.declaration.registry import registry
from tasks.declaration.slack import InSlack, Mode
from tests.approvals.channels.memory import Memory


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


# --- What is told later --------------------------------------------------------------------------


@pytest.fixture
def slack():
    """A channel of Slack's name, and one of another."""
    with channels.temporarily(Memory("slack"), Memory("other")):
        yield


def said(channel):
    told = Delivery.objects.filter(channel=channel, event="run_failed", person__username="alice")
    return [delivery.text for delivery in told]


ALL_OF_IT = "Failed: “Test credit: {}.00 USD”. The card is closed."


@pytest.mark.parametrize("amount", ["50", "150"], ids=["without approval", "approved"])
@pytest.mark.parametrize(
    ("mode", "there"),
    [("off", []), ("notify", ["Test credit: the status of a run is “Failed”"]), ("link", [ALL_OF_IT]),
     ("decide", [ALL_OF_IT])],
)  # fmt: skip
def test_what_is_told_of_a_run_keeps_to_the_mode(
    ask, approve, work, credit, slack, mode, there, amount
):
    def refuse(run):
        raise Refused("The card is closed.")

    credit.behave = refuse
    registry._tasks["test-credit"] = replace(credit.registered, slack=InSlack(mode))
    run = ask(f"{amount}.00")
    if run.needs_approval:
        approve(run)
    work(run)
    assert said("slack") == [text.format(amount) for text in there]
    assert said("other") == [ALL_OF_IT.format(amount)]


def test_the_modes_are_those_of_a_request():
    assert list(get_args(Mode.__value__)) == SlackMode.values


@pytest.mark.parametrize("wrong", [{"mode": "loud"}, {"mode": "link", "up_to": Decimal(5)}])
def test_a_wrong_mode_is_found_by_a_check(task, deploy, wrong):
    deploy(recorded=False, slack=InSlack(**wrong))
    assert [problem.id for problem in check_tasks()] == ["tasks.E013"]
