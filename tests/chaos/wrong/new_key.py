"""Wrong: a new key for each attempt. A call whose answer got lost is made a second time."""

import uuid
from typing import Any

from tasks.contrib import stripe_payments

_refund, _transfer = stripe_payments.refund, stripe_payments.transfer


def refund(*arguments: Any, key: str, **more: Any) -> dict[str, str]:
    return _refund(*arguments, key=f"{key}-{uuid.uuid4()}", **more)


def transfer(*arguments: Any, key: str, **more: Any) -> dict[str, str]:
    return _transfer(*arguments, key=f"{key}-{uuid.uuid4()}", **more)


stripe_payments.refund, stripe_payments.transfer = refund, transfer
