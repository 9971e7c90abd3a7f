"""What the code of a task says of it, in words, for the page of its settings."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from approvals.models import SlackMode
from tasks.admin.pages import code_of

if TYPE_CHECKING:
    from tasks.declaration.break_glass import BreakGlass
    from tasks.declaration.slack import InSlack
    from tasks.models import Task

TIMES: Final = {1: "once", 2: "twice"}


def said_in_code(task: "Task") -> Iterator[tuple[str, str]]:
    """What is asked about it in an audit: label and text. Nothing where the code is gone."""
    if (code := code_of(task)) is None:
        return
    yield "Moves money", "Yes" if task.moves_money else "No"
    yield "Emergency runs", _in_an_emergency(code.break_glass)
    yield "Slack", _in_slack(code.slack)
    if code.one_running_per:
        yield "Only one runs at a time per", ", ".join(code.one_running_per)
    if code.one_open_per:
        yield "Only one open request per", ", ".join(code.one_open_per)


def _in_an_emergency(break_glass: "BreakGlass | None") -> str:
    if break_glass is None:
        return "Not allowed"
    times = TIMES.get(break_glass.per_day, f"{break_glass.per_day} times")
    most = "" if break_glass.up_to is None else f", up to {break_glass.up_to:,}"
    return f"Members of “{break_glass.group}”, {times} in 24 hours{most}. Two people review it."


def _in_slack(slack: "InSlack") -> str:
    shown = str(SlackMode(slack.mode).label)
    return shown if slack.up_to is None else f"{shown}, up to {slack.up_to:,}"
