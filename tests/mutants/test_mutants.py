"""The mutants fit the code as it is, and the runner tells a survivor from the others."""

import json

import pytest

from tests.mutants.__main__ import KILLERS, outcome, surroundings
from tests.mutants.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_still_fits(mutant):
    text = (ROOT / mutant.file).read_text()
    assert mutant.applied_to(text) != text
    assert all((ROOT / test).is_file() for test in mutant.tests.split())


def test_there_are_enough_of_them():
    assert len(MUTANTS) >= 20
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize(
    ("old", "new", "became"),
    [
        ("class Redactor:", "class Redactor:  # as it was", "survived"),
        ("return self._in_text.sub(MASK, ", "return (", "killed"),
        ("class Redactor:", "class Otherwise:", "broken"),
    ],
)
def test_the_runner_says_what_became_of_one(old, new, became):
    trial = Mutant(
        "a trial", "tasks/secrets/masking.py", old, new, "tests/tasks/secrets/test_masking.py"
    )
    assert outcome(trial, trial.tests.split(), surroundings()).became.startswith(became)


def test_each_known_killer_belongs_to_a_mutant():
    assert json.loads(KILLERS.read_text()).keys() <= {mutant.name for mutant in MUTANTS}
