"""Refunds, transfers and look-ups at Stripe, each in one call that a task's function can make.

    answer = run.once("refund", lambda key: refund("pi_123", amount, key=key))

`find_refund` and `find_transfer` are for a task's `look_up`. Each of the others raises
`tasks.authoring.Refused` when nothing happened, with a text for people, and
`tasks.authoring.OutcomeUnknown` when it may have happened. A refund that Stripe has accepted and
not finished, pending or waiting for the customer, is such a one: a look-up says later what came of it.
"""

from tasks.contrib.stripe_payments.lookups import FoundPayment, find_payment
from tasks.contrib.stripe_payments.money import refund, transfer
from tasks.contrib.stripe_payments.traces import find_refund, find_transfer

__all__ = ["FoundPayment", "find_payment", "find_refund", "find_transfer", "refund", "transfer"]
