"""What was declared of a script, and what of it decides and is shown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from tasks.contrib.script.files import listed
from tasks.declaration.kinds import Shown

type Changes = Literal["anything", "steps", "nothing"]
CHANGES: Final[tuple[str, ...]] = get_args(Changes.__value__)
_CHANGES: Final = {
    "anything": "It may change something in an external system: all of it is one step.",
    "steps": "It may change something in an external system, in steps of their own.",
    "nothing": "It changes nothing in an external system.",
}


@dataclass(frozen=True, slots=True)
class Script:
    """What was declared. `memory` is in MB, `seconds` is the task's time-out."""

    name: str
    files: Mapping[str, bytes]
    interpreter: tuple[str, ...]  # empty for a file that names its own, behind #!
    changes: str
    environment: tuple[str, ...]
    network: bool
    memory: int
    seconds: int
    idempotent: bool

    def content(self) -> dict[str, bytes]:
        """What decides what a run does."""
        how = {
            "interpreter": self.interpreter,
            "changes": self.changes,
            "environment": self.environment,
            "network": self.network,
            "memory": self.memory,
        }
        covered = {f"file {name}": content for name, content in self.files.items()}
        return {**covered, "how": json.dumps([self.name, how]).encode()}

    def shown(self) -> tuple[Shown, ...]:
        """The script itself, how it is run, and what it brings along."""
        text = self.files.get(self.name, b"").decode(errors="replace")
        others = {name: content for name, content in self.files.items() if name != self.name}
        more = (Shown("Its other files", listed(others)),) if others else ()
        return (Shown(self.name, text), Shown("How it runs", self._how()), *more)

    def _how(self) -> str:
        return "\n".join(
            [
                f"Run by {' '.join(self.interpreter) or 'what its first line names'}.",
                _CHANGES.get(self.changes, ""),
                f"{'With' if self.network else 'Without'} network, at most {self.memory} MB of memory.",
                f"From the environment it gets: {', '.join(self.environment) or 'nothing'}.",
            ]
        )
