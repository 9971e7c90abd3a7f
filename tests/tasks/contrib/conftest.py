import pytest

from tests.fixtures.at_double import stripe_at_double


@pytest.fixture
def double():
    with stripe_at_double() as running:
        yield running
