"""`manage.py check` says what is wrong with the channels before anybody waits for a message."""

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, register

from approvals import channels


@register("approvals")
def check_channels(**_: Any) -> Iterable[CheckMessage]:  # noqa: ANN401
    """What each channel in use says about its settings."""
    return [problem for channel in channels.every() for problem in channel.problems()]
