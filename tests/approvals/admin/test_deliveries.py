"""The page of what went out: who sees it, and what its buttons do."""

import pytest
from django.urls import reverse

from approvals.actions import pump
from approvals.channels.base import Misconfigured, Permanent
from approvals.models.deliveries import ChannelShutdown, Delivery
from approvals.requests.policy import StageSpec

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/approvals/approvalrequest/messages/"


@pytest.fixture
def failed(ask, memory, bob, carol):
    ask(stages=[StageSpec("Bob", 1, people=[bob])])
    memory.refusals = [Permanent("Nobody of that name")]
    pump()
    return Delivery.objects.get()


@pytest.mark.parametrize("address", [PAGE, PAGE + "1/again/", PAGE + "memory/resume/"])
def test_to_others_it_does_not_exist(client, failed, bob, address):
    client.force_login(bob)
    answer = client.get(address) if address == PAGE else client.post(address)
    assert answer.status_code == 404


def test_what_failed_is_shown_with_the_reason_and_sent_again(client, failed, memory, root):
    client.force_login(root)
    page = client.get(PAGE, {"status": "failed"}).content.decode()
    assert "Nobody of that name" in page
    assert "Send again" in page
    client.post(f"{PAGE}{failed.pk}/again/")
    pump()
    assert len(memory.sent) == 1
    assert "Send again" not in client.get(PAGE).content.decode()


def test_looking_sends_nothing(client, failed, root):
    client.force_login(root)
    assert client.get(f"{PAGE}{failed.pk}/again/").status_code == 405
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_a_channel_that_has_stopped_is_shown_and_let_go_on(client, ask, memory, root):
    ask()
    memory.refusals = [Misconfigured("The key is wrong.")]
    pump()
    client.force_login(root)
    for page in (PAGE, reverse("admin:status")):
        assert "The key is wrong." in client.get(page).content.decode()
    client.post(f"{PAGE}memory/resume/")
    assert not ChannelShutdown.objects.exists()
