"""`make mutants`: put each fault into a copy of the code, and see whether the tests notice.

`python -m tests.mutants [words of a name]`. Ends with 1 when a mutant survives: then a test is missing.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.mutants.mutants import MUTANTS, ROOT, Mutant

AT_ONCE: Final = 2
TIMEOUT: Final = 600  # seconds: a mutant that makes a test wait for ever is noticed, too
FAILED: Final = 1  # the exit code of pytest when tests failed, and not for another reason
OF_A_TEST: Final = {"DATABASE_URL", "DATABASE_OWNER_URL", "BACKOFFICE_DATA", "SECRET_KEY"}
LEFT_OUT: Final = shutil.ignore_patterns(".*", "__pycache__", "staticfiles", "docs")


def surroundings() -> dict[str, str]:
    """Those of a shell: where a test starts the runner, the database of that test is not its own."""
    return {name: value for name, value in os.environ.items() if name not in OF_A_TEST}


def outcome(mutant: Mutant) -> str:
    """“killed” when a test failed, “survived” when all passed; else what went wrong."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder, "backoffice")
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        file = copy / mutant.file
        file.write_text(mutant.applied_to(file.read_text()))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        try:
            ended = subprocess.run(
                [*command, *mutant.tests.split()],
                cwd=copy,
                env=surroundings(),
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            return "killed"
    if ended.returncode == FAILED and " failed" in ended.stdout:
        return "killed"
    if ended.returncode == 0:
        return "survived"
    return f"broken: {(ended.stdout + ended.stderr).strip().splitlines()[-1]}"


def tried(mutants: Sequence[Mutant]) -> Iterator[tuple[Mutant, str, float]]:
    """Each mutant, what became of it and the seconds that it took, in their order."""

    def timed(mutant: Mutant) -> tuple[Mutant, str, float]:
        begun = time.monotonic()
        return mutant, outcome(mutant), time.monotonic() - begun

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(timed, mutants)


def main(words: Sequence[str]) -> int:
    chosen = [each for each in MUTANTS if all(word in each.name for word in words)]
    left = []
    for mutant, became, seconds in tried(chosen):
        line = f"{became:<9} {seconds:4.0f} s  {mutant.name}"
        print(line, flush=True)  # noqa: T201
        if became != "killed":
            left.append(line)
    # Once more, where who reads only the end of a long log finds them.
    print(f"{len(chosen) - len(left)} of {len(chosen)} mutants killed", *left, sep="\n")  # noqa: T201
    return bool(left)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
