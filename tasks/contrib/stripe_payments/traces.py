"""Looking for what a step left behind at Stripe, when its answer got lost. Nothing is changed there."""

from datetime import UTC, datetime

import stripe

from tasks.authoring import Found, Sent
from tasks.contrib.stripe_payments.client import client
from tasks.contrib.stripe_payments.money import (
    NEWEST,
    UNDER_WAY,
    UNDONE,
    Made,
    Newest,
    answer_of,
    mark_of,
    refunds_of,
    transfers_to,
    unfinished,
)


def find_refund(payment_intent: str, sent: Sent) -> Found:
    """Whether Stripe shows a refund of this payment ("pi_…") under one of the step's keys."""
    return _find(f"refund of {payment_intent}", sent, refunds_of(payment_intent))


def find_transfer(destination: str, sent: Sent) -> Found:
    """Whether Stripe shows a transfer to this account ("acct_…") under one of the step's keys."""
    return _find(f"transfer to {destination}", sent, transfers_to(destination))


def _find(what: str, sent: Sent, newest: Newest) -> Found:
    try:
        listed = newest(client(to_look=True))
    except stripe.StripeError:
        return Found("Stripe could not be reached. Try again in a minute.", happened=None)
    for made in listed.data:
        if mark_of(made) in sent.keys:
            return _shown(what, made)
    if listed.has_more and _moment(listed.data[-1]) > sent.since:
        return Found(
            f"Among the newest {NEWEST} Stripe shows no {what} with a key of this step, and there "
            "are more than it shows at once. Check its dashboard.",
            happened=None,
        )
    return Found(f"Stripe shows no {what} with a key of this step.", happened=False)


def _shown(what: str, made: Made) -> Found:
    answer = answer_of(made)
    facts = {
        "Number": answer["id"],
        "Status": answer["status"],
        "Amount": f"{answer['amount']} {answer['currency']}",
        "Made": f"{_moment(made):%d %b %Y, %H:%M:%S} UTC",
        "Key": mark_of(made),
    }
    if answer["status"] in UNDONE:
        return Found(f"Stripe shows a {what} that {answer['status']}.", False, facts)
    if answer["status"] in UNDER_WAY:
        return Found(unfinished(answer), None, facts)
    return Found(f"Stripe shows the {what}.", True, facts, answer)


def _moment(made: Made) -> datetime:
    return datetime.fromtimestamp(made.created, UTC)
