"""One run of a script: its files in a fresh folder, its values on its input, its words to the run."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tasks.authoring import File, OutcomeUnknown, Refused, TaskRun
from tasks.contrib.plain_values import plain
from tasks.contrib.script import files, isolation
from tasks.contrib.script.conversation import Conversation, NeverBegan, WentWrong
from tasks.contrib.script.definition import Script
from tasks.contrib.script.process import GRACE, MARK, Process, Start, end_marked, folder_for

STEP: Final = "script"  # the name of the one step, where all of the script is one
LEFT: Final = GRACE + 2  # seconds of the time-out that are kept to end it and to write that down
MB: Final = 1_000_000
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run_script(script: Script, values: Mapping[str, Any], run: TaskRun) -> Any:  # noqa: ANN401 - any JSON
    """Run it, and give its result.

    Raises Refused where nothing can have happened, and OutcomeUnknown where it may have.
    """
    if script.changes == "anything":
        return run.once(STEP, lambda key: _as_one_step(script, values, run, key))
    try:
        return _talk(script, values, run, key="")
    except WentWrong as wrong:
        raise Refused(str(wrong)) from wrong


def _as_one_step(script: Script, values: Mapping[str, Any], run: TaskRun, key: str) -> Any:  # noqa: ANN401
    try:
        return _talk(script, values, run, key)
    except NeverBegan as wrong:
        raise Refused(f"{wrong} Nothing happened.") from wrong
    except WentWrong as wrong:
        raise OutcomeUnknown(
            f"{wrong} What it did before is unknown: see the log.", same_key=script.idempotent
        ) from wrong


def _talk(script: Script, values: Mapping[str, Any], run: TaskRun, key: str) -> Any:  # noqa: ANN401
    steps, harmless = script.changes == "steps", script.changes == "nothing"
    limits = {"seconds": _seconds(script), "memory": float(script.memory)}
    with _started(script, values, run) as (process, given):
        told = {"values": given, "run": str(run.id), "reason": run.reason}
        told |= {"requested_by": run.requested_by.get_username()} | ({"key": key} if key else {})
        process.say(json.dumps(told).encode(), last=not steps)
        talk = Conversation(process, run, limits=limits, steps=steps)
        return talk.result(stops_when_cancelled=harmless)


@contextmanager
def _started(
    script: Script, values: Mapping[str, Any], run: TaskRun
) -> Iterator[tuple[Process, dict[str, Any]]]:
    """The process, and its values as JSON. Its folder is gone afterwards."""
    boxed = isolation.is_sandboxed()
    with folder_for(str(run.id)) as (folder, lock):
        try:
            work = folder / "task"
            given = _written(
                script, values, work, seen_as=Path(isolation.INSIDE) if boxed else work
            )
            start = _in_the_open(script, folder) if not boxed else _in_a_box(script, work)
            start = replace(start, environment=start.environment | {MARK: str(run.id)})
            end_marked(f"{MARK}={run.id}".encode())
            with Process(start, mark=str(run.id), lock=lock, remove=folder) as process:
                yield process, given
        finally:
            files.remove(folder)


def _written(
    script: Script, values: Mapping[str, Any], folder: Path, *, seen_as: Path
) -> dict[str, Any]:
    """Put the script's files into the folder, and those among the values; the values as JSON."""
    given, more = {}, {}
    for name, value in values.items():
        if isinstance(value, File):
            place = f"input/{name}"  # the file's own name is somebody's text
            more[place] = value.content
            given[name] = {"name": value.name, "path": str(seen_as / place)}
        else:
            given[name] = plain(value)
    folder.mkdir()
    files.write({**script.files, **more}, folder)
    return given


def _in_a_box(script: Script, folder: Path) -> Start:
    command = _command(script, Path(isolation.INSIDE))
    return Start(
        isolation.sandboxed(
            command, folder, network=script.network, reads=isolation.homes_of(command[0])
        ),
        environment=_environment(script, home="/tmp"),  # noqa: S108 - the sandbox's own
        folder=folder,
        seconds=_seconds(script),
        memory=script.memory * MB,
    )


def _in_the_open(script: Script, folder: Path) -> Start:
    user = isolation.other_user()
    home = folder / "home"
    home.mkdir(mode=0o700)
    if user:
        os.chown(home, *user)
    return Start(
        _command(script, folder / "task"),
        environment=_environment(script, home=str(home)),
        folder=folder / "task",
        seconds=_seconds(script),
        memory=script.memory * MB,
        user=user,
    )


def _command(script: Script, folder: Path) -> list[str]:
    """What is executed. Raises Refused where what runs it is not installed."""
    path = str(folder / script.name)
    name, *arguments = script.interpreter or _first_line(script)
    program = shutil.which(name)
    if program is None:
        raise Refused(
            f"{name} is not installed on this worker, and {script.name} is run by it. Nothing was "
            "started. Ask an engineer to install it."
        )
    return [program, *arguments, path]


def _first_line(script: Script) -> list[str]:
    """What stands behind `#!`. The kernel takes what follows the program as one argument."""
    line = script.files[script.name].partition(b"\n")[0].decode(errors="replace")
    program, _, argument = line.removeprefix("#!").strip().partition(" ")
    if program.endswith("/env") and argument:
        return argument.removeprefix("-S ").split()
    return [program, argument.strip()] if argument.strip() else [program]


def _environment(script: Script, *, home: str) -> dict[str, str]:
    """What a script finds in its environment: little, and what its task names."""
    missing = [name for name in script.environment if name not in os.environ]
    if missing:
        raise Refused(
            f"{', '.join(missing)} is not set on this worker, and {script.name} needs it. Nothing was "
            "started. Ask an engineer to set it."
        )
    own = {"PATH": os.environ.get("PATH", PATH), "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8"}
    return own | {name: os.environ[name] for name in script.environment}


def _seconds(script: Script) -> float:
    return max(script.seconds - LEFT, script.seconds / 2)
