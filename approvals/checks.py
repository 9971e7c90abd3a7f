"""`manage.py check` says what is wrong with the channels before anybody waits for a message."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from approvals import channels


@register("approvals")
def check_channels(**_: Any) -> Iterable[CheckMessage]:  # noqa: ANN401
    """What each channel in use says about its settings."""
    return [problem for channel in channels.every() for problem in channel.problems()]


@register("approvals")
def check_fresh_proof(**_: Any) -> Iterable[CheckMessage]:  # noqa: ANN401
    """The database takes no proof that is older than a quarter of an hour."""
    if not 30 <= settings.FRESH_PROOF_SECONDS <= 900:
        yield Error(
            f"FRESH_PROOF_SECONDS is {settings.FRESH_PROOF_SECONDS}.",
            hint="Set it to 30 at least, so that there is time to press the button, and to 900 at most.",
            id="approvals.E110",
        )


@register("approvals")
def check_delivery_time(**_: Any) -> Iterable[CheckMessage]:  # noqa: ANN401
    """A message whose sender has longer than its claim is sent by another one as well."""
    if not 1 <= settings.DELIVERY_SECONDS <= 70:
        yield Error(
            f"DELIVERY_SECONDS is {settings.DELIVERY_SECONDS}.",
            hint="Set it to 1 at least and to 70 at most: after 90 seconds another worker sends the message.",
            id="approvals.E111",
        )
