"""The one folder that everything of an installation's own lives in: $BACKOFFICE_DATA.

Used before Django is set up, so it reads no settings.
"""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

from backoffice.progress import Refused

PATIENCE = 15.0  # seconds in which what a killed launcher has started has to end
GLANCE = 0.1

ROOT = Path(__file__).resolve().parents[2]


def is_checkout() -> bool:
    """Whether this code lies in its repository, and not where pip has installed it."""
    return all((ROOT / name).is_file() for name in ("manage.py", "pyproject.toml"))


def default_folder() -> Path:
    """Where the data are unless $BACKOFFICE_DATA says it: never among the installed packages."""
    return (ROOT if is_checkout() else Path.cwd()) / ".data"


class DataFolder:
    """Makes the folder when it is not there. Raises Refused when it cannot be written to."""

    def __init__(self, path: Path | None = None) -> None:
        named = path or Path(os.environ.get("BACKOFFICE_DATA") or default_folder())
        self.path = named.expanduser().resolve()
        try:
            self.log.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(self._unwritable(error)) from error

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def database_record(self) -> Path:
        return self.path / "database.json"

    @contextmanager
    def held(self) -> Iterator[IO[str]]:
        """Nobody else works with this folder meanwhile. Raises Refused when somebody does.

        The operating system lets go of the lock when this process ends, however it ends, and with
        it all children that were handed the lock. The lock's text names them for the next reader.
        """
        try:
            lock = (self.path / "lock").open("a+")
        except OSError as error:
            raise Refused(self._unwritable(error)) from error
        with lock:
            self._take(lock)
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield lock

    def _take(self, lock: IO[str]) -> None:
        """What a launcher that was killed has started ends by itself: that is waited for."""
        give_up = monotonic() + PATIENCE
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                launcher, *programs = (int(number) for number in lock.read().split() or ["0"])
                if _lives(launcher) or monotonic() > give_up:
                    raise Refused(self._in_use(filter(_lives, [launcher, *programs]))) from None
            sleep(GLANCE)

    def _in_use(self, holders: Iterable[int]) -> str:
        numbers = " ".join(map(str, holders)) or "unknown"
        return (
            f"The data in {self.path} are in use already (process numbers: {numbers}): stop what "
            "runs there first, or set BACKOFFICE_DATA to another folder."
        )

    def secret(self, name: str) -> str:
        """A random text, made once and readable by the owner of the folder only."""
        file = self.path / name
        if not file.exists():
            write_private(file, secrets.token_urlsafe(48))
        return file.read_text()

    def clear(self) -> None:
        """Removes what a demo puts here, and nothing else: the folder may be a shared one."""
        for name in ("postgres", "static", "log"):
            if (self.path / name).exists():
                shutil.rmtree(self.path / name)
        for name in ("secret_key", "stripe.json", "crm.json"):
            (self.path / name).unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> str:
        return (
            f"Nothing can be written to {self.path} ({error.strerror}): correct its permissions, or "
            "set BACKOFFICE_DATA to a folder of yours."
        )


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return process != 0


def write_private(file: Path, text: str) -> None:
    """Never readable by anybody else, not for a moment; the old text stays until the new is whole."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    draft.replace(file)


def read_json(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text())) if file.exists() else {}
