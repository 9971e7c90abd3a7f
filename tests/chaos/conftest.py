from tests.fixtures.conftest import (
    account,
    ask,
    at_stripe,
    company,
    customer,
    double,
    merchant,
    payment,
    people,
)

__all__ = [
    "account",
    "ask",
    "at_stripe",
    "company",
    "customer",
    "double",
    "merchant",
    "payment",
    "people",
]
