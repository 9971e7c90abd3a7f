"""Points at which a test can have the process die as by `kill -9`. Off unless the environment says so.

BACKOFFICE_KILL_POINTS names a folder. A file in it, with the name of a point, is for one death: the
process that reaches the point first takes the file away and is gone. Each point has its case in
tests/chaos/test_kill_points.py.
"""

import os
import signal
from pathlib import Path
from typing import Final

VARIABLE: Final = "BACKOFFICE_KILL_POINTS"
# Read once: where it is not set, a point costs one look at this name.
_FOLDER: Final = os.environ.get(VARIABLE, "")


def killpoint(name: str) -> None:
    """Die here, without a word to anybody, if the folder holds a file of this name."""
    if _FOLDER:
        _die_if_asked(Path(_FOLDER, name))


def _die_if_asked(file: Path) -> None:
    try:
        file.unlink()  # of several processes, only one succeeds
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
