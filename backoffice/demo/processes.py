"""The programs that a demo consists of: started with a log each, ended together."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from types import FrameType, MappingProxyType
from typing import IO

from backoffice.progress import Refused

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
PATIENCE = 10.0  # seconds to end by itself after SIGTERM
GLANCE = 0.05  # seconds between two looks at what is going on


class Stopped(Exception):
    """Somebody has pressed Ctrl-C, closed the terminal or ended us."""


class StopRequest:
    """Notes the wish to stop. It is looked at between two steps, so nothing is left half started.

    A second Ctrl-C while everything is being stopped does no harm.
    """

    def __init__(self) -> None:
        self.made = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGHUP, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.made = True

    def heed(self) -> None:
        if self.made:
            raise Stopped


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all programs have in common. `lock` is the text file of DataFolder.held."""

    folder: Path
    env: Mapping[str, str]
    logs: Path
    lock: IO[str]


class Program:
    """One child process. It leads a session of its own: a Ctrl-C in the terminal reaches only us."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        around: Surroundings,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.log = around.logs / f"{name.replace(' ', '-')}.log"
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                cwd=around.folder,
                env={**around.env, **more},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # Where it goes on after we were killed, nobody starts a second set while it holds this.
                pass_fds=[around.lock.fileno()],
                preexec_fn=_end_with_launcher,
            )
        around.lock.write(f" {self.pid}")
        around.lock.flush()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def result(self) -> int | None:
        """None while it runs; 0 when it ended well; the negative signal number when killed."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        if self.result is None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Waits until then; whatever is left of its session after that is killed."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - monotonic()))
        # Nobody may be left to kill; when only a dead one is, macOS calls it a lack of rights.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def last_lines(self, count: int = 15) -> str:
        lines = self.log.read_text(errors="replace").rstrip().splitlines()
        return "\n".join(f"    {line}" for line in lines[-count:])


class Programs:
    """All that this process has started. Raises Refused when one of them ends by itself."""

    def __init__(self, around: Surroundings, stop: StopRequest) -> None:
        self._around, self._stop = around, stop
        self._running: list[Program] = []

    def start(
        self, name: str, *command: str, more: Mapping[str, str] = MappingProxyType({})
    ) -> Program:
        """`more` is added to the environment that all have in common."""
        program = Program(name, command, self._around, more)
        self._running.append(program)
        return program

    def run(self, name: str, *command: str, more: Mapping[str, str] = MappingProxyType({})) -> None:
        """One that ends by itself. Raises Refused with its last words when it does not end well."""
        program = self.start(name, *command, more=more)
        while program.result is None:
            self._stop.heed()
            sleep(GLANCE)
        self._running.remove(program)
        if program.result:
            raise Refused(_last_words(program))

    def wait_until(self, ready: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Raises Refused when that takes longer, or when a program has ended meanwhile."""
        deadline = monotonic() + seconds
        while not ready():
            self.watch()
            if monotonic() > deadline:
                raise Refused(f"{what} after {seconds:.0f} seconds: see {self._around.logs}.")

    def watch(self) -> None:
        """One look at all of them, and a short pause."""
        self._stop.heed()
        for program in self._running:
            if program.result is not None:
                raise Refused(_last_words(program))
        sleep(GLANCE)

    def end(self) -> None:
        """The last started is asked first; all of them have the same time to end in."""
        for program in reversed(self._running):
            program.ask_to_end()
        deadline = monotonic() + PATIENCE
        while self._running:
            self._running[-1].end(deadline)
            self._running.pop()


def _end_with_launcher() -> None:
    """Called in the new process: Linux has it end as by Ctrl-C when we are killed."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _last_words(program: Program) -> str:
    result = program.result or 0
    ending = f"was killed by signal {-result}" if result < 0 else f"ended with the result {result}"
    return (
        f"{program.name.capitalize()} {ending}. The end of {program.log}:\n{program.last_lines()}"
    )
