import pytest

from approvals import channels
from approvals.models.deliveries import Delivery
from tests.approvals.channels.memory import Memory
from tests.approvals.conftest import ask, decide

__all__ = ["ask", "decide"]


@pytest.fixture
def memory():
    """A channel of our own, and no other."""
    channel = Memory()
    with channels.temporarily(channel):
        yield channel


@pytest.fixture
def outbox():
    """Each address with what has become of its message."""
    return lambda: dict(Delivery.objects.values_list("address", "status"))
