"""Emails by the API of a provider: the real django-anymail over HTTP, to a double of Postmark.

Runs where the extra is installed: `pip install '.[anymail]'`. The rest of the suite does without it.
"""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import pytest

from approvals import actions, channels
from approvals.actions import pump
from approvals.channels.email import Email
from approvals.models.deliveries import ChannelShutdown, Delivery
from approvals.requests.policy import StageSpec
from tests.doubles.serving import Server

pytest.importorskip("anymail")
pytestmark = pytest.mark.django_db(transaction=True)

OK = (200, 0)
TOKEN = "token-of-the-double"
# The client reads the address out of the text.
TEXTS = {
    406: "You tried to send to a recipient that has been marked as inactive.\n"
    "Found inactive addresses: {To}.\nInactive recipients are ones that have bounced."
}


@dataclass
class Postmark:
    """Takes messages, or answers with the statuses and error codes that are put in."""

    answers: list[tuple[int, int]] = field(default_factory=list)
    taken: list[dict[str, object]] = field(default_factory=list)
    url: str = ""

    def take(self, token: str, message: dict[str, object]) -> tuple[int, dict[str, object]]:
        status, code = self.answers.pop(0) if self.answers else OK
        if token != TOKEN:
            status, code = 401, 10
        if status == 200 and code == 0:
            self.taken.append(message)
        if code:
            return status, {"ErrorCode": code, "Message": TEXTS.get(code, "No").format(**message)}
        number = f"pm-{len(self.taken)}"
        return status, {"ErrorCode": 0, "Message": "OK", "To": message["To"], "MessageID": number}


@pytest.fixture
def postmark(settings):
    double = Postmark()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = double.take(self.headers["X-Postmark-Server-Token"], message)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = Server(0, Handler)
    double.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
    settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": TOKEN, "POSTMARK_API_URL": double.url}
    settings.SITE_URL = "https://backoffice.example"
    with channels.temporarily(Email()):
        yield double
    server.close()
    thread.join()


@pytest.fixture
def one(ask, postmark, bob):
    return lambda: ask(stages=[StageSpec("Bob", 1, people=[bob])])


def test_it_says_the_same_as_by_smtp_with_the_same_headers(one, postmark, bob):
    request = one()
    assert pump() == 1
    (message,) = postmark.taken
    assert message["To"] == bob.email
    assert message["Subject"] == f"[Backoffice] Request {str(request.pk)[:8]}"
    assert "https://backoffice.example/a/" in str(message["TextBody"])
    assert "Review request" in str(message["HtmlBody"])
    headers = {each["Name"]: each["Value"] for each in message["Headers"]}
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["In-Reply-To"] == headers["References"]
    assert Delivery.objects.get().status == "sent"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((500, 100), "queued"),
        ((429, 429), "queued"),
        ((422, 406), "failed"),
        ((422, 300), "failed"),
    ],
    ids=["fault", "too many", "address refused", "message refused"],
)
def test_what_a_refusal_means(one, postmark, answer, status):
    postmark.answers = [answer]
    one()
    pump()
    delivery = Delivery.objects.get()
    assert delivery.status == status
    assert delivery.error
    assert not ChannelShutdown.objects.exists()


def test_a_wrong_key_stops_the_channel(one, postmark, settings):
    settings.ANYMAIL = settings.ANYMAIL | {"POSTMARK_SERVER_TOKEN": "wrong"}
    one()
    pump()
    assert "does not accept our key" in ChannelShutdown.objects.get().why
    assert Delivery.objects.get().status == "queued"


def test_a_missing_key_stops_the_channel(one, postmark, settings):
    settings.ANYMAIL = {"POSTMARK_API_URL": postmark.url}
    one()
    pump()
    assert ChannelShutdown.objects.exists()


def test_what_failed_goes_out_when_it_is_sent_again(one, postmark, root):
    postmark.answers = [(422, 406)]
    one()
    pump()
    actions.send_again(Delivery.objects.get().pk, by=root, door="admin")
    pump()
    assert len(postmark.taken) == 1
