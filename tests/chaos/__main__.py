"""`make chaos`: a storm over the whole product, and then a count of the money.

`python -m tests.chaos --runs 2000 --seed 7`. Ends with 0 when nothing was duplicated, lost or stuck.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from backoffice.demo.data_folder import ROOT
from tests.chaos.ground import Ground, ground

SHOWN: Final = 10
TRIAL: Final = """
import sys, django
django.setup()
from tests.chaos.trial import main
main(*sys.argv[1:])
"""


def trial(there: Ground, *, runs: int, seed: int, engine: str = "") -> dict[str, Any]:
    """The outcome of one trial on a database of its own. Raises CalledProcessError if it breaks."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        subprocess.run(
            [sys.executable, "-c", TRIAL, str(runs), str(seed), engine, str(result)],
            cwd=ROOT,
            env=there.copy(f"trial_{engine or 'ours'}"),
            check=True,
        )
        outcome: dict[str, Any] = json.loads(result.read_text())
        return outcome


def table(outcome: dict[str, Any]) -> Iterator[str]:
    """The outcome in lines, with nothing left out."""
    for title in ("counts", "faults"):
        yield f"{title}:"
        yield from (f"  {name:28} {number:>6}" for name, number in outcome[title].items())
    yield from (f"failed by itself: {text}" for text in outcome["refused"])
    yield from (f"out of date: {text}" for text in outcome["out_of_date"])
    yield "wrong:"
    for name, texts in outcome["found"].items():
        yield f"  {name.replace('_', ' '):28} {len(texts):>6}"
        yield from (f"    {text}" for text in texts[:SHOWN])


def wrong(outcome: dict[str, Any]) -> dict[str, list[str]]:
    """What breaks the promise, with a text for each."""
    return {name: texts for name, texts in outcome["found"].items() if texts}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="how many are asked for (200)")
    parser.add_argument("--seed", type=int, default=1, help="of the choices (1)")
    parser.add_argument("--engine", default="", help="a wrong one, see tests/chaos/wrong")
    options = parser.parse_args(arguments)
    with ground() as there:
        outcome = trial(there, runs=options.runs, seed=options.seed, engine=options.engine)
    sys.stdout.write("\n".join(table(outcome)) + "\n")
    return 1 if wrong(outcome) else 0


if __name__ == "__main__":
    sys.exit(main())
