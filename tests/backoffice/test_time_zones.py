"""Each person's own time zone: pages show and read times in it; what is on record keeps to TIME_ZONE."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone

from backoffice.actions import set_time_zone
from backoffice.time_zones import zone_names
from tasks.access.rights import Right
from tasks.actions import adopt_task
from tasks.actions.changes.grants import set_right
from tasks.declaration.registry import RegisteredTask, registry
from tasks.models import Run, Task
from tasks.outputs import Change
from tasks.parameters import Param
from tests.people import person
from tests.tasks.admin.reading import form_of, page_of, signed_in, words

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"


@pytest.fixture
def nora(db):
    return set_time_zone(person("Nora"), NEW_YORK, door="admin")


@pytest.fixture
def call_back(nora):
    """Nora may plan a call."""

    def plan(at: Annotated[datetime, Param(label="When")]) -> str:
        return ""

    registered = RegisteredTask(
        slug="call-back",
        name="Call back",
        category="Tests",
        owner="Testers",
        description="Plans a call.",
        function=plan,
        preview=lambda at: [Change("Call", None, at)],
        source_hash="3" * 64,
    )
    with registry.temporarily(registered):
        adopt_task(registered)
        task = Task.objects.get(slug="call-back")
        set_right(task, Right.EXECUTE, to=nora)
        yield task


def test_a_person_sets_their_zone_and_reads_what_time_it_is(nora):
    client = signed_in(nora)
    address = reverse("admin:my_settings")
    assert any(zone in words(client.get(address)) for zone in ("EST for you", "EDT for you"))
    client.post(address, {"time_zone": BERLIN})
    nora.refresh_from_db()
    assert nora.time_zone == BERLIN
    assert nora.history.first().time_zone == BERLIN
    assert 'href="/my-settings/"' in client.get(address).content.decode()


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../etc/passwd", "America"])
def test_a_zone_that_does_not_exist_is_refused(nora, name):
    answer = signed_in(nora).post(reverse("admin:my_settings"), {"time_zone": name})
    assert answer.status_code == 400
    assert "Choose a time zone from the list." in words(answer)
    nora.refresh_from_db()
    assert nora.time_zone == NEW_YORK


def test_a_zone_that_is_gone_is_that_of_the_server(nora):
    type(nora).objects.filter(pk=nora.pk).update(time_zone="Mars/Olympus")
    assert " UTC for you" in words(signed_in(nora).get(reverse("admin:my_settings")))


def test_zones_are_places():
    assert {NEW_YORK, BERLIN, "UTC"} <= set(zone_names())
    assert not {"EST5EDT", "Etc/GMT+5", "US/Eastern"} & set(zone_names())


def test_a_form_says_its_zone_and_times_are_read_in_it(call_back, nora):
    client = signed_in(nora)
    shown = client.get(form_of(call_back)).content.decode()
    assert "In the time zone America/New_York." in shown
    assert f'name="at-zone" value="{NEW_YORK}"' in shown
    client.post(form_of(call_back), {"at": "2026-01-31T14:30", "at-zone": NEW_YORK})
    run = Run.objects.get()
    assert run.values == {"at": "2026-01-31T19:30:00Z"}
    # What is on record is read by people of other zones, and made again by a worker.
    assert run.preview == [["Call", "", "2026-01-31 19:30 UTC"]]
    page = words(client.get(page_of(run)))
    assert "2026-01-31 19:30 UTC" in page
    local = run.requested_at.astimezone(ZoneInfo(NEW_YORK))
    assert f"{local:%H:%M:%S} {local.tzname()}" in page


def test_a_time_is_read_in_the_zone_of_its_page_though_another_is_set_meanwhile(call_back, nora):
    set_time_zone(nora, BERLIN, door="admin")
    sent = {"at": "2026-01-31T14:30", "at-zone": NEW_YORK}
    signed_in(nora).post(form_of(call_back), sent)
    assert Run.objects.get().values == {"at": "2026-01-31T19:30:00Z"}


@pytest.mark.parametrize(
    ("at", "zone", "said"),
    [
        ("2026-03-08T02:30", NEW_YORK, "02:30 comes twice or not at all in America/New_York"),
        ("2026-11-01T01:30", NEW_YORK, "01:30 comes twice or not at all in America/New_York"),
        ("2026-01-31T14:30", "Mars/Olympus", "This time zone is not known. Reload the page."),
    ],
)
def test_a_time_that_is_none_or_two_is_asked_about(call_back, nora, at, zone, said):
    answer = signed_in(nora).post(form_of(call_back), {"at": at, "at-zone": zone})
    assert said in words(answer)
    assert f'value="{at}"' in answer.content.decode()
    assert not Run.objects.exists()


def test_the_zone_of_one_page_is_not_that_of_the_next(nora, client):
    signed_in(nora).get(reverse("admin:my_settings"))
    assert timezone.get_current_timezone_name() == "UTC"
    moment = timezone.make_aware(datetime(2026, 1, 1, 12))  # noqa: DTZ001 - that is the question
    assert moment == datetime(2026, 1, 1, 12, tzinfo=UTC)
