"""`make test`: first what can run side by side on all cores, then whole clusters, which mostly wait: two at a time.

`python -m tests [arguments of pytest]`. Says how long it took; each part names its ten slowest tests.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

# Where the tests with the mark `alone` lie: nothing else has to be collected for them.
CLUSTERS: Final = ("tests/acceptance", "tests/backoffice/demo", "tests/chaos", "tests/packaging")
# Each with what is tested where no argument says it. Clusters go by file: some share a server or a demo,
# and the marks by which xdist would keep those together have no effect with pytest 9.2.
PARTS: Final = (
    (("-m", "not e2e and not alone", "-n", "auto", "--dist", "worksteal"), ()),
    (("-m", "alone and not e2e", "-n", "2", "--dist", "loadfile"), CLUSTERS),
)
NOTHING_TO_DO: Final = 5  # the exit code of pytest when no test was chosen


def run(part: Sequence[str], arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", "--durations=10", *part, *arguments]
    return subprocess.run(command).returncode


def main(arguments: Sequence[str]) -> int:
    """The worst result of the parts; that a part of them has nothing to do is no fault."""
    begun = time.monotonic()
    results = [run(part, arguments or everything) for part, everything in PARTS]
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    print(f"All tests: {minutes} min {seconds} s")  # noqa: T201
    done = [result for result in results if result != NOTHING_TO_DO]
    return max(done, default=NOTHING_TO_DO)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
