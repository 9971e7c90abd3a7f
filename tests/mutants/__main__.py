"""`make mutants`: put each fault into a copy of the code, and see whether the tests notice.

`python -m tests.mutants [words of a name]`. Ends with 1 when a mutant survives: then a test is missing.
Each is tried on the test that killed it before (killers.json); when that lets it live, on all of its
files, and the test that kills it then is written down.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

from tests.mutants.mutants import MUTANTS, ROOT, Mutant

KILLERS: Final = Path(__file__).with_name("killers.json")
AT_ONCE: Final = os.cpu_count() or 2
TIMEOUT: Final = 600  # seconds: a mutant that makes a test wait for ever is noticed, too
FAILED: Final = 1  # the exit code of pytest when tests failed, and not for another reason
OF_A_TEST: Final = {"DATABASE_URL", "DATABASE_OWNER_URL", "BACKOFFICE_DATA", "SECRET_KEY"}
LEFT_OUT: Final = shutil.ignore_patterns(".*", "staticfiles", "docs")


@dataclass(frozen=True, slots=True)
class Outcome:
    """“killed” when a test failed, “survived” when all passed; else what went wrong."""

    became: str
    by: str = ""  # the test that failed
    seconds: float = 0


def surroundings() -> dict[str, str]:
    """Those of a shell: where a test starts the runner, the database of that test is not its own."""
    return {name: value for name, value in os.environ.items() if name not in OF_A_TEST}


def outcome(mutant: Mutant, tests: Sequence[str], environment: Mapping[str, str]) -> Outcome:
    """What these tests, up to the first that fails, say about the code with the fault."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder, "backoffice")
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        file = copy / mutant.file
        file.write_text(mutant.applied_to(file.read_text()))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-rf", "-p", "no:cacheprovider"]
        try:
            ended = subprocess.run(
                [*command, "-p", "no:randomly", *tests],
                cwd=copy,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return Outcome("killed", seconds=TIMEOUT)
    return replace(_judged(ended), seconds=time.monotonic() - begun)


def _judged(ended: "subprocess.CompletedProcess[str]") -> Outcome:
    if ended.returncode == FAILED and " failed" in ended.stdout:
        failed = re.search(r"^FAILED (\S+::.+?)(?: - .*)?$", ended.stdout, re.MULTILINE)
        return Outcome("killed", by=failed[1] if failed else "")
    if ended.returncode == 0:
        return Outcome("survived")
    return Outcome(f"broken: {(ended.stdout + ended.stderr).strip().splitlines()[-1]}")


class Databases:
    """A server with a migrated database, and a copy of it for each mutant."""

    def __init__(self) -> None:
        from tests.database import Server  # which takes a folder and the environment at once

        self._server = Server()
        self._server.start()
        self._server.make_template()
        self._numbers = count()

    def of(self, mutant: Mutant) -> dict[str, str]:
        """The copy, unless the fault is in what makes the database."""
        template = {} if "/migrations/" in mutant.file else self._server.template
        return surroundings() | self._server.environment(f"mutant_{next(self._numbers)}") | template


def tried(mutant: Mutant, killer: str, environment: Mapping[str, str]) -> Outcome:
    """What became of it, on the test that is known to kill it, or on all that speak of the promise."""
    if killer and (ended := outcome(mutant, [killer], environment)).became == "killed":
        return replace(ended, by=killer)
    return outcome(mutant, mutant.tests.split(), environment)


def all_tried(
    mutants: Sequence[Mutant], killers: Mapping[str, str]
) -> Iterator[tuple[Mutant, Outcome]]:
    databases = Databases()

    def act(mutant: Mutant) -> tuple[Mutant, Outcome]:
        return mutant, tried(mutant, killers.get(mutant.name, ""), databases.of(mutant))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(act, mutants)


def write_down(killers: Mapping[str, str]) -> None:
    KILLERS.write_text(json.dumps(dict(sorted(killers.items())), indent=1) + "\n")


def main(words: Sequence[str]) -> int:
    chosen = [each for each in MUTANTS if all(word in each.name for word in words)]
    killers: dict[str, str] = json.loads(KILLERS.read_text())
    left = []
    for mutant, ended in all_tried(chosen, dict(killers)):
        line = f"{ended.became:<9} {ended.seconds:4.0f} s  {mutant.name}"
        print(line, flush=True)  # noqa: T201
        if ended.by:
            killers[mutant.name] = ended.by
        if ended.became != "killed":
            left.append(line)
    write_down({each.name: killers[each.name] for each in MUTANTS if each.name in killers})
    # Once more, where who reads only the end of a long log finds them.
    print(f"{len(chosen) - len(left)} of {len(chosen)} mutants killed", *left, sep="\n")  # noqa: T201
    return bool(left)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
