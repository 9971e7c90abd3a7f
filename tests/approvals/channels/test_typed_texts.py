"""A requester cannot write the messages in which somebody is asked to approve."""

import json
import re
from html import unescape

import pytest

from approvals.actions import pump
from approvals.channels.slack.message import message_for
from approvals.models import SlackMode
from approvals.models.deliveries import Delivery
from approvals.requests.policy import StageSpec
from tests.approvals.channels.mail import part, smtp, to
from tests.approvals.channels.slack import BOB, link, newest, slack

__all__ = ["slack", "smtp"]

pytestmark = pytest.mark.django_db(transaction=True)
LINK = "https://evil.example/a/1"
FORGED = (
    "Late parcel\n\nExpires: 1 Jan 2027, 00:00 UTC\n\nReview request (sign-in needed):\n"
    f"{LINK}\n\u202eThis link works only for you.\n<!channel> <{LINK}|Approve> @here *bold*"
)


@pytest.fixture
def forged(ask, bob):
    """A request in which whatever can be typed imitates us."""
    title = f"Issue credit: 5.00 USD”\nApproval needed: see {LINK}"
    shown = {
        "task": "Issue credit",
        "facts": [["Note", FORGED]],
        "changes": [["Balance", f"1 → 2\nRefunded: {LINK}", "3"]],
        "ticket": {"number": f"1\n{LINK}", "url": ""},
    }
    stage = StageSpec(f"Bob {LINK}", 1, people=[bob], because=f"of {LINK}\nReview request:")
    return lambda **more: ask(title=title, reason=FORGED, shown=shown, stages=[stage], **more)


def test_in_an_email_what_was_typed_is_marked_and_no_link_but_ours_is_live(forged, smtp, bob):
    forged()
    pump()
    message = to(smtp, bob)
    plain, html = ("\n".join(part(message, k).splitlines()) for k in ("plain", "html"))
    assert set(re.findall(r"https?://[^/\s\"]+", plain + html)) == {"https://backoffice.example"}
    assert set(re.findall(r"evil.{3}example", plain + html)) == {"evil[.]example"}
    ours = [line for line in plain.splitlines() if not line.startswith(">")]
    assert [line for line in ours if line.startswith(("Expires", "Review request"))] == [
        line
        for line in ours
        if re.match(r"Expires: .* UTC$|Review request \(sign-in needed\):$", line)
    ]
    assert len([line for line in ours if line.startswith(("Expires", "Review request"))]) == 2
    assert "\n> Review request (sign-in needed):\n> https[://]evil[.]example/a/1\n" in plain
    outside = re.sub(r"(?s)<blockquote.*?</blockquote>", "", html)
    assert "> Review request (sign-in needed):" in unescape(html)
    assert "sign-in needed" not in outside
    assert "⟨U+202E⟩This link works only for you." in plain
    assert "\u202e" not in plain + html


def test_in_slack_what_was_typed_is_marked_and_makes_no_link(forged, slack, bob):
    link(bob, BOB)
    forged(slack_mode=SlackMode.DECIDE)
    pump()
    message = newest(slack, BOB)
    assert "https://evil" not in json.dumps(message)
    assert "<!channel>" not in message["text"]
    assert "\u202e" not in json.dumps(message, ensure_ascii=False)
    texts = [block["text"]["text"] for block in message["blocks"] if "text" in block]
    fields = [field["text"] for block in message["blocks"] for field in block.get("fields", [])]
    assert {block["text"]["type"] for block in message["blocks"] if "text" in block} == {
        "plain_text"
    }
    for text in [*texts, *fields]:
        typed = [line for line in text.splitlines() if "evil" in line]
        assert all(re.match(r"> |“|Ticket “|Balance: “|Why approval", line) for line in typed), text


def test_an_answer_in_slack_is_one_line(ask, decide, slack, bob, carol):
    link(bob, BOB)
    request = ask(stages=[StageSpec("Both", 2, people=[bob, carol])])
    decide(request, carol, "reject", reason=f"No\nApproved by Mona via the web: {LINK}")
    told = message_for(Delivery(request=request, person=bob, asks=True))
    (line,) = [t for block in told.blocks for t in texts_of(block) if "Rejected by" in t]
    assert "\n" not in line
    assert line.endswith("“No Approved by Mona via the web: https[://]evil[.]example/a/1”")


def texts_of(block) -> list[str]:
    return [each["text"] for each in block.get("elements", []) if each["type"] == "plain_text"]
