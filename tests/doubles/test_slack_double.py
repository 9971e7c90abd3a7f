"""The double, asked by the real client. What it refuses is what Slack is documented to refuse."""

import json
import time
from urllib.request import Request, urlopen

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from tests.doubles.slack import SlackDouble
from tests.doubles.slack.interactions import signed

BOB = "U0BOB"
MODAL = {
    "type": "modal",
    "callback_id": "m",
    "title": {"type": "plain_text", "text": "Why?"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "b",
            "label": {"type": "plain_text", "text": "Why"},
            "element": {"type": "plain_text_input", "action_id": "why"},
        }
    ],
}


@pytest.fixture
def slack():
    with SlackDouble() as double:
        double.add_person(BOB, "bob@example.com")
        double.add_channel("C0ROOM")
        yield double


@pytest.fixture
def client(slack):
    return client_of(slack)


def client_of(slack, token=None):
    return WebClient(token or slack.bot_token, base_url=slack.url, timeout=2, retry_handlers=[])


def button(**more):
    text = {"type": "plain_text", "text": "Yes"}
    return {"type": "button", "action_id": "yes", "text": text, **more}


def blocks(*elements):
    return [{"type": "actions", "elements": list(elements)}]


def refusal(call, *args, **kwargs):
    with pytest.raises(SlackApiError) as refused:
        call(*args, **kwargs)
    return refused.value.response


def test_it_finds_people_and_keeps_messages(client, slack):
    user = client.users_lookupByEmail(email="Bob@example.com")["user"]
    assert (user["id"], user["team_id"]) == (BOB, slack.team)
    direct = client.conversations_open(users=BOB)["channel"]["id"]
    posted = client.chat_postMessage(channel=BOB, text="Hello")
    assert posted["channel"] == direct
    client.chat_update(channel=direct, ts=posted["ts"], text="Bye")
    assert [message["text"] for message in slack.messages(BOB)] == ["Bye"]


@pytest.mark.parametrize(
    ("token", "error"),
    [("xoxb-other", "invalid_auth"), ("xapp-double", "not_allowed_token_type")],
)
def test_it_knows_its_token(slack, token, error):
    client = client_of(slack, token)
    assert refusal(client.chat_postMessage, channel=BOB, text="x")["error"] == error


def test_tokens_and_scopes_are_taken_away(client, slack):
    slack.scopes.remove("chat:write")
    assert refusal(client.chat_postMessage, channel=BOB, text="x")["error"] == "missing_scope"
    slack.revoked.add(slack.bot_token)
    assert refusal(client.auth_test)["error"] == "token_revoked"


def test_what_is_not_there_is_refused(client, slack):
    slack.add_channel("C0OLD", is_archived=True)
    slack.add_channel("C0SHUT", is_member=False)
    slack.add_person("U0GONE", "gone@example.com", deleted=True)
    for where, error in {
        "C0NONE": "channel_not_found",
        "C0OLD": "is_archived",
        "C0SHUT": "not_in_channel",
        "U0GONE": "user_disabled",
    }.items():
        assert refusal(client.chat_postMessage, channel=where, text="x")["error"] == error
    gone = refusal(client.chat_update, channel="C0ROOM", ts="1.1", text="x")
    assert gone["error"] == "message_not_found"
    assert refusal(client.users_lookupByEmail, email="gone@example.com")["error"] == (
        "users_not_found"
    )


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "/blocks/0/text"),
        ([{"type": "section", "fields": []}], "/blocks/0"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], "/blocks/0/text"),
        (blocks(button(value="x" * 2001)), "/blocks/0/elements/0/value"),
        (blocks(button(style="green")), "/blocks/0/elements/0/style"),
        (blocks(*[button()] * 26), "/blocks/0/elements"),
        ([{"type": "divider"}] * 51, "/blocks"),
    ],
)
def test_it_knows_the_limits_of_blocks(client, wrong, where):
    answer = refusal(client.chat_postMessage, channel=BOB, text="x", blocks=wrong)
    assert answer["error"] == "invalid_blocks"
    assert where in str(answer["response_metadata"])


def test_faults_break_one_call(client, slack):
    slack.fault("ratelimited", method="chat.*", retry_after=7)
    answer = refusal(client.chat_postMessage, channel=BOB, text="x")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    slack.fault("http500")
    assert refusal(client.chat_postMessage, channel=BOB, text="x").status_code == 500
    slack.fault("error", code="account_inactive")
    assert refusal(client.chat_postMessage, channel=BOB, text="x")["error"] == "account_inactive"
    assert slack.messages() == []


@pytest.mark.parametrize(("kind", "there"), [("reset_before", 0), ("reset_after", 1)])
def test_a_connection_breaks_before_or_after_the_effect(client, slack, kind, there):
    slack.fault(kind)
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the moment
        client.chat_postMessage(channel=BOB, text="x")
    assert len(slack.messages(BOB)) == there


# --- People ---------------------------------------------------------------------------------------


def test_a_click_is_signed_and_opens_one_modal_within_three_seconds(client, slack):
    seen = []
    slack.deliver = lambda body, headers: seen.append((body, headers)) or (200, b"")
    client.chat_postMessage(channel=BOB, text="x", blocks=blocks(button(value="v")))
    payload = slack.click_of(BOB, slack.messages(BOB)[0], "yes")
    slack.send(payload)
    body, headers = seen[0]
    assert SignatureVerifier(slack.secret).is_valid_request(body, headers)
    assert payload["actions"][0]["value"] == "v"
    client.views_open(trigger_id=payload["trigger_id"], view=MODAL)
    again = refusal(client.views_open, trigger_id=payload["trigger_id"], view=MODAL)
    assert again["error"] == "invalid_trigger_id"


def test_a_trigger_is_over_after_three_seconds():
    clock = [1000.0]
    with SlackDouble(now=lambda: clock[0]) as slack:
        slack.add_person(BOB, "bob@example.com")
        client = client_of(slack)
        client.chat_postMessage(channel=BOB, text="x", blocks=blocks(button()))
        trigger = slack.click_of(BOB, slack.messages()[0], "yes")["trigger_id"]
        clock[0] += 3.5
        assert refusal(client.views_open, trigger_id=trigger, view=MODAL)["error"] == (
            "trigger_expired"
        )


def test_a_modal_stays_open_with_its_errors_until_it_is_good(client, slack):
    client.chat_postMessage(channel=BOB, text="x", blocks=blocks(button()))
    trigger = slack.click_of(BOB, slack.messages()[0], "yes")["trigger_id"]
    client.views_open(trigger_id=trigger, view=MODAL)
    wrong = {"response_action": "errors", "errors": {"b": "Say why"}}
    slack.deliver = lambda *_: (200, json.dumps(wrong).encode())
    slack.submit(BOB, {"why": ""})
    assert slack.views(BOB)[0]["errors"] == {"b": "Say why"}
    slack.deliver = lambda *_: (200, b"")
    payload = slack.submission_of(BOB, {"why": "Too much"})
    assert payload["view"]["state"]["values"]["b"]["why"]["value"] == "Too much"
    slack.submit(BOB, {"why": "Too much"})
    assert slack.views(BOB) == []


def test_a_button_that_is_not_there_cannot_be_clicked(client, slack):
    client.chat_postMessage(channel=BOB, text="x")
    with pytest.raises(LookupError):
        slack.click(BOB, slack.messages()[0], "yes")


# --- Socket Mode ----------------------------------------------------------------------------------


def test_a_click_arrives_by_a_websocket_and_its_answer_comes_back(client, slack):
    web = client_of(slack, slack.app_token)
    app = SocketModeClient(slack.app_token, web_client=web)

    def answer(link, request):
        payload = {"errors": {"b": request.payload["type"]}, "response_action": "errors"}
        link.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))

    app.socket_mode_request_listeners.append(answer)
    try:
        app.connect()
        slack.sockets.wait_for(1)
        client.chat_postMessage(channel=BOB, text="x" * 3000, blocks=blocks(button()))
        reaction = slack.click(BOB, slack.messages()[0], "yes")
        assert reaction.is_good
        assert reaction.body["errors"] == {"b": "block_actions"}
        slack.sockets.disconnect()
        slack.sockets.wait_for(2)
        assert slack.click(BOB, slack.messages()[0], "yes").is_good
    finally:
        app.close()


def test_nobody_at_the_other_end_is_an_error_for_who_clicks(client, slack):
    client.chat_postMessage(channel=BOB, text="x", blocks=blocks(button()))
    assert not slack.click(BOB, slack.messages()[0], "yes").is_good


# --- For other processes --------------------------------------------------------------------------


def tell(slack, door, body):
    address = slack.url.replace("/api/", f"/_ctl/{door}")
    told = Request(address, json.dumps(body).encode())  # noqa: S310 - our own double
    with urlopen(told, timeout=5) as answer:  # noqa: S310 - as above
        return json.load(answer)


def test_the_side_door_seeds_shows_and_clicks(client, slack):
    people = [{"user": "U0EVE", "email": "eve@example.com"}]
    assert tell(slack, "seed", {"people": people}) == {"people": 1, "channels": 0}
    assert tell(slack, "seed", {"people": people})["people"] == 0
    client.chat_postMessage(channel=BOB, text="x", blocks=blocks(button()))
    message = tell(slack, "seen", {})["messages"][0]
    slack.deliver = lambda *_: (200, b"")
    where = {name: message[name] for name in ("channel", "ts")}
    assert tell(slack, "click", {"user": BOB, "action_id": "yes", **where})["status"] == 200


def test_the_state_outlives_it(tmp_path):
    state = tmp_path / "slack.json"
    with SlackDouble(state=state) as slack:
        slack.add_person(BOB, "bob@example.com")
        client_of(slack).chat_postMessage(channel=BOB, text="Hello")
    with SlackDouble(state=state) as slack:
        assert slack.messages(BOB)[0]["text"] == "Hello"
        assert (
            client_of(slack).chat_postMessage(channel=BOB, text="x")["ts"]
            != (slack.messages(BOB)[0]["ts"])
        )


def test_a_signature_is_of_the_moment_it_is_told():
    _, headers = signed({}, "secret", at=time.time() - 301)
    assert time.time() - int(headers["X-Slack-Request-Timestamp"]) > 300
