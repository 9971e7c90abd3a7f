"""Whatever people do in whatever order: what happens is what the promises say. Promises 3 and 4."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.journeys.company import company
from tests.journeys.oracle import Oracle
from tests.journeys.promises import promises_kept
from tests.journeys.steps import RULES, World
from tests.journeys.stories import TWISTS, journeys

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
# The same journeys at each commit, and one that fails is shown as it is. Where somebody says how many of
# each kind: others, and the shortest that fails.
MANY = os.environ.get("JOURNEYS")
PHASES = set(Phase) if MANY else {Phase.generate}


@pytest.mark.parametrize("twist", TWISTS)
def test_a_journey_goes_as_the_promises_say(twist):
    arrived = []

    @settings(
        max_examples=int(MANY or 10),
        derandomize=not MANY,
        phases=PHASES,
        database=None,
        deadline=None,
    )
    @given(rules=st.sampled_from(RULES), journey=journeys(twist))
    def goes(rules, journey):
        with company(rules) as there:
            world = World(there, Oracle(rules))
            for step in journey:
                step.play(world)
            arrived.append(bool(there.ledger))

    with promises_kept():
        goes()
    assert True in arrived
    assert False in arrived


def test_the_oracle_knows_nothing_of_the_product():
    code = (
        "import sys, tests.journeys.oracle\n"
        "ours = ('django', 'approvals', 'audit', 'backoffice', 'fixtures', 'tasks')\n"
        "sys.exit(', '.join(set(ours) & {name.split('.')[0] for name in sys.modules}) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
