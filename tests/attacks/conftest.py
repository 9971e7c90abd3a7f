from functools import partial

import pytest

from tests.approvals.channels.slack import slack
from tests.approvals.conftest import ask as ask_by

__all__ = ["ask_by", "slack"]


@pytest.fixture
def ask(request):
    """A question that every door may decide."""
    return partial(request.getfixturevalue("ask_by"), slack_mode="decide")
