"""Attack 13: what is pressed in Slack. A signed click of a linked person counts, once; nothing else."""

import json
import logging
import time

import pytest

from approvals import actions
from approvals.actions import pump
from approvals.actions.slack import NotLinked
from approvals.models import Decision, SlackMode
from approvals.models.deliveries import Delivery
from approvals.requests.policy import NotAtThisDoor, StageSpec
from audit.context import Door
from audit.models import Event
from tests.approvals.channels.slack import (
    BOB,
    CAROL,
    buttons_of,
    deliver,
    link,
    newest,
    slack,
    text_of,
    whispers,
)
from tests.doubles.slack.interactions import signed
from tests.races import at_once

__all__ = ["slack"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked(ask, slack, bob, carol):
    link(bob, BOB)
    link(carol, CAROL)
    request = ask(slack_mode=SlackMode.DECIDE)
    pump()
    return request


def press(slack, action="approve", by=BOB, **other):
    return slack.click(by, newest(slack, BOB), action, **other)


def nothing_happened(request):
    request.refresh_from_db()
    return request.status == "pending" and not Decision.objects.exists()


# --- What it is for -------------------------------------------------------------------------------


def test_a_click_approves_as_the_linked_person(asked, slack, bob):
    assert press(slack).is_good
    decision = Decision.objects.get()
    assert (decision.decided_by, decision.door, decision.verdict) == (bob, "slack", "approve")
    assert "Approved by Bob Example via Slack" in text_of(newest(slack, BOB))
    assert buttons_of(newest(slack, BOB)) == ["open"]


def test_approving_asks_once_more_before_it_is_sent(asked, slack):
    (row,) = [block for block in newest(slack, BOB)["blocks"] if block["type"] == "actions"]
    assert row["elements"][0]["confirm"]["title"]["text"] == "Approve?"


def test_the_history_says_that_it_was_slack(asked, slack, bob):
    press(slack)
    row = Decision.history.get()
    assert (row.history_user_id, row.history_door) == (bob.pk, "slack")


def test_a_rejection_takes_a_reason_in_a_modal(asked, slack, bob):
    assert press(slack, "reject").is_good
    reaction = slack.submit(BOB, {"reason": "   "})
    assert "Enter a reason for rejecting it" in reaction.body["errors"]["reason"]
    assert nothing_happened(asked)
    assert slack.submit(BOB, {"reason": "Too much"}).is_good
    decision = Decision.objects.get()
    assert (decision.verdict, decision.reason) == ("reject", "Too much")
    assert "Too much" in text_of(newest(slack, BOB))
    assert slack.views(BOB) == []


def test_a_rejection_for_which_slack_opens_no_window_says_so(asked, slack):
    """The trigger of a click is good for three seconds, and once."""
    assert press(slack, "reject", trigger_id="1.2.none").is_good
    assert slack.views(BOB) == []
    assert nothing_happened(asked)
    assert "Slack did not open the window" in whispers(slack, BOB)[-1]


def test_to_open_the_page_is_no_answer(asked, slack):
    assert press(slack, "open", actions=[{"action_id": "open", "type": "button"}]).is_good
    assert nothing_happened(asked)


def test_it_is_decided_before_slack_is_answered_and_slack_is_answered_though_it_is_slow(
    asked, slack
):
    hang = slack.fault("hang", method="chat.*", seconds=30)
    reaction = press(slack)
    hang.release()
    assert reaction.is_good
    assert Decision.objects.exists()
    assert newest(slack, BOB)["edits"] == 0
    pump()
    assert buttons_of(newest(slack, BOB)) == ["open"]


# --- Who ------------------------------------------------------------------------------------------


def test_an_account_that_is_nobodys_decides_nothing_and_is_told_so_alone(asked, slack, bob):
    actions.end_slack_link(bob, by=bob, door=Door.ADMIN)
    assert press(slack).is_good
    assert nothing_happened(asked)
    assert "not linked to anybody" in whispers(slack, BOB)[-1]
    refused = Event.objects.filter(verb=Event.Verb.REFUSED, door=Door.SLACK)
    assert refused.get().subject_id == str(asked.pk)


def test_the_name_and_address_of_an_approver_in_slack_are_nothing(asked, slack, bob):
    """Carol's account takes on Bob's name and address. Its id is still hers."""
    slack.add_person("U0EVE", "bob@example.com", real_name="Bob Example", name="bob")
    press(slack, by="U0EVE")
    assert nothing_happened(asked)


@pytest.mark.parametrize(
    "other",
    [
        {"team": {"id": "T0OTHER", "domain": "other"}},
        {"team": None},
        {"user": {"id": BOB, "team_id": "T0OTHER"}},
        {"user": {"id": BOB}},
        {"user": {"username": "bob"}},
    ],
    ids=["other team", "no team", "guest of another", "no team of the user", "no id"],
)
def test_another_workspace_decides_nothing(asked, slack, other):
    press(slack, **other)
    assert nothing_happened(asked)


def test_who_asked_cannot_approve_it_there(ask, slack, alice, bob, carol):
    link(alice, "U0ALICE")
    link(bob, BOB)
    slack.add_person("U0ALICE", "alice@example.com")
    request = ask(slack_mode=SlackMode.DECIDE)
    pump()
    press(slack, by="U0ALICE")
    assert nothing_happened(request)
    assert "You requested this" in whispers(slack, "U0ALICE")[-1]


def test_a_closed_account_decides_nothing(asked, slack, bob):
    bob.is_active = False
    bob.save()
    press(slack)
    assert nothing_happened(asked)


# --- What -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [SlackMode.OFF, SlackMode.NOTIFY, SlackMode.LINK])
@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_a_button_made_up_for_what_is_not_decided_there_is_refused(
    ask, asked, slack, bob, mode, verdict
):
    """Somebody who can post as the app puts a button of their own before Bob."""
    other = ask(slack_mode=mode)
    value = json.dumps({"r": str(other.pk), "s": other.seal})
    action = {"action_id": verdict, "type": "button", "value": value, "block_id": "b"}
    press(slack, verdict, actions=[action])
    assert nothing_happened(other)
    assert slack.views(BOB) == []


def test_fresh_proof_cannot_be_given_there(ask, slack, bob, carol, approvers):
    link(bob, BOB)
    stages = [StageSpec("Large", 1, [approvers], fresh_proof=True)]
    request = ask(slack_mode=SlackMode.DECIDE, stages=stages)
    pump()
    value = json.dumps({"r": str(request.pk), "s": request.seal})
    for verdict in ("approve", "reject"):
        action = {"action_id": verdict, "type": "button", "value": value}
        slack.click(BOB, newest(slack, BOB), "open", actions=[action])
    assert nothing_happened(request)
    assert "cannot be decided in Slack" in whispers(slack, BOB)[-1]


def test_what_was_not_shown_is_not_decided(asked, slack):
    value = json.dumps({"r": str(asked.pk), "s": "0" * 64})
    action = {"action_id": "approve", "type": "button", "value": value}
    press(slack, actions=[action])
    assert nothing_happened(asked)
    assert "The request has changed since you opened it" in whispers(slack, BOB)[-1]


@pytest.mark.parametrize("value", ["", "x", "[]", '{"r": 1, "s": 2}', "null", '{"r": "x"}'])
def test_a_value_that_is_none_of_ours_is_let_be(asked, slack, value):
    action = {"action_id": "approve", "type": "button", "value": value}
    assert press(slack, actions=[action]).is_good
    assert nothing_happened(asked)


def test_a_late_click_is_refused_and_heals_its_message(asked, slack, decide, carol):
    decide(asked, carol, "reject", reason="No")
    press(slack)
    assert Decision.objects.count() == 1
    assert "already closed" in whispers(slack, BOB)[-1]
    message = newest(slack, BOB)
    assert "Rejected by Carol Example" in text_of(message)
    assert buttons_of(message) == ["open"]


def test_a_late_click_on_reject_opens_nothing(asked, slack, decide, carol):
    decide(asked, carol)
    press(slack, "reject")
    assert slack.views(BOB) == []
    assert buttons_of(newest(slack, BOB)) == ["open"]


def test_a_modal_that_is_sent_too_late_says_so(asked, slack, decide, carol):
    press(slack, "reject")
    decide(asked, carol)
    reaction = slack.submit(BOB, {"reason": "Too much"})
    assert "already closed" in reaction.body["errors"]["reason"]
    assert Decision.objects.count() == 1


def test_a_copy_that_nobody_knows_of_heals_as_well(asked, slack, decide, carol):
    """The answer to the first post was lost, and it was sent a second time."""
    Delivery.objects.filter(address=BOB).update(status="queued", external={})
    pump()
    first, second = slack.messages(BOB)
    decide(asked, carol)
    pump()
    assert [buttons_of(m) for m in slack.messages(BOB)] == [buttons_of(first), ["open"]]
    slack.click(BOB, first, "approve")
    copies = [each for each in slack.messages(BOB) if not each.get("only_for")]
    assert [buttons_of(each) for each in copies] == [["open"], ["open"]]
    assert Decision.objects.count() == 1
    assert first["ts"] != second["ts"]


# --- Forged and replayed --------------------------------------------------------------------------


def body_of(slack):
    return slack.click_of(BOB, newest(slack, BOB), "approve")


def test_the_same_bytes_again_are_refused_and_on_record(asked, slack):
    body, headers = signed(body_of(slack), slack.secret)
    assert [deliver(body, headers)[0] for _ in range(2)] == [200, 200]
    assert Decision.objects.count() == 1
    assert Event.objects.filter(verb=Event.Verb.REFUSED, door=Door.SLACK).count() == 1


def test_a_wrong_secret_is_refused(asked, slack):
    assert slack.send(body_of(slack), secret="guessed").status == 401
    assert nothing_happened(asked)


@pytest.mark.parametrize("seconds", [-301, 31, 301])
def test_what_is_old_or_from_the_future_is_refused(asked, slack, seconds):
    assert slack.send(body_of(slack), at=time.time() + seconds).status == 401
    assert nothing_happened(asked)


def test_a_clock_that_is_a_little_wrong_is_not(asked, slack):
    assert slack.send(body_of(slack), at=time.time() + 20).status == 200
    assert Decision.objects.exists()


@pytest.mark.parametrize("stamp", ["", "abc", "-1", "1e9", "١٢٣", "1700000000, 1700000001"])
def test_a_time_that_is_none_is_refused_and_breaks_nothing(asked, slack, stamp):
    body, headers = signed(body_of(slack), slack.secret)
    assert deliver(body, headers | {"X-Slack-Request-Timestamp": stamp})[0] == 400
    assert nothing_happened(asked)


def test_a_body_that_was_changed_is_refused(asked, slack):
    body, headers = signed(body_of(slack), slack.secret)
    assert deliver(body.replace(b"approve", b"reject_"), headers)[0] == 401
    assert deliver(body + b"&payload=%7B%7D", headers)[0] == 401
    assert nothing_happened(asked)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Slack-Signature", ""),
        ("X-Slack-Signature", "v0="),
        ("X-Slack-Signature", "v1=00"),
        ("Content-Type", "application/json"),
    ],
)
def test_headers_that_do_not_fit_are_refused(asked, slack, name, value):
    body, headers = signed(body_of(slack), slack.secret)
    status, _ = deliver(body, headers | {name: value})
    assert 400 <= status < 500
    assert nothing_happened(asked)


def test_bytes_that_are_no_text_are_refused(slack):
    _, headers = signed({}, slack.secret)
    assert deliver(b"payload=\xff\xfe", headers)[0] == 400


def test_what_is_wrongly_signed_is_not_written_into_the_log(asked, slack, caplog):
    with caplog.at_level(logging.INFO):
        slack.send(body_of(slack), secret="guessed")
    assert asked.seal not in caplog.text


def test_without_a_secret_there_is_no_such_address(slack, settings):
    settings.SLACK_SIGNING_SECRET = ""
    body, headers = signed({}, "")
    assert deliver(body, headers)[0] == 404


@pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
def test_a_look_at_the_address_decides_nothing(client, slack, method):
    assert getattr(client, method)("/slack/").status_code == 405


# --- Races ----------------------------------------------------------------------------------------


def test_of_twelve_clicks_at_once_one_counts(asked, slack):
    payloads = [slack.click_of(user, newest(slack, user), "approve") for user in (BOB, CAROL) * 6]
    found = at_once(*(lambda p=payload: slack.send(p) for payload in payloads))
    assert all(reaction.status == 200 for reaction in found)
    assert Decision.objects.count() == 1


def test_a_link_that_is_ended_at_the_same_instant_counts_before_or_not_at_all(asked, slack, bob):
    def approve():
        return actions.decide_in_slack(
            asked.pk, team=slack.team, user=BOB, verdict="approve", seal=asked.seal
        )

    decided, ended = at_once(approve, lambda: actions.end_slack_link(bob, by=bob, door=Door.ADMIN))
    assert ended is None
    assert isinstance(decided, NotLinked) != Decision.objects.exists()


# --- What Slack may not decide --------------------------------------------------------------------


@pytest.mark.parametrize("mode", [SlackMode.OFF, SlackMode.NOTIFY, SlackMode.LINK])
def test_what_slack_may_only_show_is_refused_with_a_sentence(ask, slack, bob, mode):
    link(bob, BOB)
    request = ask(slack_mode=mode)
    with pytest.raises(NotAtThisDoor, match="Open it in the browser"):
        actions.decide_in_slack(
            request.pk, team=slack.team, user=BOB, verdict="approve", seal=request.seal
        )
    assert nothing_happened(request)


def test_what_asks_for_fresh_proof_is_refused_with_a_sentence(ask, slack, bob, approvers):
    link(bob, BOB)
    stage = StageSpec("Managers", 1, [approvers], fresh_proof=True)
    request = ask(stages=[stage], slack_mode=SlackMode.DECIDE)
    with pytest.raises(NotAtThisDoor, match="Open it in the browser"):
        actions.decide_in_slack(
            request.pk, team=slack.team, user=BOB, verdict="approve", seal=request.seal
        )
    assert nothing_happened(request)
