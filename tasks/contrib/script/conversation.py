"""What a script says, line by line, and what becomes of it.

It reads JSON on its standard input and writes JSON lines on descriptor 3, each an object with one of
these names. What it writes on standard output and errors goes to the log of the run.

| line                                  | what it says                                              |
|---------------------------------------|-----------------------------------------------------------|
| {"result": …}                         | done; the value is the result                             |
| {"refused": "why"}                    | nothing happened, and trying again does not help          |
| {"busy": "why"}                       | nothing happened; the same may succeed later              |
| {"unknown": "why"}                    | it may have happened                                      |
| {"log": "text"}                       | a line of the log                                         |
| {"progress": [3, 10]}                 | how far it has come                                       |
| {"step": "refund"}                    | may it do this step? see `changes="steps"`                |
| {"answer": …}                         | what came of the step that it was allowed                 |

One of the first four is the end mark: without it the script has not ended well, whatever its exit
status is, and with an exit status other than 0 neither.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from tasks.authoring import Busy, OutcomeUnknown, Refused, TaskRun
from tasks.contrib.exact_json import NotExact, exact_json
from tasks.contrib.plain_values import plain
from tasks.contrib.script.process import Ended, Line, Process, TooMuch

GLANCE: Final = 0.5  # seconds
MARKS: Final = ("result", "refused", "busy", "unknown")
ONLY_TOLD: Final = ("log", "progress")
FOR_STEPS: Final = ("step", "answer")
OVER: Final = {
    "time": "It did not end within {seconds:.0f} seconds and was ended.",
    "memory": "It used more than {memory:.0f} MB of memory and was ended.",
    "processes": "It started too many processes at once and was ended.",
    "leash": "It was ended.",
    "keeper": "What watches over it was killed, so it was ended, too.",
}


class WentWrong(Exception):
    """It ended otherwise than by saying how: the text tells people what happened."""


class NeverBegan(WentWrong):
    """It could not be started, so that nothing can have happened."""


@dataclass(frozen=True, slots=True)
class Said:
    """One line: its name, and what stands under it."""

    name: str
    value: Any


class Conversation:
    """With one script. `limits` are seconds and MB, for texts."""

    def __init__(
        self, process: Process, run: TaskRun, *, limits: dict[str, float], steps: bool
    ) -> None:
        self._process, self._run = process, run
        self._limits = limits
        self._has_steps = steps
        self._waiting: list[Line | Ended] = []

    def result(self, *, stops_when_cancelled: bool) -> Any:  # noqa: ANN401 - any JSON
        """Listen until it has ended, and give its result.

        Raises Refused, Busy and OutcomeUnknown as it says, and WentWrong. `stops_when_cancelled` says
        that it may be ended at any moment.
        """
        while (said := self._next(stops_when_cancelled)).name not in MARKS:
            if said.name != "step":
                raise WentWrong("It answered a step that it had not begun.")
            self._do(said.value)
        self._expect_end()
        return _judged(said)

    def _do(self, step: object) -> None:
        """One step: the script is handed its key, or the answer of an earlier attempt."""
        was_sent = False

        def send(key: str) -> Any:  # noqa: ANN401 - any JSON
            nonlocal was_sent
            was_sent = True
            self._say({"key": key})
            try:
                return self._answer()
            except WentWrong as wrong:
                raise OutcomeUnknown(f"{wrong} It may have done “{step}”.") from wrong

        answer = self._run.once(step, send)  # type: ignore[arg-type] # which says what is no name
        if not was_sent:
            self._say({"answer": plain(answer)})

    def _answer(self) -> Any:  # noqa: ANN401 - any JSON
        """What came of the step that it does now."""
        said = self._next(False)
        if said.name in ("result", "step"):
            raise WentWrong(f"It said “{said.name}” before it answered its step.")
        return said.value if said.name == "answer" else _judged(said)

    def _say(self, what: dict[str, Any]) -> None:
        self._process.say(json.dumps(what).encode())

    def _next(self, stops_when_cancelled: bool) -> Said:
        """The next line that is more than something to show. Raises WentWrong where there is none."""
        while True:
            heard = self._heard(stops_when_cancelled)
            if isinstance(heard, Ended):
                raise self._wrong(heard)
            if not heard.is_of_protocol:
                self._run.log(heard.text.decode(errors="replace"))
                continue
            said = self._read(heard.text)
            if said.name not in ONLY_TOLD:
                return said
            self._show(said)

    def _heard(self, stops_when_cancelled: bool) -> Line | Ended:
        while not self._waiting:
            if stops_when_cancelled:
                self._run.check_cancelled()
            try:
                self._waiting = self._process.listen(GLANCE)
            except TooMuch as much:
                raise WentWrong(f"{much} It was ended.") from much
        return self._waiting.pop(0)

    def _read(self, text: bytes) -> Said:
        known = (*MARKS, *ONLY_TOLD, *(FOR_STEPS if self._has_steps else ()))
        try:
            read = exact_json(text)
        except NotExact as error:
            raise WentWrong(f"It wrote a line that cannot be read. {error}") from error
        if not isinstance(read, dict) or len(read) != 1 or next(iter(read)) not in known:
            names = ", ".join(known)
            raise WentWrong(f"It wrote a line that means nothing here. A line has one of: {names}.")
        return Said(*next(iter(read.items())))

    def _show(self, said: Said) -> None:
        if said.name == "log":
            self._run.log(said.value)
            return
        match said.value:
            case [int(done), int(total)]:
                self._run.progress(done, total)
            case _:
                raise WentWrong(
                    'Its progress is no pair of numbers, such as {"progress": [3, 10]}.'
                )

    def _expect_end(self) -> None:
        """Behind the end mark only its end may follow, and a good one."""
        while not isinstance(heard := self._heard(False), Ended):
            if heard.is_of_protocol:
                raise WentWrong("It went on after it had said how it ended.")
            self._run.log(heard.text.decode(errors="replace"))
        if heard.half or heard.over or heard.result:
            raise self._wrong(heard, said=True)

    def _wrong(self, end: Ended, *, said: bool = False) -> WentWrong:
        if end.not_started:
            return NeverBegan(f"It could not be started: {end.not_started}.")
        if end.over:
            return WentWrong(OVER[end.over].format_map(self._limits))
        if end.half:
            return WentWrong("It ended in the middle of a line.")
        if end.result:
            return WentWrong(
                f"It {'gave a result and then ' if said else ''}ended with {_status(end.result)}."
            )
        return WentWrong("It ended without saying what came of it.")


def _status(result: int) -> str:
    return f"the exit status {result}" if result > 0 else f"the signal {-result}"


def _judged(said: Said) -> Any:  # noqa: ANN401 - any JSON
    """The result, or an exception that stands for another end."""
    why = str(said.value)
    match said.name:
        case "refused":
            raise Refused(why)
        case "busy":
            raise Busy(why)
        case "unknown":
            raise OutcomeUnknown(why, same_key=False)
    return said.value
