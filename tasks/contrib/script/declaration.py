"""`@script_task`: a script beside the module, in any language, as a task."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Unpack

from tasks.contrib.script import files
from tasks.contrib.script.definition import CHANGES, Changes, Script
from tasks.contrib.script.running import run_script
from tasks.declaration.declared import Function, TaskArguments
from tasks.declaration.kinds import TaskKind
from tasks.declaration.registry import task
from tasks.declaration.source import location, registers

INTERPRETERS: Final = {
    ".cjs": "node",
    ".js": "node",
    ".mjs": "node",
    ".php": "php",
    ".pl": "perl",
    ".py": "python3",
    ".rb": "ruby",
    ".sh": "sh",
}


def script_task(  # noqa: PLR0913 -- each keyword is one thing an author may say
    script: str,
    *,
    covers: Sequence[str] = (),
    interpreter: Sequence[str] | None = None,
    changes: Changes = "anything",
    env: Sequence[str] = (),
    network: bool = False,
    memory: int = 512,
    **said: Unpack[TaskArguments],
) -> Callable[[Function], Function]:
    """Make a script a task: the `def` below it is the form and the description, and nothing else.

    `script` is a path from the folder of the module, `covers` are patterns for what else it needs,
    from its own folder: `"lib/**/*.js"`. All of it is read once, is part of what is approved, and is
    what runs. `interpreter` is the command that runs it; without it the ending of the file decides,
    or its first line. `changes` says what it changes in other systems: "nothing", so that it can always
    be run again; "steps", for which it asks one by one; or "anything", so that all of it is one step
    that is done once. `env` names what it gets of the worker's environment. `network`
    says that it needs it, `memory` is in MB. All other arguments are those of `@task`; `timeout` is
    in seconds, of which the script has all but the last few.
    """

    def declare(function: Function) -> Function:
        given = said.copy()
        if changes == "nothing":
            given["idempotent"] = True
        path = Path(location(function)[0]).parent / script
        found, problems = _read(path, covers)
        declared = Script(
            name=path.name,
            files=MappingProxyType(found),
            interpreter=_interpreter_of(path) if interpreter is None else tuple(interpreter),
            changes=changes,
            environment=tuple(env),
            network=network,
            memory=memory,
            seconds=int(said.get("timeout", 60)),
            idempotent=given.get("idempotent") is True,
        )
        kind = TaskKind(
            "script",
            run=lambda values, run: run_script(declared, values, run),
            content=declared.content(),
            shown=declared.shown(),
            problems=(*problems, *_problems(declared, said)),
            reads_only=changes == "nothing",
        )
        return task(kind=kind, **given)(function)

    return declare


registers(script_task)


def _interpreter_of(script: Path) -> tuple[str, ...]:
    known = INTERPRETERS.get(script.suffix)
    return (known,) if known else ()


def _read(script: Path, covers: Sequence[str]) -> tuple[dict[str, bytes], list[tuple[str, str]]]:
    try:
        return files.read(script, covers), []
    except files.NotReadable as error:
        return {}, [(str(error.args[0]), str(error.args[1]))]


def _problems(script: Script, said: TaskArguments) -> Iterator[tuple[str, str]]:
    content = script.files.get(script.name, b"")
    if script.files and not script.interpreter and not content.startswith(b"#!"):
        yield (
            f"Nothing says what runs {script.name}.",
            'Write interpreter=["deno", "run"], or begin the file with a line such as #!/usr/bin/awk -f.',
        )
    if script.changes not in CHANGES:
        yield f"changes is {script.changes!r}.", f"Write one of {', '.join(CHANGES)}."
    if script.changes == "nothing" and said.get("idempotent") is False:
        yield "A script that changes nothing can always be run again.", "Leave idempotent out."
    if not 16 <= script.memory <= 65_536:
        yield f"memory is {script.memory!r}.", "Write a number of MB from 16 to 65536."
    if wrong := [name for name in script.environment if not name.isidentifier()]:
        yield f"env names {wrong[0]!r}.", 'Write the names of variables: env=["CRM_TOKEN"].'
