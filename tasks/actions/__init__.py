"""The only functions that change tasks and runs. Every door calls these."""

from tasks.actions.catalogue import adopt_task, retire_task
from tasks.actions.effects import answer_effect, begin_effect, refuse_effect, write_line
from tasks.actions.grants import grant, revoke
from tasks.actions.rules import RuleSpec, end_rule, save_rule
from tasks.actions.runs import (
    InvalidValues,
    NotCancellable,
    Outcome,
    cancel_run,
    finish_run,
    on_request_decided,
    request_run,
    start_run,
)

__all__ = [
    "InvalidValues",
    "NotCancellable",
    "Outcome",
    "RuleSpec",
    "adopt_task",
    "answer_effect",
    "begin_effect",
    "cancel_run",
    "end_rule",
    "finish_run",
    "grant",
    "on_request_decided",
    "refuse_effect",
    "request_run",
    "retire_task",
    "revoke",
    "save_rule",
    "start_run",
    "write_line",
]
