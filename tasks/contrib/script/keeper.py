"""Runs one script, and ends it with everything it has started: a program of its own.

    python -I -S keeper.py '{"command": ["node", "/…/refund.js"], "leash": 7, …}'

The worker holds the other end of the leash, a pipe. When that end is closed, because the worker wants
so or was killed, or when the script has ended or is over a limit, nothing of it is left a few seconds
later: not what it has put into the background, nor what has a session of its own. Nobody can ask the
keeper to end before.

It has nothing but the standard library, and only Linux lets it find everything: elsewhere it ends the
processes of the script's own group.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

LINES: Final = 3  # the number of the descriptor on which the script writes its lines
HIGH: Final = 20  # descriptors of our own are above it
GLANCE: Final = 0.5  # seconds between two looks at what the script uses
PAUSE: Final = 0.02
PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36
PR_SET_NO_NEW_PRIVS: Final = 38
LINUX: Final = sys.platform == "linux"
IGNORED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)


class Keeper:
    """`told` has the command, the limits, and the numbers of the descriptors that were handed over."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        # Out of the way of the number that the script expects. The lock is only held.
        names = ("leash", "status", "lines", "lock")
        self.leash, self.status, self.lines, self.lock = (_moved(told[name]) for name in names)
        self.result: int | None = None
        self.script = 0

    def keep(self) -> None:
        """Start the script, wait, end what is left, and say how it ended."""
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        woken, wakes = map(_moved, os.pipe())
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            self._start()
        except OSError as error:
            self._say({"not_started": error.strerror or str(error)})
            return
        self._say({"process": self.script})
        over = self._wait(woken)
        self._end_all()
        self._say({"result": self.result, "over": over})

    def _start(self) -> None:
        os.dup2(self.lines, LINES)
        os.close(self.lines)
        # It is held on to: when it is thrown away, it takes the end of the script for itself.
        self.started = subprocess.Popen(  # noqa: S603 - a list, and no value that a person has entered
            self.told["command"],
            cwd=self.told["folder"],
            pass_fds=[LINES],
            start_new_session=True,
            preexec_fn=self._prepare,
        )
        self.script = self.started.pid
        # The others hold its ends alone: what reads there has to hear that the script is over.
        for number in (0, LINES):
            os.close(number)

    def _prepare(self) -> None:
        """In the new process, before it becomes the script."""
        for number in IGNORED:
            signal.signal(number, signal.SIG_DFL)
        for name, most in self.told["limits"].items():
            with contextlib.suppress(ValueError, OSError):  # already lower than that
                resource.setrlimit(getattr(resource, name), (most, most))
        with contextlib.suppress(OSError):  # memory that runs out takes it before anything of ours
            Path("/proc/self/oom_score_adj").write_text("1000")
        if user := self.told["user"]:
            os.setgroups([])
            os.setgid(user[1])
            os.setuid(user[0])
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # where the keeper itself is killed

    def _wait(self, woken: int) -> str:
        """Until the script has ended: empty. Or else why it has to: the leash, or a limit."""
        until = time.monotonic() + self.told["seconds"]
        while True:
            ready, _, _ = select.select([self.leash, woken], [], [], GLANCE)
            if woken in ready:
                os.read(woken, 1000)
            self._reap()
            if self.result is not None:
                return ""
            if self.leash in ready:
                return "leash"
            if time.monotonic() > until:
                return "time"
            if over := self._over():
                return over

    def _over(self) -> str:
        processes = self._descendants()
        if len(processes) > self.told["processes"]:
            return "processes"
        return "memory" if sum(map(_memory, processes)) > self.told["memory"] else ""

    def _end_all(self) -> None:
        """Ask all to end, and end by force what has not done so within the grace."""
        until = time.monotonic() + self.told["grace"]
        for process in self._descendants():
            if _name(process) != "bwrap":  # which would take the others with it at once
                _kill(process, signal.SIGTERM)
        while self._any_left():
            if time.monotonic() > until:
                self._freeze()
                for process in self._descendants():
                    _kill(process, signal.SIGKILL)
            time.sleep(PAUSE)

    def _freeze(self) -> None:
        """Stop all of them, so that none starts another while they are counted."""
        stopped: set[int] = set()
        while new := set(self._descendants()) - stopped:
            for process in new:
                _kill(process, signal.SIGSTOP)
            stopped |= new

    def _any_left(self) -> bool:
        self._reap()
        return bool(self._descendants())

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self.script:
                    self.result = os.waitstatus_to_exitcode(ended[1])

    def _descendants(self) -> list[int]:
        """All processes below this one. Those whose parents have ended come to it, as its own."""
        return _below(os.getpid()) if LINUX else list(_group(self.script))

    def _say(self, what: dict[str, object]) -> None:
        with contextlib.suppress(OSError):  # nobody may be left to hear it
            os.write(self.status, json.dumps(what).encode() + b"\n")


def _moved(number: int) -> int:
    """The same descriptor under a high number, which the script does not inherit."""
    moved = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(number)
    return moved


def _below(top: int) -> list[int]:
    """All processes that descend from this one."""
    children: dict[int, list[int]] = {}
    for each in os.listdir("/proc"):
        if each.isdecimal():
            with contextlib.suppress(OSError, IndexError, ValueError):  # it has ended
                # Behind the name, which may hold anything: its state, and its parent.
                state, parent = (
                    Path(f"/proc/{each}/stat")
                    .read_text(errors="replace")
                    .rpartition(")")[2]
                    .split()[:2]
                )
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(each))
    found, to_look_at = [], [top]
    while to_look_at:
        below = children.get(to_look_at.pop(), [])
        found += below
        to_look_at += below
    return found


def _group(process: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        os.killpg(process, 0)
        yield -process  # as a number for `os.kill`: the whole group


def _memory(process: int) -> int:
    """Bytes that it has in memory."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""


def _kill(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(process, number)


def _prctl(what: int, value: int) -> None:
    if LINUX:
        LIBC.prctl(what, value, 0, 0, 0)


LIBC: Final[Any] = ctypes.CDLL(None) if LINUX else None


def _and_remove(folder: str, keep: Callable[[], None]) -> None:
    """Nobody needs the folder when nothing runs in it any more."""
    try:
        keep()
    finally:
        for parent, _, _ in os.walk(folder):
            os.chmod(parent, 0o700)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    _and_remove(told["remove"], Keeper(told).keep)
