from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated

import pytest
from django.utils import timezone as django_timezone
from hypothesis import given as generate
from hypothesis import strategies as st

from tasks.parameters import Param, canonical, display, form_for, freeze, read, thaw
from tests.tasks.parameters.asking import complaint, form, given, taking

DURING_2026 = Param(min="2026-01-01", max="2026-12-31")


@pytest.mark.parametrize(
    "sent",
    [
        "31.01.2026",
        "2026-1-31",
        "20260131",
        "2026-W05-6",
        "2026-02-30",
        "\uff12\uff10\uff12\uff16-01-31",
        "today",
        5,
    ],
)
def test_a_date_is_written_in_one_way(sent):
    assert complaint(date, sent) == "Enter a date like 2026-01-31."


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ("2025-12-31", "The smallest allowed is 2026-01-01."),
        ("2027-01-01", "The largest allowed is 2026-12-31."),
    ],
)
def test_a_date_has_bounds(sent, message):
    assert complaint(Annotated[date, DURING_2026], sent) == message


def test_a_moment_is_no_date():
    assert complaint(date, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "sent", ["2026-01-31", "14:30", "2026-01-31T25:00", "2026-01-31T1\uff14:30", "now"]
)
def test_a_moment_is_written_in_one_way(sent):
    assert complaint(datetime, sent) == "Enter a date and time like 2026-01-31 14:30."


def test_a_moment_without_a_zone_is_one_of_the_current_zone():
    with django_timezone.override("Europe/Berlin"):
        assert given(datetime, "2026-07-01T14:30") == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


def test_a_moment_with_a_zone_keeps_its_instant():
    assert given(datetime, "2026-07-01 14:30+02:00") == datetime(2026, 7, 1, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("sent", ["2026-03-29T02:30", "2026-10-25T02:30"])
def test_a_moment_that_comes_twice_or_never_is_asked_about(sent):
    with django_timezone.override("Europe/Berlin"):
        assert "When clocks change, 02:30 comes twice or not at all" in complaint(datetime, sent)


def test_a_moment_has_bounds():
    hint = Annotated[datetime, Param(max="2026-01-01T00:00+00:00")]
    assert complaint(hint, "2026-01-01T00:00:01Z").startswith("The largest allowed is")
    assert given(hint, "2026-01-01T00:00:00Z")


def test_a_moment_is_stored_in_utc_and_shown_in_the_zone_of_the_server(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    parameters = read(taking(value=datetime))
    frozen = freeze(parameters, {"value": datetime(2026, 7, 1, 12, 30, tzinfo=UTC)})
    assert frozen == {"value": "2026-07-01T12:30:00Z"}
    with django_timezone.override("America/New_York"):  # that of whoever requests it
        assert display(parameters, frozen) == [("Value", "2026-07-01 14:30 CEST")]


def test_a_moment_is_suggested_in_the_readers_zone():
    initial = {"value": datetime(2026, 7, 1, 12, 30, tzinfo=UTC)}
    with django_timezone.override("Europe/Berlin"):
        html = str(form_for(read(taking(value=datetime)), person=None, initial=initial))
    assert 'value="2026-07-01T14:30:00"' in html


@generate(st.dates())
def test_any_date_comes_back_unchanged_from_json(day):
    parameters = read(taking(value=date))
    frozen = freeze(parameters, {"value": day})
    assert thaw(parameters, frozen) == {"value": day}
    assert canonical(freeze(parameters, thaw(parameters, frozen))) == canonical(frozen)


@generate(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1)),  # noqa: DTZ001 -- the zone follows
    st.integers(-1439, 1439),
)
def test_any_moment_comes_back_as_the_same_instant(naive, minutes):
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    parameters = read(taking(value=datetime))
    frozen = freeze(parameters, {"value": moment})
    assert thaw(parameters, frozen) == {"value": moment}
    assert canonical(freeze(parameters, thaw(parameters, frozen))) == canonical(frozen)


def test_the_page_offers_the_browsers_own_calendar():
    html = str(form(taking(value=Annotated[date, DURING_2026])))
    assert 'type="date"' in html
    assert 'min="2026-01-01"' in html


@pytest.mark.parametrize("zone", ["America/St_Johns", "Pacific/Kiritimati", "UTC"])
@pytest.mark.parametrize(
    "sent",
    ["9999-12-31T23:59", "9999-12-31T23:59-23:59", "0001-01-01T00:00", "0001-01-01T00:00+05:45",
     "0999-12-31T12:00"],
)  # fmt: skip
def test_a_moment_that_some_time_zone_does_not_have_is_refused(zone, sent):
    with django_timezone.override(zone):
        assert complaint(datetime, sent) == "Enter a year between 1000 and 9999."


def test_a_moment_that_was_stored_before_is_shown_in_every_time_zone(settings):
    declared = read(taking(value=datetime))
    for zone in ("America/St_Johns", "Pacific/Kiritimati"):
        settings.TIME_ZONE = zone
        for text in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:00Z"):
            assert display(declared, {"value": text})[0][1].startswith(("1-", "0001-", "9999-"))
