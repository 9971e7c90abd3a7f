"""Lengths of time: as people write them in a rule, and as code says them in an Approval."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.declaration.durations import read_span, written
from tasks.declaration.registry import Approval, Registry

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("text", ["90 minutes", "1 hour", "36 hours", "1 day", "3 days"])
def test_a_time_is_shown_as_it_was_written(text):
    assert written(read_span(text)) == text


def test_the_largest_unit_that_fits_is_shown():
    assert written(timedelta(hours=48)) == "2 days"


@pytest.mark.parametrize("text", ["", "soon", "0 hours", "-1 day", "1.5 hours", "3", "2 weeks"])
def test_what_is_no_time_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="Enter for example 4 hours"):
        read_span(text)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"expires_after": timedelta(0)}, "wrong expires_after"),
        ({"expires_after": 4}, "has the time 4"),
        ({"remind_after": timedelta(days=3)}, "wrong remind_after"),
        ({"remind_after": 2 * HOUR, "expires_after": HOUR}, "wrong remind_after"),
        ({"escalate_after": HOUR}, "wrong escalate_to"),
        ({"escalate_to": ["Risk"]}, "wrong escalate_after"),
    ],
)
def test_times_of_a_rule_in_the_code_that_do_not_fit_are_problems(credit, said, problem):
    registry = Registry()
    rule = Approval("true", groups=["Approvers"], **said)
    registry.register(replace(credit.registered, approval=(rule,)))
    assert problem in registry.problems[0].message
    assert registry.all() == []
