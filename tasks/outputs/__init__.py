"""What a task may return, and what a preview lists.

May import `secrets`, `parameters` and below.
"""

from tasks.outputs.kinds import (
    JSON,
    Change,
    Chart,
    KeyValue,
    Markdown,
    Output,
    Table,
    Text,
)
from tasks.outputs.texts import text_of
from tasks.parameters import File, Money

__all__ = [
    "JSON",
    "Change",
    "Chart",
    "File",
    "KeyValue",
    "Markdown",
    "Money",
    "Output",
    "Table",
    "Text",
    "text_of",
]
