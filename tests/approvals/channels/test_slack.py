"""What is sent to Slack, to whom, and how it is kept up to date. With the real client."""

import json
from datetime import timedelta

import pytest

from approvals import actions
from approvals.actions import pump
from approvals.channels.slack import Slack
from approvals.models import ApprovalRequest, SlackMode
from approvals.models.deliveries import ChannelShutdown, Delivery, GroupSlackChannel
from approvals.requests.policy import StageSpec
from audit.context import Door
from audit.texts.quoting import without_links
from tests.approvals.channels.slack import (
    BOB,
    CAROL,
    ROOM,
    buttons_of,
    link,
    newest,
    path_in,
    slack,
    text_of,
)

__all__ = ["slack"]

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "Ada Lovelace, ada@customer.example"
SHOWN = {
    "task": "Issue credit",
    "public": "Issue credit: 150.00 USD",
    "facts": [["Customer", SECRET], ["Amount", "150.00 USD"]],
    "changes": [["Balance", "10.00", "160.00"]],
}


@pytest.fixture
def linked(bob, carol):
    link(bob, BOB)
    link(carol, CAROL)


@pytest.fixture
def room(approvers):
    return GroupSlackChannel.objects.create(group=approvers, channel=ROOM)


@pytest.fixture
def ask_there(ask, linked, slack):
    def ask_it(mode=SlackMode.DECIDE, **more):
        shown = {"shown": SHOWN, "title": f"Issue credit: {SECRET}, 150.00 USD"} | more
        request = ask(slack_mode=mode, **shown)
        pump()
        return request

    return ask_it


# --- To whom --------------------------------------------------------------------------------------


def test_who_has_linked_an_account_is_asked_there(ask, slack, bob, carol):
    link(bob, BOB)
    ask()
    pump()
    assert len(slack.messages(BOB)) == 1
    assert slack.messages(CAROL) == []


def test_an_address_of_the_same_name_links_nobody(ask, slack, bob, carol):
    """Bob's email address is known in Slack. That proves nothing."""
    ask()
    pump()
    assert slack.messages() == []


def test_a_group_is_asked_in_its_channel(ask, slack, room, bob, carol):
    ask()
    pump()
    assert buttons_of(newest(slack, ROOM)) == ["open"]


def test_who_has_ended_the_link_is_sent_nothing_that_waited(ask, slack, bob, carol):
    link(bob, BOB)
    ask()
    actions.end_slack_link(bob, by=bob, door=Door.ADMIN)
    pump()
    assert slack.messages(BOB) == []
    assert Delivery.objects.get(address=BOB).status == "skipped"


def test_a_channel_that_is_the_groups_no_more_gets_nothing_that_waited(ask, slack, room, bob, root):
    ask()
    actions.set_group_slack_channel(room.group, "", by=root, door=Door.ADMIN, reason="x")
    pump()
    assert slack.messages() == []


def test_a_link_to_another_workspace_is_none(ask, slack, settings, linked):
    settings.SLACK_TEAM_ID = "T0OTHER"
    ask()
    assert not Delivery.objects.exists()


# --- How much -------------------------------------------------------------------------------------


def test_with_decide_all_of_it_is_shown_above_the_buttons(ask_there, slack):
    ask_there()
    message = newest(slack, BOB)
    assert buttons_of(message) == ["approve", "reject", "open"]
    for part in (SECRET, "150.00 USD", "Balance: 10.00 → 160.00", "The parcel was late"):
        assert part in text_of(message)


@pytest.mark.parametrize("mode", [SlackMode.DECIDE, SlackMode.LINK])
def test_it_says_why_approval_is_needed_and_never_in_code(ask_there, slack, bob, room, mode):
    because = "355.00 USD to this account in 24 hours, above the limit of 100.00"
    stage = {"people": [bob], "condition": "amount > 100", "because": because}
    ask_there(mode, stages=[StageSpec("Large ones", 1, [room.group], **stage)])
    assert f"Why approval is needed: {because}." in text_of(newest(slack, BOB))
    assert "amount >" not in text_of(newest(slack, BOB))
    # Others read along in the channel of a group: it stays as silent as before.
    assert "355.00" not in text_of(newest(slack, ROOM))


def test_what_is_too_long_to_be_shown_is_not_decided_there(ask_there, slack, bob):
    ask_there(stages=[StageSpec("Large ones", 1, people=[bob], because="x" * 4000)])
    assert buttons_of(newest(slack, BOB)) == ["open"]


def test_with_link_it_says_what_an_email_says(ask_there, slack):
    request = ask_there(SlackMode.LINK)
    message = newest(slack, BOB)
    assert buttons_of(message) == ["open"]
    assert str(request.pk) in path_in(message)
    assert "The parcel was late" in text_of(message)
    assert "Balance" not in text_of(message)


def test_with_notify_it_says_that_something_waits(ask_there, slack, room):
    ask_there(SlackMode.NOTIFY)
    for where in (BOB, ROOM):
        message = newest(slack, where)
        assert "Issue credit: approval needed" in message["text"]
        for secret in (SECRET, "150.00", "late", "Alice"):
            assert secret not in text_of(message)


def test_with_off_nothing_is_sent_and_the_other_channels_are(ask, slack, room, linked):
    ask(slack_mode=SlackMode.OFF)
    pump()
    assert slack.messages() == []
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("mode", [SlackMode.LINK, SlackMode.DECIDE, SlackMode.NOTIFY])
def test_a_post_where_others_read_names_no_customer(ask_there, slack, room, decide, bob, mode):
    request = ask_there(mode)
    decide(request, bob, "reject", reason=f"Not for {SECRET}")
    pump()
    for message in slack.messages(ROOM):
        assert message["edits"] == 1
        for secret in (SECRET, "Ada", "ada@", "late", "160.00"):
            assert secret not in text_of(message)


def test_nothing_decides_under_a_question_that_does_not_fit(ask_there, slack):
    for shown in (
        {**SHOWN, "facts": [["Note", "x" * 2100]]},
        {**SHOWN, "facts": [["A", "b"]] * 500},
        {**SHOWN, "receipts": [["1", "done"]]},
    ):
        ask_there(shown=shown)
        assert buttons_of(newest(slack, BOB)) == ["open"]


def test_nothing_decides_where_fresh_proof_is_asked(ask_there, slack, approvers):
    ask_there(stages=[StageSpec("Large", 1, [approvers], fresh_proof=True)])
    assert buttons_of(newest(slack, BOB)) == ["open"]


def test_what_people_write_mentions_nobody_and_leads_nowhere(ask_there, slack):
    evil = "<!channel> <https://evil.example|Approve> *bold* ~100~ & :smile:"
    ask_there(title=evil, shown={**SHOWN, "facts": [["Note", evil]]}, reason=evil)
    message = newest(slack, BOB)
    assert "<" not in message["text"]
    found = list(texts(message["blocks"]))
    assert {each["type"] for each in found} == {"plain_text"}
    assert {each["emoji"] for each in found} == {False}
    assert any(without_links(evil) in each["text"] for each in found)
    assert not any("https://" in each["text"] for each in found)


def texts(parts):
    if isinstance(parts, dict) and parts.get("type") in ("plain_text", "mrkdwn"):
        yield parts
    elif isinstance(parts, (dict, list)):
        for part in parts.values() if isinstance(parts, dict) else parts:
            yield from texts(part)


# --- Afterwards -----------------------------------------------------------------------------------


def test_every_copy_says_what_was_decided_and_by_whom(ask_there, slack, room, decide, bob):
    request = ask_there()
    decide(request, bob)
    pump()
    for where in (BOB, CAROL, ROOM):
        (message,) = slack.messages(where)
        assert "Approved by Bob Example via the" in text_of(message)
        assert buttons_of(message) == ["open"]


def test_somebody_is_told_to_update_as_soon_as_it_is_decided(ask_there, slack, decide, bob):
    from approvals.signals import deliveries_written

    request, heard = ask_there(), []
    deliveries_written.connect(hear := lambda **_: heard.append(1))
    decide(request, bob)
    deliveries_written.disconnect(hear)
    assert heard


def test_who_is_still_asked_keeps_the_buttons_who_has_answered_does_not(
    ask_there, slack, decide, bob
):
    request = ask_there(needed=2)
    decide(request, bob)
    pump()
    assert buttons_of(newest(slack, BOB)) == ["open"]
    assert "More approvals are needed" in text_of(newest(slack, BOB))
    assert buttons_of(newest(slack, CAROL)) == ["approve", "reject", "open"]


@pytest.mark.parametrize(("end", "says"), [("withdraw", "Withdrawn"), ("expire", "Expired")])
def test_what_ends_otherwise_loses_its_buttons_too(ask_there, slack, alice, end, says):
    request = ask_there(waits_for=timedelta(seconds=30) if end == "withdraw" else timedelta(0))
    if end == "withdraw":
        actions.withdraw(request.pk, by=alice, door=Door.ADMIN)
    else:
        actions.expire_due(door=Door.WORKER)
    pump()
    for message in slack.messages(BOB):
        assert says in text_of(message)
        assert buttons_of(message) == ["open"]


def test_a_message_is_updated_where_it_was_posted(ask_there, slack, decide, bob):
    decide(ask_there(), bob)
    pump()
    assert [message["edits"] for message in slack.messages(BOB)] == [1]


def test_what_is_told_leads_to_its_page(linked, slack, bob, approvers):
    from approvals.notifications.notify import notify
    from audit.transitions import transition

    with transition(by=None, door=Door.WORKER):
        notify([bob], event="run_failed", subject=approvers, text="Failed: <run>")
    pump()
    message = newest(slack, BOB)
    assert message["text"] == "Failed: &lt;run&gt;"
    assert path_in(message) == f"/auth/group/{approvers.pk}/change/"


# --- What goes wrong ------------------------------------------------------------------------------


def refused(slack, **fault):
    slack.fault(**fault)
    pump()
    return Delivery.objects.get(address=BOB)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "http500"}, "queued"),
        ({"kind": "reset_before"}, "queued"),
        ({"kind": "error", "code": "fatal_error"}, "queued"),
        ({"kind": "error", "code": "never_heard_of_it"}, "queued"),
        ({"kind": "error", "code": "user_disabled"}, "failed"),
        ({"kind": "error", "code": "invalid_blocks"}, "failed"),
        ({"kind": "error", "code": "channel_not_found"}, "failed"),
    ],
)
def test_what_may_work_later_is_tried_later(ask, slack, bob, fault, status):
    link(bob, BOB)
    ask()
    delivery = refused(slack, **fault)
    assert delivery.status == status
    assert delivery.error.startswith("Slack")


def test_slack_says_when_to_come_back(ask, slack, bob):
    link(bob, BOB)
    ask()
    delivery = refused(slack, kind="ratelimited", retry_after=77)
    waits = delivery.due_at - delivery.made_at
    assert timedelta(seconds=75) < waits < timedelta(seconds=90)


@pytest.mark.parametrize("code", ["invalid_auth", "token_revoked", "missing_scope"])
def test_a_wrong_token_stops_the_channel_and_costs_no_attempt(ask, slack, bob, code):
    link(bob, BOB)
    ask()
    delivery = refused(slack, kind="error", code=code)
    assert (delivery.status, delivery.attempts) == ("queued", 0)
    assert code in ChannelShutdown.objects.get().why


def test_a_post_whose_answer_is_lost_is_not_repeated_by_the_client(ask, slack, bob):
    """The client's own ways of trying again would have posted it twice by now."""
    link(bob, BOB)
    ask()
    refused(slack, kind="reset_after")
    assert len(slack.messages(BOB)) == 1


def test_a_message_that_is_gone_is_let_be(ask_there, slack, decide, bob):
    request = ask_there()
    slack.workspace.messages.clear()
    decide(request, bob)
    pump()
    assert not Delivery.objects.exclude(status="sent").exists()
    assert pump() == 0


# --- Settings -------------------------------------------------------------------------------------


def problems(settings, **wrong):
    settings.SLACK_BOT_TOKEN, settings.SLACK_TEAM_ID = "xoxb-1", "T1"
    settings.SLACK_APP_TOKEN, settings.SLACK_SIGNING_SECRET = "xapp-1", ""
    settings.SITE_URL = "https://backoffice.example"
    for name, value in wrong.items():
        setattr(settings, name, value)
    return [problem.id for problem in Slack().problems()]


def test_the_check_names_what_is_missing(settings):
    assert problems(settings) == []
    assert problems(settings, SLACK_BOT_TOKEN="xoxp-1") == ["approvals.E120"]
    assert problems(settings, SLACK_TEAM_ID="") == ["approvals.E121"]
    assert problems(settings, SITE_URL="") == ["approvals.E122"]
    assert problems(settings, SLACK_APP_TOKEN="") == ["approvals.W120"]


def test_proxies_of_the_surroundings_are_pythons_matter(settings, monkeypatch):
    """The client would send what is for this very machine to a company's proxy."""
    from approvals.channels.slack.client import client

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert client().proxy is None


def test_the_button_carries_the_seal_of_what_is_shown(ask_there, slack):
    request = ask_there()
    (actions_,) = (b for b in newest(slack, BOB)["blocks"] if b["type"] == "actions")
    assert json.loads(actions_["elements"][0]["value"]) == {"r": str(request.pk), "s": request.seal}
    assert ApprovalRequest.objects.get().slack_mode == SlackMode.DECIDE
