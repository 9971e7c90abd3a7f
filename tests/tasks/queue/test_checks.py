"""`manage.py check` knows the settings with which a queue hangs, repeats or loses."""

import pytest
from django.core.checks import run_checks

from tasks.queue.checks import check_queue


def with_queue(settings, **changes):
    settings.Q_CLUSTER = settings.Q_CLUSTER | changes
    return check_queue()


def test_our_settings_have_nothing_wrong():
    assert check_queue() == []


def test_the_checks_run_with_djangos_own(settings):
    settings.Q_CLUSTER = settings.Q_CLUSTER | {"timeout": None}
    assert "tasks.E101" in [message.id for message in run_checks(tags=["tasks"])]


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        ("E101", {"timeout": None}),
        ("E101", {"timeout": 1.5}),
        ("E101", {"timeout": 0}),
        ("E101", {"timeout": True}),
        ("E103", {"orm": "owner"}),
        ("E104", {"broker_class": None}),
        ("E104", {"broker_class": "django_q.brokers.orm.ORM"}),
        ("E105", {"max_attempts": 0}),
        ("E105", {"ack_failures": False}),
        ("E106", {"scheduler": True}),
        ("W101", {"retry": 200}),
        ("W101", {"queue_limit": 16}),
        ("W101", {"bulk": 10}),
        ("W102", {"guard_cycle": 0}),
        ("W102", {"guard_cycle": 60}),
        ("W103", {"save_limit": 250}),
        ("W103", {"save_limit": 0}),
    ],
)
def test_a_setting_that_bites_is_named_with_what_to_do(settings, number, changes):
    (message,) = with_queue(settings, **changes)
    assert message.id == f"tasks.{number}"
    assert message.hint
    assert message.is_serious(30 if number.startswith("W") else 40)


def test_just_long_enough_is_long_enough(settings):
    changes = {"timeout": 10, "queue_limit": 1, "bulk": 2, "workers": 2}
    assert with_queue(settings, **changes, retry=60) == []
    assert [m.id for m in with_queue(settings, **changes, retry=59)] == ["tasks.W101"]


def test_a_connection_pool_is_shared_by_forked_processes(settings, monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"], "OPTIONS", {"pool": True})
    assert [message.id for message in check_queue()] == ["tasks.E102"]


def test_another_name_needs_a_place_where_it_is_known(settings, monkeypatch):
    monkeypatch.setenv("Q_CLUSTER_NAME", "slow")
    assert [message.id for message in check_queue()] == ["tasks.W105"]
    assert with_queue(settings, ALT_CLUSTERS={"slow": {}}) == []


def test_the_place_for_other_names_must_be_there(settings):
    without = {key: value for key, value in settings.Q_CLUSTER.items() if key != "ALT_CLUSTERS"}
    settings.Q_CLUSTER = without
    assert [message.id for message in check_queue()] == ["tasks.W104"]
