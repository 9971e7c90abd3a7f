"""Events as the double signs and delivers them, read by the real client."""

import contextlib
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import stripe

from tests.doubles.stripe import StripeDouble
from tests.doubles.stripe.client import connected


@pytest.fixture
def double():
    with StripeDouble() as running:
        running.seed_payment(id="pi_1")
        yield running


@pytest.fixture
def client(double):
    with connected(double.url) as connection:
        yield connection


def test_a_signed_event_is_accepted_by_the_real_client(client, double):
    client.v1.refunds.create({"payment_intent": "pi_1"})
    event = double.events("refund.created")[0]

    body, header = double.signed(event["id"], "whsec_right")

    read = client.construct_event(body, header, "whsec_right")
    assert (read.id, read.type) == (event["id"], "refund.created")


def test_an_event_is_delivered_over_http_as_often_as_wanted(client, double):
    client.v1.refunds.create({"payment_intent": "pi_1"})
    event = double.events("refund.created")[0]["id"]

    with receiving(status=204) as (address, received):
        answers = [double.deliver(event, address, "whsec_right") for _ in range(2)]

    assert answers == [204, 204]
    read = [client.construct_event(body, header, "whsec_right") for body, header in received]
    assert [seen.id for seen in read] == [event, event]


@contextlib.contextmanager
def receiving(status):
    received = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((body, self.headers["Stripe-Signature"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", received
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("secret", "late"), [("whsec_wrong", 0), ("whsec_right", 301)])
def test_wrongly_signed_and_late_events_are_told_apart(client, double, secret, late):
    client.v1.refunds.create({"payment_intent": "pi_1"})
    event = double.events("refund.created")[0]

    body, header = double.signed(event["id"], secret, at=int(time.time()) - late)

    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(body, header, "whsec_right")
