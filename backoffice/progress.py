"""What a person reads while the demo is made: one short line a step, with its seconds."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

WIDTH = 44


class Refused(Exception):
    """Cannot go on. The text is one clear sentence: what is wrong and what to do about it."""


def say(text: str = "", *, end: str = "\n") -> None:
    try:
        sys.stdout.write(f"{text}{end}")
        sys.stdout.flush()
    except OSError:
        pass  # the terminal is closed: nobody reads this, and what we do has to go on


@contextmanager
def step(title: str) -> Iterator[None]:
    """Shows the title at once and, when the block has ended well, how many seconds it took."""
    say(f"  {title} ".ljust(WIDTH, "."), end="")
    started = monotonic()
    try:
        yield
    except BaseException:
        say(" not done")
        raise
    say(f" {monotonic() - started:.1f} s")
