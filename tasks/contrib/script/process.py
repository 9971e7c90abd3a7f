"""A script as a process: started below a keeper, spoken to and listened to, and never left behind."""

import contextlib
import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Self

from tasks.authoring import Busy

KEEPER: Final = Path(__file__).with_name("keeper.py")
GRACE: Final = 2.0  # seconds to end after SIGTERM
LONGEST_LINE: Final = 1_000_000  # bytes
MOST_LINES: Final = 100_000
MOST_BYTES: Final = 50_000_000  # of all lines
MOST_PROCESSES: Final = 64
LARGEST_FILE: Final = 1_000_000_000  # bytes that it may write into one file
MARK: Final = "BACKOFFICE_RUN"  # in the environment of all that a run has started
PATIENCE: Final = 15  # seconds for what an earlier attempt has left
BLOCK: Final = 65_536
PAUSE: Final = 0.05


class TooMuch(Exception):
    """It has said more than anybody keeps."""


@dataclass(frozen=True, slots=True)
class Start:
    """What is started, and within which limits: seconds, bytes, a user and a group by number."""

    command: Sequence[str]
    environment: dict[str, str]
    folder: Path  # in which it starts
    seconds: float
    memory: int
    user: tuple[int, int] | None = None

    def told(self, *, remove: Path) -> dict[str, Any]:
        """All that the keeper has to know, but the descriptors."""
        processor = int(self.seconds) + 1
        return {
            "command": list(self.command),
            "folder": str(self.folder),
            "remove": str(remove),
            "seconds": self.seconds,
            "memory": self.memory,
            "processes": MOST_PROCESSES,
            "grace": GRACE,
            "user": self.user,
            "limits": {"RLIMIT_CPU": processor, "RLIMIT_CORE": 0, "RLIMIT_FSIZE": LARGEST_FILE},
        }


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: by itself with `result`, a signal as a negative number; or `over` a limit.

    `half` is what it wrote behind its last whole line. `not_started` says why it never began.
    """

    result: int | None = None
    over: str = ""
    not_started: str = ""
    half: bytes = b""


@dataclass(frozen=True, slots=True)
class Line:
    """A whole line: one of the protocol, or one of standard output or errors."""

    text: bytes
    is_of_protocol: bool


class Process:
    """A script that runs. Closing it ends everything that it has started."""

    def __init__(self, start: Start, *, mark: str, lock: int, remove: Path) -> None:
        self._selector = selectors.DefaultSelector()
        self._parts: dict[str, bytes] = {}
        self._unsent, self._is_last = b"", False
        self._lines = self._bytes = 0
        self._end: dict[str, Any] = {}
        self._mark = f"{MARK}={mark}".encode()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()
        try:
            self._start(start, lock, remove)
        except BaseException:  # the time-out of a worker comes anywhere
            self.close()
            raise

    def _start(self, start: Start, lock: int, remove: Path) -> None:
        pipes = {name: self._pipe() for name in ("leash", "stdin", "lines", "status", "out", "err")}
        theirs = {name: ends[1] for name, ends in pipes.items()}
        theirs |= {name: pipes[name][0] for name in ("leash", "stdin")}
        told = start.told(remove=remove)
        handed = {name: theirs[name].fileno() for name in ("leash", "lines", "status")}
        handed["lock"] = lock
        self._leash, self._stdin = pipes["leash"][1], pipes["stdin"][1]
        self._keeper = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", str(KEEPER), json.dumps(told | handed)],
            stdin=theirs["stdin"],
            stdout=theirs["out"],
            stderr=theirs["err"],
            env=dict(start.environment),
            pass_fds=list(handed.values()),
            start_new_session=True,
        )
        for end in theirs.values():
            end.close()
        for name in ("lines", "status", "out", "err"):
            self._listen(name, pipes[name][0])
        os.set_blocking(self._stdin.fileno(), False)

    def _pipe(self) -> tuple[IO[bytes], IO[bytes]]:
        reads, writes = os.pipe()
        opened = os.fdopen(reads, "rb", 0), os.fdopen(writes, "wb", 0)
        for each in opened:
            self._stack.callback(each.close)
        return opened

    def _listen(self, name: str, end: IO[bytes]) -> None:
        os.set_blocking(end.fileno(), False)
        self._parts[name] = b""
        self._selector.register(end, selectors.EVENT_READ, (name, end))

    def say(self, line: bytes, *, last: bool = False) -> None:
        """Put a line into its standard input, as soon as it reads there. Behind the last is its end."""
        if self._stdin.closed:
            return
        if not self._unsent:
            self._selector.register(self._stdin, selectors.EVENT_WRITE)
        self._unsent += line + b"\n"
        self._is_last = last

    def listen(self, seconds: float) -> list[Line | Ended]:
        """What it says within so many seconds, as soon as it says something; empty for nothing.

        `Ended` is the last, when nothing of it is left. Raises TooMuch.
        """
        heard: list[Line | Ended] = []
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._write()
            else:
                heard += self._read(*key.data)
        if not self._parts:
            heard.append(self._ended())
        return heard

    def _write(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._stdin.fileno(), self._unsent[:BLOCK]) :]
        except BlockingIOError:
            return
        except OSError:  # it does not read any more, which is its own affair
            self._unsent, self._is_last = b"", True
        if not self._unsent:
            self._selector.unregister(self._stdin)
            if self._is_last:
                self._stdin.close()

    def _read(self, name: str, end: IO[bytes]) -> Iterator[Line]:
        block = os.read(end.fileno(), BLOCK)  # there is something, or its end: it was selected
        *whole, rest = (self._parts[name] + block).split(b"\n")
        if not block:
            self._selector.unregister(end)
            del self._parts[name]
            self._end[name] = rest
        else:
            self._parts[name] = rest
        if name == "status":
            self._hear_keeper(whole, is_last=not block)
            return
        self._count(block, whole, rest)
        yield from (Line(line, name == "lines") for line in whole)
        if not block and rest and name != "lines":
            yield Line(rest, is_of_protocol=False)

    def _hear_keeper(self, lines: Sequence[bytes], *, is_last: bool) -> None:
        for line in lines:
            self._end |= json.loads(line)
        if is_last and not self._is_told:
            # Somebody has killed it. What is left would hold the other pipes open for ever.
            end_marked(self._mark)

    @property
    def _is_told(self) -> bool:
        """Whether the keeper has said how it ended."""
        return "result" in self._end or "not_started" in self._end

    def _count(self, block: bytes, whole: Sequence[bytes], rest: bytes) -> None:
        self._lines += len(whole)
        self._bytes += len(block)
        if max(map(len, (*whole, rest))) > LONGEST_LINE:
            raise TooMuch(f"It wrote a line of more than {LONGEST_LINE:,} bytes.")
        if self._lines > MOST_LINES:
            raise TooMuch(f"It wrote more than {MOST_LINES:,} lines.")
        if self._bytes > MOST_BYTES:
            raise TooMuch(f"It wrote more than {MOST_BYTES:,} bytes.")

    def _ended(self) -> Ended:
        if self._keeper is not None:
            self._keeper.wait()
        if not self._is_told:
            return Ended(over="keeper")
        names = ("result", "over", "not_started")
        told = {name: self._end[name] for name in names if name in self._end}
        return Ended(**told, half=self._end["lines"])

    def close(self) -> None:
        """End it, unless it has ended. What is left ends by itself, also when this is interrupted."""
        self._stack.close()  # with it the leash
        self._selector.close()
        if self._keeper is not None:
            self._keeper.wait()
            if self._keeper.returncode:
                end_marked(self._mark)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def end_marked(mark: bytes) -> None:
    """Kill every process with this mark in its environment."""
    while found := [process for process in _processes() if mark in _environment_of(process)]:
        for process in found:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        time.sleep(PAUSE)


def _processes() -> Iterator[int]:
    with contextlib.suppress(FileNotFoundError):  # not on macOS
        yield from (int(each) for each in os.listdir("/proc") if each.isdecimal())


def _environment_of(process: int) -> list[bytes]:
    try:
        return Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is somebody else's
        return []


@contextmanager
def folder_for(run: str) -> Iterator[tuple[Path, int]]:
    """A fresh folder, and the descriptor of a lock that only one attempt of a run can hold.

    The keeper holds it as well, and removes the folder: both outlive a worker that was killed. Raises
    Busy when an earlier attempt does not end.
    """
    base = Path(tempfile.gettempdir()) / f"backoffice-scripts-{os.geteuid()}"
    base.mkdir(mode=0o711, exist_ok=True)
    if base.is_symlink() or base.stat().st_uid != os.geteuid():
        raise Busy(f"The folder {base} belongs to somebody else, so the script was not started.")
    with _locked(base / f"{run}.lock") as lock:
        folder = Path(tempfile.mkdtemp(prefix=f"{run}-", dir=base))
        folder.chmod(0o711)
        yield folder, lock


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    until = time.monotonic() + PATIENCE
    while (file := _taken(path)) is None:
        if time.monotonic() > until:
            raise Busy("What an earlier attempt has started has not ended yet.")
        time.sleep(PAUSE)
    with file:
        yield file.fileno()
        path.unlink(missing_ok=True)


def _taken(path: Path) -> IO[str] | None:
    """The file, opened and locked; None while somebody else has it, or has just removed it."""
    file = path.open("a")
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(file.fileno()).st_ino:
            return file
    file.close()
    return None
